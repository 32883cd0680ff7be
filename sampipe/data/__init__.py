"""Masks in the formats of other tools: each file here writes one of them and reads it back.

A writer takes :class:`~sampipe.types.Masks` and gives the file's content; a reader takes that content and gives masks.
A round trip loses nothing that the format can hold: the pixels always, and of labels, class ids and scores what its
table says in ``docs/formats.md``. The nodes that save (``SaveLabelMe`` ...) stand on these.
"""
