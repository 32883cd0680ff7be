"""Files of weights: known ones, their digests, how they are downloaded and read, and those inside the package."""
