"""Nodes that make prompts without a detector."""
