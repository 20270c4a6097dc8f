"""Training: compile, fit, evaluate and predict, for any model whatever its layers are."""
