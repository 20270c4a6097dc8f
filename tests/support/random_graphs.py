"""Random ONNX graphs of operators that move axes and of those that compute along them."""

import numpy as np
from onnx import helper
from onnx_graphs import model

from lstmcore.onnx import Runner

SHAPE = (2, 5, 4)  # of the example; batch and time are free
INPUTS = {"x": ("float32", ("b", "t", 4))}


class RandomGraph:
    """Nodes one after another, each on an array that there is; those that fail are dropped.

    Parameters
    ----------
    rng : numpy.random.Generator
    count : int
        The number of nodes to try.
    """

    def __init__(self, rng, count):
        self.rng, self.nodes, self.constants = rng, [], {}
        self.x = rng.standard_normal(SHAPE).astype("float32")
        self.shapes, self.last = {"x": SHAPE}, "x"
        kinds = [name for name in dir(self) if name.startswith("add_")]
        for _ in range(count):
            names = list(self.shapes)
            name = self.last if rng.random() < 0.8 else names[rng.integers(len(names))]
            before = len(self.nodes)
            getattr(self, str(rng.choice(kinds)))(name, self.shapes[name])
            if len(self.nodes) > before and not self._computes():
                del self.nodes[before:]

    @property
    def proto(self):
        return model(self.nodes, INPUTS, [self.last], self.constants)

    def _computes(self):
        out = self.nodes[-1].output[-1]
        proto = model(self.nodes, INPUTS, [out], self.constants)
        try:
            y = Runner(proto).run({"x": self.x})[out]
        except ValueError:
            return False
        if not 0 < y.size < 5000 or not y.ndim:
            return False
        self.shapes[out], self.last = y.shape, out
        return True

    def constant(self, value):
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(value)
        return name

    def numbers(self, *shape):
        return self.constant((self.rng.standard_normal(shape) * 0.5).astype("float32"))

    def node(self, kind, inputs, outputs=1, **attributes):
        names = [f"{kind.lower()}{len(self.nodes)}_{k}" for k in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, **attributes))

    def axis(self, shape):
        return int(self.rng.integers(len(shape)))

    def add_transpose(self, name, shape):
        self.node("Transpose", [name], perm=self.rng.permutation(len(shape)).tolist())

    def add_axis(self, name, shape):
        self.node("Unsqueeze", [name, self.constant([int(self.rng.integers(len(shape) + 1))])])

    def add_squeeze(self, name, shape):
        axes = [k for k, n in enumerate(shape) if n == 1]
        if axes:
            self.node("Squeeze", [name, self.constant([int(self.rng.choice(axes))])])

    def add_function(self, name, shape):
        self.node(str(self.rng.choice(["Relu", "Tanh", "Sigmoid", "Neg", "Abs"])), [name])

    def add_product(self, name, shape):
        self.node("MatMul", [name, self.numbers(shape[-1], 3)])

    def add_constant(self, name, shape):
        free = (2, 5, 10)  # sizes that may be those of the batch or of time
        sizes = [n if self.rng.random() < 0.5 and n not in free else 1 for n in shape]
        pair = [name, self.numbers(*sizes[self.axis(shape) :])]
        self.node(str(self.rng.choice(["Add", "Mul", "Sub", "Max"])), pair[:: self.sign()])

    def sign(self):
        return int(self.rng.choice([1, -1]))

    def add_reduction(self, name, shape):
        keep, kind = int(self.rng.integers(2)), str(self.rng.choice(["ReduceMean", "ReduceMax"]))
        self.node(kind, [name], axes=[self.axis(shape)], keepdims=keep)

    def add_slice(self, name, shape):
        axis, start = self.axis(shape), int(self.rng.integers(-2, 2))
        ends = [self.constant([n]) for n in (start, 2**40, axis)]
        self.node("Slice", [name, *ends])

    def add_place(self, name, shape):
        axis = self.axis(shape)
        place = int(self.rng.integers(-shape[axis], shape[axis]))
        self.node("Gather", [name, self.constant(place)], axis=axis)

    def add_join(self, name, shape):
        others = [other for other, own in self.shapes.items() if len(own) == len(shape)]
        other = others[self.rng.integers(len(others))]
        self.node("Concat", [name, other], axis=self.axis(shape))

    def add_split(self, name, shape):
        axis = self.axis(shape)
        if shape[axis] > 1:
            parts = self.constant([1, shape[axis] - 1])
            self.node("Split", [name, parts], outputs=2, axis=axis)

    def add_softmax(self, name, shape):
        self.node("Softmax", [name], axis=self.axis(shape))

    def add_pair(self, name, shape):
        others = list(self.shapes)
        other = others[self.rng.integers(len(others))]
        self.node(str(self.rng.choice(["Add", "Mul"])), [name, other])

    def add_recurrent(self, name, shape):
        if len(shape) != 3:
            return
        kind, d = str(self.rng.choice(["LSTM", "GRU"])), int(self.rng.integers(1, 3))
        gates = 3 * {"LSTM": 4, "GRU": 3}[kind]
        weights = [self.numbers(d, gates, shape[2]), self.numbers(d, gates, 3)]
        one = str(self.rng.choice(["forward", "reverse"]))
        direction, layout = "bidirectional" if d == 2 else one, int(self.rng.random() < 0.3)
        self.node(
            kind,
            [name, *weights],
            outputs=int(self.rng.integers(1, 3)),
            hidden_size=3,
            direction=direction,
            layout=layout,
        )

    def add_reshape(self, name, shape):
        if self.rng.random() < 0.5:
            self.node("Reshape", [name, self.constant([0, -1])])
        elif len(shape) > 2:
            self.node("Reshape", [name, self.constant([-1, *shape[2:]])])

    def add_same_shape(self, name, shape):
        sizes = f"sizes{len(self.nodes)}"
        self.nodes.append(helper.make_node("Shape", [name], [sizes]))
        self.node("Reshape", [name, sizes])

    def add_convolution(self, name, shape):
        if len(shape) == 3 and shape[2] > 2:
            pads = self.rng.integers(0, 3, 2).tolist()
            strides = [int(self.rng.integers(1, 3))]
            kernel = self.numbers(4, shape[1], 3)
            self.node("Conv", [name, kernel], pads=pads, strides=strides)

    def add_pool(self, name, shape):
        if len(shape) == 3 and shape[2] > 2:
            strides = [int(self.rng.integers(1, 3))]
            self.node("MaxPool", [name], kernel_shape=[2], strides=strides)
