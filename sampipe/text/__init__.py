"""Text spaces: what turns phrases, images and parts of images into vectors that compare."""

from __future__ import annotations
