"""The local engine: runs a graph in this process."""
