"""Opening an ONNX file for inference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import sampipe as sp
from sampipe._optional import require

if TYPE_CHECKING:
    import onnxruntime


def open_session(path: Path, *, threads: int, providers: Sequence[str]) -> onnxruntime.InferenceSession:
    """A session on the file at ``path``; running it is thread-safe.

    Args:
        path: the ONNX file.
        threads: CPU threads for one run; 0 leaves the number to onnxruntime.
        providers: execution providers, best first.

    Raises:
        MissingDependencyError: onnxruntime is not installed.
        CheckpointError: no such file, not an ONNX model, or a provider that this onnxruntime lacks.
    """
    runtime = require("onnxruntime", "onnx")
    if not path.is_file():
        raise sp.CheckpointError(f"{path}: there is no such file; wanted an ONNX model.")
    available = runtime.get_available_providers()
    if missing := [name for name in providers if name not in available]:
        raise sp.CheckpointError(
            f"onnxruntime has no provider {', '.join(missing)} here; it has {', '.join(available)}."
        )
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # its warnings about unused initializers are the exporter's business
    try:
        return runtime.InferenceSession(str(path), options, providers=list(providers))
    except Exception as error:  # its exception classes share no base of their own
        reason = str(error).splitlines()[0]
        raise sp.CheckpointError(
            f"{path} ({path.stat().st_size:,} bytes) is not a model that onnxruntime can open: {reason} "
            "Download or export the file again."
        ) from error
