"""Files of every format with a place swapped for nonsense: a reader reads them or says where they are wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sampipe.data.formats import READABLE, WRITABLE
from sampipe.errors import DataError
from sampipe.measure.faults import foreign
from sampipe.measure.faults.foreign import swap_somewhere, swapped, try_reader, write_format, write_source

ANY = st.integers(0, 2**31)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("foreign")
    source = write_source(folder / "source", np.random.default_rng(7))
    return {name: write_format(name, source, folder) for name in READABLE}


@pytest.mark.parametrize("name", READABLE)
@pytest.mark.filterwarnings("ignore::UserWarning")  # damaged metadata is worth a warning of Pillow's
def test_a_reader_reads_nonsense_or_says_where_it_is(
    name: str, written: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    target = tmp_path_factory.mktemp(name) / "swapped"
    verdicts = set()

    @settings(max_examples=40, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.tuples(ANY, ANY, ANY))
    @example((0, 0, 0))
    def tried(places: tuple[int, int, int]) -> None:
        what = swap_somewhere(written[name], target, places)
        try:
            verdicts.add(try_reader(target, name))
        except Exception as error:
            raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error

    tried()
    assert verdicts == {"read", "refused"}


@pytest.mark.parametrize(
    ("data", "suffix", "places", "wanted"),
    [
        (b'{"a": [1, {"b": 2}]}', ".json", (4, 3), b'{"a": [1, {"b": NaN}]}'),
        (b'{"a": 1}', ".geojson", (0, 5), b"[]"),
        (b'<a x="1"><b/></a>', ".svg", (1, 2), b'<a x="nan"><b /></a>'),
        (b"0 0.5 0.5\n1 2 3\n", ".txt", (2, 4), b"0 1e9 0.5\n1 2 3\n"),
        (b"\x89PNG....", ".png", (3, 8), b"\x89PN"),
        (b"\x89PNG....", ".png", (3, 7), b"\x89PN\x07...."),
    ],
)
def test_one_place_becomes_nonsense(data: bytes, suffix: str, places: tuple[int, int], wanted: bytes) -> None:
    assert swapped(data, suffix, *places)[0] == wanted


def test_what_a_reader_may_not_do_is_seen(written: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(folder: Path, name: str) -> None:
        raise DataError("something is wrong")

    monkeypatch.setattr(foreign, "read_dataset", refused)
    with pytest.raises(AssertionError, match="does not name the file: something is wrong"):
        try_reader(written["coco"], "coco")
    assert set(WRITABLE) - set(READABLE) == {"crops", "cutouts", "coco_results"}
