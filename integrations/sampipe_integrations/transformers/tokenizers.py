"""The tokenizer of a model in transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sampipe as sp
from sampipe._optional import require


def load_tokenizer(model: str) -> Any:
    """The tokenizer that belongs to a model; no code of the repository is run.

    Args:
        model: a folder, or a name on the Hugging Face hub.

    Raises:
        MissingDependencyError: transformers is not installed.
        CheckpointError: nothing there, or offline.
    """
    from sampipe.models.weights.hub import is_offline

    transformers = require("transformers", "transformers")
    try:
        return transformers.AutoTokenizer.from_pretrained(
            model, local_files_only=is_offline() or Path(model).is_dir(), trust_remote_code=False
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        reason = str(error).strip().partition("\n")[0][:300]
        raise sp.CheckpointError(
            f"{model}: its tokenizer cannot be loaded: {reason} Wanted a folder with tokenizer.json or the files that "
            "its tokenizer needs, or the name of such a repository."
        ) from error
