"""``python -m sampipe.cli``, where the ``sampipe`` script is not on the path."""

from sampipe.cli import main

main()
