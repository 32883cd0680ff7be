"""Text spaces: what turns phrases, pictures and parts of pictures into vectors that compare."""

from __future__ import annotations
