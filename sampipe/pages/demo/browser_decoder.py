"""The decoder as the page itself runs it: an ONNX file made once for a model, and embeddings to go with it."""

from __future__ import annotations

import base64
import importlib.util
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sampipe.errors import DataError
from sampipe.types import Image

if TYPE_CHECKING:
    from sampipe.models.model import SamModel

RUNTIME = Path(__file__).parent / "runtime"
_EXPORT = """
import sys
from pathlib import Path
from sampipe.models.onnx import export_decoder
from sampipe.models import load_model
export_decoder(load_model(sys.argv[1], "cpu"), Path(sys.argv[2]))
"""
_FORMAT = 1  # of the file; goes up when the page's script expects something else


class BrowserDecoder:
    """Exports a model's decoder when a page first asks for it, to a folder that is kept between runs.

    In a process of its own: while torch exports, it changes how the whole process computes, and clicks would fail.

    Args:
        load: gives the model, whose weights' digest names the file, so a file is never another model's.
        source: the name or checkpoint file that it is loaded by.
        folder: where the file lies; the user's cache where left out.
    """

    def __init__(self, load: Callable[[], SamModel], source: str, folder: Path | None = None) -> None:
        self._load, self._source = load, source
        self.folder = folder or cache_folder()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._made: Future[tuple[SamModel, Path]] = Future()
        self._start = threading.Lock()

    @staticmethod
    def is_possible(model: str) -> bool:
        """Whether the packages that export are installed, and the model is one of sampipe's own."""
        if not all(importlib.util.find_spec(name) for name in ("onnx", "onnxscript")):
            return False
        if model == "nano":
            return True  # the page starts with it, and looking at models would wait for torch
        from sampipe.models.segmenters import is_own

        return is_own(model)

    def embedding(self, image: Image) -> dict[str, Any]:
        """What the page needs to decode prompts on an image; waits for the file.

        Raises:
            DataError: the export failed.
        """
        from sampipe.models import default_cache

        model, file = self.wait()
        embedding = default_cache().get_or_encode(model, image)
        maps = {"features": embedding.features, **{f"fine_{i}": one for i, one in enumerate(embedding.fine)}}
        height, width = embedding.frame.resized_hw
        return {
            "model": f"/sampipe/decoder/{file.name}",
            "resized_wh": [width, height],
            "input_size": embedding.frame.input_size,
            "mask_size": model.config.mask_size,
            "features": {name: _packed(value[None].float().cpu().numpy()) for name, value in maps.items()},
        }

    def wait(self) -> tuple[SamModel, Path]:
        """The model and the file, made when somebody first asks for them."""
        with self._start:
            if not self._made.done():
                self._make()
        try:
            return self._made.result()
        except Exception as error:
            raise DataError(f"The decoder could not be exported for the page: {error}") from error

    def _make(self) -> None:
        try:
            model = self._load()
            file = self.folder / f"{model.key[:32]}-{_FORMAT}.onnx"
            if not file.is_file():
                self._export(file)
            self._made.set_result((model, file))
        except Exception as error:  # told to whoever waits
            self._made.set_exception(error)

    def _export(self, file: Path) -> None:
        command = [sys.executable, "-c", _EXPORT, self._source, str(file)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise DataError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "the process died")


def cache_folder() -> Path:
    """Where exported decoders are kept: ``SAMPIPE_CACHE_DIR``, else the user's cache."""
    given = os.environ.get("SAMPIPE_CACHE_DIR")
    user = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return (Path(given) if given else user / "sampipe") / "onnx"


def _packed(values: Any) -> dict[str, Any]:
    return {"shape": list(values.shape), "content": base64.b64encode(values.tobytes()).decode()}
