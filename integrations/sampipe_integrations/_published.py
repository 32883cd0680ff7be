"""Weights that a detector's makers publish: where they lie on this machine, and how they get here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import sampipe as sp


@dataclass(frozen=True, kw_only=True)
class PublishedFile:
    """A file at a fixed address.

    Args:
        url: where its makers put it; the last part is the file's name.
        sha256: its digest, or the first digits of it; empty where none is known: then the digest of the first
            download is noted, and a later file has to have the same.
        instead: what to do other than put it at :attr:`path`, for messages.
    """

    url: str
    sha256: str = ""
    instead: str = ""

    @property
    def path(self) -> Path:
        """Where it belongs, here or not yet: the folder in which torch keeps its downloads."""
        return cache_folder() / self.url.rpartition("/")[2]

    @property
    def by_hand(self) -> str:
        """How to come by it without a network."""
        return f"download {self.url} elsewhere and put it at {self.path}{self.instead}"

    def requirement(self) -> sp.Requirement:
        """What ``check`` looks for."""
        return sp.Requirement.weights(
            self.path.name,
            is_met=self.path.is_file,
            fix=f"the first run downloads it; without a network: {self.by_hand}",
        )

    def obtain(self) -> Path:
        """The file, downloaded if it is not here; checked against its digest.

        Raises:
            CheckpointError: offline, the download fails, or it is another file than it should be.
        """
        path = self.path
        if not path.is_file():
            from sampipe.models.weights.download import fetch
            from sampipe.models.weights.hub import is_offline

            if is_offline():
                raise sp.CheckpointError(
                    f"{path.name} is not on this machine, which is offline. To use it, {self.by_hand}."
                )
            fetch(self.url, path, check=self._check, attempts=3)
        else:
            self._check(path)
        return path

    def _check(self, path: Path) -> None:
        from sampipe.models.weights.checkpoints import file_digest
        from sampipe.models.weights.digests import check_digest
        from sampipe.models.weights.known import KnownModel

        if not self.sha256:
            name = self.path.name
            check_digest(KnownModel(name=name, file=name, parameters=0, url=self.url), path)
            return
        found = file_digest(path)
        if not found.startswith(self.sha256):
            raise sp.CheckpointError(
                f"{path}: not the file that its makers published: its SHA-256 is {found}, "
                f"wanted {self.sha256}. Delete it; the next use downloads it again."
            )


def cache_folder() -> Path:
    """Where torch keeps what it downloads (``torch.hub.get_dir()``, without importing torch)."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    home = os.environ.get("TORCH_HOME") or Path(cache) / "torch"
    return Path(home).expanduser() / "hub" / "checkpoints"
