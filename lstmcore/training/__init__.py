"""Training: `compile`, `fit`, `evaluate` and `predict` of any model, whatever its layers are."""
