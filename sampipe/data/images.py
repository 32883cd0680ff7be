"""Which files of a folder are images to work on."""

from __future__ import annotations

from pathlib import Path

SUFFIXES = (".avif", ".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")


def is_image_file(path: Path) -> bool:
    """Whether the path is an image by its suffix: not hidden, and not the overlay of an earlier job."""
    hidden, overlay = path.name.startswith("."), path.name.endswith(".overlay.png")
    return path.suffix.lower() in SUFFIXES and not hidden and not overlay and path.is_file()


def image_files(folder: Path) -> list[Path]:
    """The images directly inside a folder, by name."""
    return sorted(file for file in folder.iterdir() if is_image_file(file))
