"""Random numbers: seeds and generators, their state in files, and the masks of dropout."""
