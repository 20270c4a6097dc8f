"""Keras's files of all ages, read and written without Keras."""
