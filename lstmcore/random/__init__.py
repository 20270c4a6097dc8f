"""Random numbers: seeds and streams, their state in files, and the masks of dropout."""
