"""Files that people give to a page: looked at before they are believed."""

from __future__ import annotations

from pathlib import Path

from sampipe.errors import DataError
from sampipe.types import Image

MAX_BYTES = 64 << 20
MAX_PIXELS = 64_000_000
MAX_TEXT_BYTES = 1 << 20
MODEL_SUFFIXES = (".onnx", ".pt", ".pth", ".safetensors", ".torchscript")


def open_upload(path: str, *, max_pixels: int = MAX_PIXELS) -> Image:
    """An uploaded image, with its own name and not the server's path in every message.

    Raises:
        DataError: not a file that this page took in, too large, or not an image.
    """
    file = uploaded_file(path)
    size, most = file.stat().st_size >> 20, MAX_BYTES >> 20
    if size > most:
        raise DataError(f"{file.name} has {size} MB; images here have at most {most} MB.")
    return Image.from_bytes(file.read_bytes(), source=file.name, max_pixels=max_pixels)


def read_text_upload(path: str) -> str:
    """An uploaded text file (a graph, a list of names).

    Raises:
        DataError: not a file that this page took in, too large, or not UTF-8.
    """
    file = uploaded_file(path)
    if file.stat().st_size > MAX_TEXT_BYTES:
        raise DataError(f"{file.name} is larger than {MAX_TEXT_BYTES >> 20} MB, which no graph file is.")
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{file.name} is not a text file: {error.reason}.") from error


def uploaded_file(path: str) -> Path:
    """A path inside the folder of uploads; the page's JavaScript may send anything.

    Raises:
        DataError: it is elsewhere, or there is no such file. An address on the network is no path.
    """
    try:
        file = Path(str(path)).resolve()
        inside = file.is_relative_to(uploads_folder()) and file.is_file()
    except (OSError, ValueError):
        inside = False
    if not inside:
        raise DataError("That is not a file that was uploaded to this page; choose or drop it again.")
    return file


def uploads_folder() -> Path:
    """Where Gradio puts what is uploaded."""
    from gradio.utils import get_upload_folder

    return Path(get_upload_folder()).resolve()


def model_files() -> list[str]:
    """The model files in the folder where the page was started: with uploads all that a page opens by a name."""
    return sorted(file.name for file in Path().iterdir() if file.suffix in MODEL_SUFFIXES and file.is_file())
