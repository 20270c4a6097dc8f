"""Weights stored in fewer bytes, for inference: the formats, and what `Model.quantize` does."""
