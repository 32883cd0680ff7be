"""Nodes that take masks: choose, clean, merge, outline and draw them."""
