"""ONNX graphs read as models of layers.

`views` says which axes of a layer's output are which of the graph's arrays, `graph_reader` reads a
graph node by node, and the other modules have the handlers of operators, by topic.
"""

from .model import model_of as model_of
