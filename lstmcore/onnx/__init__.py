"""ONNX graphs: `Runner` computes any of them as it is.

`lstmcore.load_model` makes a model of layers of a graph where that is possible. The onnx package
is needed: ``pip install 'lstmcore[onnx]'``.
"""

from ..interchange.onnx.runner import Runner, Tensor

__all__ = ["Runner", "Tensor"]
