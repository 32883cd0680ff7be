"""The manifest: one row an image, names that stay apart, digests, URLs."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sampipe as sp
from sampipe.jobs import read_manifest, write_manifest
from sampipe.jobs.reading import read_ahead, read_image
from sampipe.types.sources import read_source


def test_it_reads_back_what_it_wrote(tmp_path: Path, pictures: list[Path]) -> None:
    file = tmp_path / "manifest.parquet"
    written = write_manifest([*map(str, pictures), str(pictures[0]), "gone.png"], file)
    assert read_manifest(file) == written
    assert [entry.name for entry in written] == ["0", "1", "2", "3", "4", "5", "0-2", "gone"]
    assert written[-1].digest is None
    assert len({entry.digest for entry in written}) == 8


def test_names_stay_apart_where_case_counts_for_nothing(tmp_path: Path) -> None:
    paths = ["x/A.png", "y/a.png", "z/a-2.png", "s3://bucket/a.jpg", "sample:coffee", "w/???.png"]
    entries = write_manifest(paths, tmp_path / "m.parquet", digests=False)
    assert [entry.name for entry in entries] == ["A", "a-2", "a-2-2", "a-3", "coffee", "_"]


def test_a_parquet_file_of_paths_is_a_manifest(tmp_path: Path) -> None:
    pq.write_table(pa.table({"path": ["a.png", "b.png"], "license": [1, 2]}), tmp_path / "mine.parquet")
    assert [entry.path for entry in read_manifest(tmp_path / "mine.parquet")] == ["a.png", "b.png"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [({"url": ["a"]}, "column `path`"), ({"path": ["a", "a"]}, "there twice"), (None, "not a manifest")],
)
def test_other_files_are_refused(tmp_path: Path, columns: dict[str, list[str]] | None, message: str) -> None:
    file = tmp_path / "mine.parquet"
    if columns is None:
        file.write_bytes(b"PAR1")
    else:
        pq.write_table(pa.table(columns), file)
    with pytest.raises(sp.DataError, match=message):
        read_manifest(file)


def test_urls_are_read_through_fsspec(pictures: list[Path]) -> None:
    import fsspec

    with fsspec.open("memory://bucket/a.png", "wb") as file:
        file.write(pictures[0].read_bytes())
    assert read_source("memory://bucket/a.png") == pictures[0].read_bytes()
    for url in ("memory://bucket/none.png", "nosuchprotocol://a.png"):
        with pytest.raises(sp.DataError, match="cannot be read"):
            read_source(url)


def test_reading_ahead_keeps_the_order_and_hands_errors_on(tmp_path: Path, pictures: list[Path]) -> None:
    pictures[2].write_bytes(b"")
    entries = write_manifest(map(str, pictures), tmp_path / "m.parquet")
    read = list(read_ahead(entries, readers=3))
    assert [entry for entry, _ in read] == entries
    assert [index for index, (_, image) in enumerate(read) if isinstance(image, Exception)] == [2]
    assert read_image(entries[0]).source == str(pictures[0])
