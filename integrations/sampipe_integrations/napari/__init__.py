"""A napari plugin: points and boxes become labels. Found through the entry point ``napari.manifest``, by npe2."""
