from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from sampipe.data._matlab import read_variables
from sampipe.data.bsds import read_bsds, write_bsds
from sampipe.errors import DataError

REGIONS = np.repeat([[1, 1, 2, 2, 2]], 4, axis=0)


def folder_of(path: Path, count: int = 1, split: str = "val") -> Path:
    for number in range(count):
        pixels = np.full((4, 5, 3), 20 * number, np.uint8)
        write_bsds(path, split, str(number), pixels, [REGIONS, REGIONS.clip(1, 1)])
    return path


def test_each_annotator_comes_as_drawn(tmp_path: Path) -> None:
    [picture] = read_bsds(folder_of(tmp_path))
    assert picture.path == tmp_path / "images" / "val" / "0.jpg"
    one, other = picture.boundaries()
    assert one.tolist() == [[False, True, False, False, False]] * 4
    assert not other.any()
    assert picture.regions()[0].tolist() == REGIONS.tolist()


@pytest.mark.parametrize("above", ["data", "BSDS500/data", "BSR/BSDS500/data"])
def test_the_release_may_be_given_as_a_whole(tmp_path: Path, above: str) -> None:
    folder_of(tmp_path / above)
    assert len(read_bsds(tmp_path)) == 1


def test_limit_draws_with_the_seed(tmp_path: Path) -> None:
    folder_of(tmp_path, 12, "train")
    drawn = [[one.path.stem for one in read_bsds(tmp_path, "train", limit=4, seed=seed)] for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(drawn[0]) == 4
    assert len(read_bsds(tmp_path, "train", limit=100)) == 12


def test_the_real_files(shared_data: Path) -> None:
    pictures = read_bsds(shared_data / "edges", "val")
    assert len(pictures) == 100
    first = pictures[0]
    assert len(first.boundaries()) == len(first.regions()) == 5
    assert first.boundaries()[0].shape == (481, 321)


@pytest.mark.parametrize("content", [b"", b"no matlab", b"MATLAB 5.0 MAT-file" + b"\0" * 200])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    [picture] = read_bsds(folder_of(tmp_path))
    picture.truth.write_bytes(content)
    with pytest.raises(DataError, match=r"0\.mat: not BSDS's ground truth"):
        picture.boundaries()


@pytest.mark.parametrize("value", [22, 234])
def test_any_byte_may_be_damaged(tmp_path: Path, value: int) -> None:
    """SciPy's reader then fails by a variable that is not set, and kills the process."""
    [image] = read_bsds(folder_of(tmp_path))
    content, refused = image.truth.read_bytes(), 0
    for at in range(len(content)):
        image.truth.write_bytes(content[:at] + bytes([value]) + content[at + 1 :])
        try:
            image.regions()
        except DataError as error:
            refused += "0.mat" in str(error)
    assert 0 < refused < len(content)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "f4", "f8", "i8", "?"])
def test_numbers_of_every_type_are_read_as_scipy_writes_them(tmp_path: Path, dtype: str, compressed: bool) -> None:
    values = (np.arange(35).reshape(5, 7) % 3).astype(dtype)
    cell = np.empty((1, 2), object)
    cell[0, 0], cell[0, 1] = values, {"inner": values, "other": np.zeros((0, 3))}
    savemat(tmp_path / "a.mat", {"plain": values, "cell": cell}, do_compression=compressed)
    found = read_variables((tmp_path / "a.mat").read_bytes(), "a.mat")
    np.testing.assert_array_equal(found["plain"], values)
    np.testing.assert_array_equal(found["cell"][0], values)
    [struct] = found["cell"][1]
    np.testing.assert_array_equal(struct["inner"], values)
    assert struct["other"].shape == (0, 3)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("text", "of the class 4, neither numbers"),
        (np.array([[1j]]), "of the class 6, neither numbers"),
        (np.array([[1.5, np.nan]]), "annotator 1 has no map Segmentation of finite numbers"),
        (np.ones((2, 2)), "annotator 1 has no map Segmentation"),
    ],
)
def test_other_variables_are_said(tmp_path: Path, value: object, reason: str) -> None:
    [image] = read_bsds(folder_of(tmp_path))
    cell = np.empty((1, 1), object)
    cell[0, 0] = value if isinstance(value, np.ndarray) and value.shape == (2, 2) else {"Segmentation": value}
    savemat(image.truth, {"groundTruth": cell})
    with pytest.raises(DataError, match=reason):
        image.regions()


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not BSDS500's folder"):
        read_bsds(tmp_path)
    with pytest.raises(DataError, match="is no folder"):
        read_bsds(tmp_path / "missing")
    folder_of(tmp_path, 2)
    with pytest.raises(DataError, match="no images in images/test; there are the splits val"):
        read_bsds(tmp_path, "test")
    with pytest.raises(DataError, match="limit: got 0"):
        read_bsds(tmp_path, limit=0)
    (tmp_path / "groundTruth" / "val" / "1.mat").unlink()
    with pytest.raises(DataError, match=r"1 files are missing, 1\.mat"):
        read_bsds(tmp_path)
