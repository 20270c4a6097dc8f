"""Benchmarks of lstmcore; see README.md."""
