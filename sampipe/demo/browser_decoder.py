"""The decoder as the page itself runs it: an ONNX file made once for a model, and embeddings to go with it."""

from __future__ import annotations

import base64
import importlib.util
import os
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from sampipe.errors import DataError
from sampipe.models import default_cache
from sampipe.models.sam import SamModel
from sampipe.types import Image

RUNTIME = Path(__file__).parent / "runtime"
_EXPORT = """
import sys
from pathlib import Path
from sampipe.export import export_decoder
from sampipe.models import load_model
export_decoder(load_model(sys.argv[1], "cpu"), Path(sys.argv[2]))
"""
_FORMAT = 1  # of the file; goes up when the page's script expects something else


class BrowserDecoder:
    """Exports a model's decoder in the background, to a folder that is kept between runs.

    In a process of its own: while torch exports, it changes how the whole process computes, and clicks would fail.

    Args:
        model: its weights' digest names the file, so a file is never another model's.
        source: the name or checkpoint file that it was loaded by.
        folder: where the file lies; the user's cache where left out.
    """

    def __init__(self, model: SamModel, source: str, folder: Path | None = None) -> None:
        self.model, self._source = model, source
        self.folder = folder or cache_folder()
        self.file = self.folder / f"{model.key[:32]}-{_FORMAT}.onnx"
        self._made: Future[Path] = Future()
        threading.Thread(target=self._make, name="export of the decoder", daemon=True).start()

    @staticmethod
    def is_possible() -> bool:
        """Whether the packages that export are installed."""
        return all(importlib.util.find_spec(name) for name in ("onnx", "onnxscript"))

    def embedding(self, image: Image) -> dict[str, Any]:
        """What the page needs to decode prompts on a picture; waits for the file.

        Raises:
            DataError: the export failed.
        """
        self.wait()
        embedding = default_cache().get_or_encode(self.model, image)
        maps = {"features": embedding.features, **{f"fine_{i}": one for i, one in enumerate(embedding.fine)}}
        height, width = embedding.frame.resized_hw
        return {
            "model": f"/sampipe/decoder/{self.file.name}",
            "resized_wh": [width, height],
            "input_size": embedding.frame.input_size,
            "mask_size": self.model.config.mask_size,
            "features": {name: _packed(value[None].float().cpu().numpy()) for name, value in maps.items()},
        }

    def wait(self) -> Path:
        """The file, when it is there."""
        try:
            return self._made.result()
        except Exception as error:
            raise DataError(f"The decoder could not be exported for the page: {error}") from error

    def _make(self) -> None:
        try:
            if not self.file.is_file():
                self._export()
            self._made.set_result(self.file)
        except Exception as error:  # told to whoever waits
            self._made.set_exception(error)

    def _export(self) -> None:
        command = [sys.executable, "-c", _EXPORT, self._source, str(self.file)]
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
