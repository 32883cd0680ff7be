from __future__ import annotations

from pathlib import Path

import pytest

from sampipe.data.datasets import digest, read_data_sets
from sampipe.errors import DataError


def test_a_folder_is_one_data_set(coco_folder: Path) -> None:
    [found] = read_data_sets(coco_folder, min_area=1100)
    assert (found.name, found.min_area, len(found.images)) == ("data", 1100, 1)


def test_a_list_is_read_from_its_own_place_and_its_entries_go_first(
    coco_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sets.yaml").write_text("- data\n- {path: data, name: one, limit: 1, min_area: 5}\n")
    monkeypatch.chdir(tmp_path.parent)
    first, second = read_data_sets(tmp_path / "sets.yaml", min_area=7)
    assert (first.name, len(first.images), first.min_area) == ("data", 2, 7)
    assert (second.name, len(second.images), second.min_area) == ("one", 1, 5)
    assert digest([first]) != digest([second])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data", "wanted a YAML list"),
        ("[]", "wanted a YAML list"),
        ("- {name: x}", "wanted a folder, or path with"),
        ("- {path: data, area: 3}", "wanted a folder, or path with"),
        ("- {path: data, limit: many}", "limit: 'many'; wanted int"),
        ("- data\n- data", "two data sets of one name"),
        ("- nowhere", "no such folder"),
        ("- [", "cannot be read as a YAML list"),
    ],
)
def test_what_is_wrong_with_a_list_is_said(coco_folder: Path, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "sets.yaml").write_text(text)
    with pytest.raises(DataError, match=message):
        read_data_sets(tmp_path / "sets.yaml")
