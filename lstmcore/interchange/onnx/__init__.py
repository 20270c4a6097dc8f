"""ONNX graphs: run, read as models of layers, and written."""
