"""One folder a vendor: the only places that import a vendor package."""
