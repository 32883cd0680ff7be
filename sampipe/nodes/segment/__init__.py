"""Nodes that turn an image and prompts into masks."""
