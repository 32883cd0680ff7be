"""Readers of data sets' own layouts, beside COCO's and SA-1B's in :mod:`sampipe.types`."""
