"""Measurements of lstmcore: README.md says which there are, and how to run them."""
