"""Uncompressed TIFF beyond 8 bits, by tifffile: Pillow scrambles its planes, wraps its large numbers or refuses it.

Compressed files are left to Pillow, whose decompression is bounded by the header.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from sampipe.errors import DataError

PREFIXES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, SEPARATED = 0, 1, 2, 5
_UNCOMPRESSED, _ASSOCIATED_ALPHA = 1, 1
_CHANNELS = {WHITE_IS_ZERO: (1,), BLACK_IS_ZERO: (1, 2), RGB: (3, 4), SEPARATED: (4,)}


@dataclass(frozen=True)
class TiffPage:
    """The first page of a TIFF file, none of its pixels decoded.

    Args:
        hw: as stored, before orientation.
        orientation: 1 to 8.
        photometric: 0 white is zero, 1 black is zero, 2 RGB, 5 CMYK.
        premultiplied: whether colors were multiplied with alpha.
    """

    hw: tuple[int, int]
    orientation: int
    photometric: int
    premultiplied: bool
    _page: Any

    @classmethod
    def of(cls, file: IO[bytes]) -> TiffPage | None:
        """The first page; None where tifffile cannot read the header."""
        import tifffile

        file.seek(0)
        try:
            page: Any = tifffile.TiffFile(file).pages[0]
            tag = page.tags.get("Orientation")
            return cls(
                hw=(int(page.imagelength), int(page.imagewidth)),
                orientation=int(tag.value) if tag else 1,
                photometric=int(page.photometric),
                premultiplied=_ASSOCIATED_ALPHA in map(int, page.extrasamples),
                _page=page,
            )
        except MemoryError:
            raise
        except Exception:  # damaged headers raise nearly everything; Pillow has the last word on them
            return None

    def samples(self, name: str) -> NDArray[Any] | None:
        """Decoded samples (h, w, channels); None for what Pillow reads right, or nobody.

        Raises:
            DataError: the file is cut short, or has channels that make no color.
        """
        page = self._page
        if page.dtype is None or page.compression != _UNCOMPRESSED or self.photometric not in _CHANNELS:
            return None
        if page.dtype == np.uint8 or page.bitspersample != page.dtype.itemsize * 8:
            return None
        if page.samplesperpixel not in _CHANNELS[self.photometric]:
            raise DataError(
                f"{name} has {page.samplesperpixel} channels, wanted grey, RGB or CMYK; "
                "sampipe_integrations.rasterio.Raster(path, bands=...) reads chosen bands"
            )
        size = page.parent.filehandle.size
        ends = [start + count for start, count in zip(page.dataoffsets, page.databytecounts, strict=True)]
        needed = self.hw[0] * self.hw[1] * page.samplesperpixel * page.dtype.itemsize
        if max(ends, default=0) > size or sum(page.databytecounts) < needed:
            raise DataError(f"cannot decode {name}: it is cut short")
        samples: NDArray[Any] = page.asarray()
        if page.planarconfig == 2 and page.samplesperpixel > 1:
            samples = np.moveaxis(samples.reshape(page.samplesperpixel, *self.hw), 0, -1)
        return samples.reshape(*self.hw, page.samplesperpixel)
