"""Accuracy of models on public data sets."""
