"""An image is found by its name, whichever way a program has spelled it."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from sampipe.data.annotated import AnnotatedImage
from sampipe.data.convert import open_writer
from sampipe.data.formats import read_dataset
from sampipe.data.names import FolderNames, Names, common_root, inside, name_of, plain
from sampipe.errors import DataError

PARTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters='/\\:?"<>|*%.'),
    min_size=1,
    max_size=6,
).filter(lambda text: text.strip() == text)
PATHS = st.lists(PARTS, min_size=1, max_size=3).map(lambda parts: "/".join(parts) + ".jpg")


@pytest.mark.parametrize(
    ("known", "source"),
    [
        ("set\\b.jpg", "data/set/b.jpg"),
        ("D:\\set\\b.jpg", "b.jpg"),
        ("set/a%20b%2Bc.png", "set/a b+c.png"),
        ("caf\u00e9.jpg", "cafe\u0301.jpg"),
        ("set/B.JPG", "set/B.jpg"),
        ("https://host/set/b.jpg", "/data/set/b.jpg"),
        ("./set/b.jpg", "set/b.jpg"),
        ("b", "set/b.jpg"),
        ("100%.jpg", "100%.jpg"),
    ],
)
def test_spellings(known: str, source: str) -> None:
    assert Names([known, "other.jpg"], "rows").find(source) == known


def test_the_name_that_shares_most_is_taken() -> None:
    names = Names(["p/one.jpg", "q/one.jpg"], "rows.json")
    assert names.find("/data/q/one.jpg") == "q/one.jpg"
    assert names.find("/data/q/two.jpg") is None
    with pytest.raises(DataError, match=r"rows\.json: one\.jpg can be p/one\.jpg or q/one\.jpg"):
        names.find("one.jpg")
    with pytest.raises(DataError, match="does not say where it comes from"):
        names.find(None)


@given(st.lists(PATHS, min_size=1, max_size=5, unique_by=lambda path: plain(path).casefold()))
def test_a_name_is_found_in_other_composed_characters_and_slashes(paths: list[str]) -> None:
    names = Names([unicodedata.normalize("NFD", path).replace("/", "\\") for path in paths], "rows")
    for path in paths:
        assert plain(names.find(path) or "") == plain(path)


@given(st.lists(PATHS, min_size=1, max_size=6))
def test_a_folder_gives_no_path_twice(paths: list[str]) -> None:
    names = FolderNames()
    taken = [names.take(path) for path in paths]
    assert len({os.path.splitext(path)[0].casefold() for path in taken}) == len(paths)  # noqa: PTH122


def test_names_stay_inside_the_folder() -> None:
    assert inside("../../etc/x.png") == "etc/x.png"
    assert inside("/abs/y.png") == "abs/y.png"
    assert inside("C:\\win\\z.png") == "win/z.png"


def test_a_name_begins_at_the_root(tmp_path: Path) -> None:
    sources = [str(tmp_path / one) for one in ("p/one.jpg", "q/r/two.jpg")]
    root = common_root(sources)
    assert [name_of(source, root) for source in sources] == ["p/one.jpg", "q/r/two.jpg"]
    assert common_root(["sample:coffee"]) == ""
    with pytest.raises(DataError, match="no UTF-8"):
        name_of(os.fsdecode(b"caf\xe9.jpg"))


@pytest.mark.parametrize("stem", ["annotations", "Classes", "img.task", "img.overlay", "img.0001", "job"])
def test_no_image_has_the_stem_of_another_kind_of_file(stem: str) -> None:
    from sampipe.data.names import clean_stem

    assert clean_stem(stem) == f"{stem}_"


def test_a_percent_sign_hides_what_would_end_an_address() -> None:
    names = Names(["file:///sets/q/what%232.jpg", "https://host/p/is%3Fit.png?token=7", "b/plus%2Bplus.jpg"], "rows")
    found = [names.find(name) for name in ("/home/me/q/what#2.jpg", "x/p/is?it.png", "b/plus+plus.jpg")]
    assert found == names._known


def test_an_image_that_is_hidden_comes_back_from_sa1b(tmp_path: Path) -> None:
    for name in (".hidden.png", "job.png", "1.png"):
        Pillow.new("RGB", (9, 7)).save(tmp_path / name)
    images = [AnnotatedImage(tmp_path / name, size=(7, 9)) for name in (".hidden.png", "job.png", "1.png")]
    writer = open_writer("sa1b", tmp_path / "to", images="copy")
    for image in images:
        writer.add(image)
    (tmp_path / "to" / ".cache.json").write_text("{}")
    (tmp_path / "to" / "job.json").write_text("{}")
    assert {reads().name for reads in read_dataset(tmp_path / "to").images} == {".hidden.png", "job_.png", "1.png"}
