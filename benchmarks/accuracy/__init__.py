"""Accuracy: what models reach on real data."""
