"""PyTorch's weights, read and written without PyTorch."""
