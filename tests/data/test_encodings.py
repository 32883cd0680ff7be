"""Text in whatever encoding: read where the file says which, else an error that names it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image as Pillow

from sampipe.data.formats import read_dataset
from sampipe.errors import DataError

BOX = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"


def voc(folder: Path, label: str, encoding: str, declared: str | None) -> Path:
    for name in ("JPEGImages", "Annotations"):
        (folder / name).mkdir()
    Pillow.new("RGB", (30, 20)).save(folder / "JPEGImages" / "1.png")
    head = "" if declared is None else f"<?xml version='1.0' encoding='{declared}'?>\n"
    text = f"{head}<annotation><filename>1.png</filename><object><name>{label}</name>{BOX}</object></annotation>"
    (folder / "Annotations" / "1.xml").write_bytes(text.encode(encoding))
    return folder


@pytest.mark.parametrize(
    ("label", "encoding", "declared"),
    [
        ("鸥", "gbk", "GBK"),
        ("鸥", "gb2312", "gb2312"),
        ("鴎", "shift_jis", "Shift_JIS"),
        ("鷗", "big5", "Big5"),
        ("чайка", "koi8-r", "KOI8-R"),
        ("Möwe", "latin-1", "iso-8859-1"),
        ("Möwe", "utf-16", "UTF-16"),
        ("Möwe", "utf-8-sig", None),
    ],
)
def test_xml_is_read_as_it_says(tmp_path: Path, label: str, encoding: str, declared: str | None) -> None:
    [image] = [reads() for reads in read_dataset(voc(tmp_path, label, encoding, declared)).images]
    assert [one.category for one in image.objects] == [label]


@pytest.mark.parametrize(
    ("encoding", "declared", "reason"),
    [
        ("latin-1", "utf-8", "is no UTF-8; the text may be Windows-1252"),
        ("latin-1", None, "is no UTF-8; the text may be Windows-1252"),
        ("latin-1", "ascii", "the text is not ascii, as it says"),
        ("utf-8", "klingon", "the encoding klingon is not known; save the file as UTF-8"),
        ("utf-8", "hex", "the encoding hex is not known"),
        ("utf-32", "utf-32", "the text is UTF-32; save it as UTF-8"),
        ("utf-32-be", None, "the text is UTF-16 or UTF-32"),
    ],
)
def test_xml_in_another_encoding_than_it_says_is_named(
    tmp_path: Path, encoding: str, declared: str | None, reason: str
) -> None:
    with pytest.raises(DataError, match=reason) as raised:
        read_dataset(voc(tmp_path, "Möwe", encoding, declared)).images[0]()
    assert "1.xml" in str(raised.value)


@pytest.mark.parametrize(
    ("encoding", "reason"),
    [
        ("utf-16", "the text is UTF-16;"),
        ("utf-16-le", "the text is UTF-16 or UTF-32;"),
        ("utf-32", "the text is UTF-32;"),
        ("shift_jis", "Shift-JIS, GBK or another old"),
    ],
)
def test_json_in_another_encoding_is_named(tmp_path: Path, encoding: str, reason: str) -> None:
    document = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "鴎"}]}
    (tmp_path / "instances.json").write_bytes(json.dumps(document, ensure_ascii=False).encode(encoding))
    with pytest.raises(DataError, match=rf"instances\.json: .*{reason}"):
        read_dataset(tmp_path)
