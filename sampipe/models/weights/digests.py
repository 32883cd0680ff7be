"""Is this the file it should be? Published digests, and our own note of what came the first time."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path

from filelock import FileLock

from sampipe._files import write_atomic
from sampipe.errors import CheckpointError
from sampipe.models.weights.checkpoints import file_digest
from sampipe.models.weights.known import KnownModel


def check_digest(known: KnownModel, path: Path) -> str:
    """Compare a file's SHA-256 with what is known of it; what nothing is known of is noted as it is now.

    Returns:
        the SHA-256.

    Raises:
        CheckpointError: it is another file, with both digests.
    """
    sha256 = file_digest(path)
    if known.embedded:
        return sha256
    if known.sha256 is not None:
        if sha256 != known.sha256:
            raise CheckpointError(
                f"{path}: not the {known.name} weights: its SHA-256 is {sha256}, wanted {known.sha256}. "
                "Delete it and download it again; if they are weights of your own, give them another name."
            )
    elif (pinned := pinned_digest(known)) is None:
        try:
            _pin(known, sha256)
        except OSError as error:  # a read-only home must not keep anybody from working
            warnings.warn(f"{known.name}: its digest could not be noted in {pins_file()}: {error}", stacklevel=2)
    elif sha256 != pinned:
        raise CheckpointError(
            f"{path}: not the {known.name} weights that came first: its SHA-256 is {sha256}, and "
            f"{pins_file()} has {pinned}. If the publisher replaced the file and you trust that, delete the "
            "entry there."
        )
    return sha256


def check_download(known: KnownModel, path: Path) -> str:
    """:func:`check_digest`, and the digits that its publisher put into the file's name.

    Raises:
        CheckpointError: it is another file.
    """
    if known.md5_prefix is not None:
        md5 = file_digest(path, "md5")
        if not md5.startswith(known.md5_prefix):
            raise CheckpointError(
                f"{path}: damaged or another file: its MD5 is {md5}, and {known.file} should begin with "
                f"{known.md5_prefix}. Delete it and download it again."
            )
    return check_digest(known, path)


def pinned_digest(known: KnownModel) -> str | None:
    """The SHA-256 noted at this model's first download on this machine."""
    return _read().get(known.url)


def pins_file() -> Path:
    """Where first downloads are noted."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sampipe" / "digests.json"


def _read() -> dict[str, str]:
    path = pins_file()
    if not path.exists():
        return {}
    try:
        pins = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): str(digest) for name, digest in pins.items()}
    except (ValueError, AttributeError) as error:
        raise CheckpointError(f"{path}: the digests noted there cannot be read ({error}). Delete the file.") from error


def _pin(known: KnownModel, sha256: str) -> None:
    path = pins_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(path.name + ".lock")):
        pins = {**_read(), known.url: sha256}
        write_atomic(path, json.dumps(pins, indent=1, sort_keys=True).encode())
