"""Labelling a folder of images: the store of masks, what pre-fills them, and the page to mend them on.

The paper's data engine (section 4) in its three stages: people click, a detector pre-fills and people mend, and
in the end the masks of the rest are automatic and people look at the doubtful ones.
"""
