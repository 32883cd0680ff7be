"""Measuring: quality (``sampipe eval``), speed (``sampipe bench``), behaviour under faults (``sampipe selftest``)."""
