"""How fast and how small, measured beside the peers in one run: same weights, same inputs, answers compared."""
