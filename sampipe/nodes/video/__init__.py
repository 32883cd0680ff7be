"""Nodes that remember: objects followed through the frames of a clip."""
