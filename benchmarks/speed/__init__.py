"""Speed: of layers, of streams, of whole trainings, and of what is around the kernels."""
