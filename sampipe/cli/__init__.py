"""The command line: ``sampipe = sampipe.cli:main``. Commands import what is heavy only when they run."""

from sampipe.cli.app import app, main

__all__ = ["app", "main"]
