"""ONNX graphs made by hand, and what recurrent nodes compute, written from the standard alone."""

import numpy as np
import onnx
from onnx import helper, numpy_helper

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
OUTPUTS = {"LSTM": ("Y", "Y_h", "Y_c"), "GRU": ("Y", "Y_h"), "RNN": ("Y", "Y_h")}
FED = ("X", "sequence_lens", "initial_h", "initial_c")  # the others are initializers

FUNCTIONS = {
    "Relu": lambda x, a, b: x * (x > 0),
    "Tanh": lambda x, a, b: np.tanh(x),
    "Sigmoid": lambda x, a, b: (1 + np.tanh(x / 2)) / 2,
    "Affine": lambda x, a, b: a * x + b,
    "LeakyRelu": lambda x, a, b: np.where(x < 0, a * x, x),
    "ThresholdedRelu": lambda x, a, b: np.where(x > a, x, 0),
    "ScaledTanh": lambda x, a, b: a * np.tanh(b * x),
    "HardSigmoid": lambda x, a, b: np.minimum(np.maximum(a * x + b, 0), 1),
    "Elu": lambda x, a, b: np.where(x < 0, a * (np.exp(np.minimum(x, 0)) - 1), x),
    "Softsign": lambda x, a, b: x / (1 + abs(x)),
    "Softplus": lambda x, a, b: np.log(1 + np.exp(-abs(x))) + np.maximum(x, 0),
}
ALPHAS = {"LeakyRelu": 0.01, "ThresholdedRelu": 1.0, "HardSigmoid": 0.2, "Elu": 1.0}
TAKES = {"Affine": "ab", "LeakyRelu": "a", "ThresholdedRelu": "a", "ScaledTanh": "ab"}
TAKES |= {"HardSigmoid": "ab", "Elu": "a"}


def model(nodes, inputs, outputs, initializers=None, opset=17, **more):
    """A ModelProto: `inputs` are {name: (dtype, shape)}, outputs {name: dtype} or names."""

    def value(name, dtype, shape):
        return helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape
        )

    if not isinstance(outputs, dict):
        outputs = dict.fromkeys(outputs, "float32")
    graph = helper.make_graph(
        nodes,
        "graph",
        [value(name, *entry) for name, entry in inputs.items()],
        [value(name, dtype, None) for name, dtype in outputs.items()],
        [numpy_helper.from_array(np.asarray(a), name) for name, a in (initializers or {}).items()],
    )
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, **more)


def recurrent(kind, arrays, attributes=None, opset=14, outputs=None, fed=FED):
    """A graph of one recurrent node, and its feeds. `arrays` has some of INPUTS."""
    names = [name if name in arrays else "" for name in INPUTS]
    while not names[-1]:
        names.pop()
    outputs = OUTPUTS[kind] if outputs is None else outputs
    node = helper.make_node(kind, names, list(outputs), name="cell", **(attributes or {}))
    feeds = {name: arrays[name] for name in fed if name in arrays}
    proto = model(
        [node],
        {name: (a.dtype, a.shape) for name, a in feeds.items()},
        {name: arrays["X"].dtype for name in outputs if name},
        {name: a for name, a in arrays.items() if name not in feeds},
        opset,
    )
    return proto, feeds


def random_arrays(rng, kind, directions, *, steps=4, batch=3, features=2, units=3, names=INPUTS):
    """Random inputs of a recurrent node at layout 0."""
    gates = GATES[kind] * units
    shapes = {
        "X": (steps, batch, features),
        "W": (directions, gates, features),
        "R": (directions, gates, units),
        "B": (directions, 2 * gates),
        "initial_h": (directions, batch, units),
        "initial_c": (directions, batch, units),
        "P": (directions, 3 * units),
    }
    if kind != "LSTM":
        del shapes["initial_c"], shapes["P"]
    made = {
        name: rng.standard_normal(shape).astype(np.float32)
        for name, shape in shapes.items()
        if name in names
    }
    if "sequence_lens" in names:
        made["sequence_lens"] = rng.integers(0, steps + 1, batch).astype(np.int32)
    return made


def expected(kind, arrays, attributes=None):
    """What a recurrent node computes, in double precision, row by row and step by step."""
    given = attributes or {}
    arrays = {name: np.asarray(a, float) for name, a in arrays.items()}
    x = arrays["X"]
    layout = given.get("layout", 0)
    if layout:
        x = x.swapaxes(0, 1)
    steps, batch, _ = x.shape
    d, _, units = arrays["R"].shape
    lengths = arrays.get("sequence_lens", np.full(batch, steps)).astype(int)
    functions = _functions(kind, d, given)
    y = np.zeros((steps, d, batch, units))
    states = {"h": np.zeros((d, batch, units)), "c": np.zeros((d, batch, units))}
    for k in range(d):
        backwards = given.get("direction") == "reverse" or k == 1
        for row in range(batch):
            h, c = (_initial(arrays, name, layout, k, row, units) for name in ("h", "c"))
            order = range(lengths[row])
            for t in reversed(order) if backwards else order:
                h, c = _step(kind, x[t, row], h, c, arrays, k, functions[k], given)
                y[t, k, row] = h
            if lengths[row]:
                states["h"][k, row], states["c"][k, row] = h, c
    ends = [states["h"], states["c"]][: len(OUTPUTS[kind]) - 1]
    if layout:
        y, ends = y.transpose(2, 0, 1, 3), [e.swapaxes(0, 1) for e in ends]
    return [y, *ends]


def _functions(kind, directions, given):
    defaults = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}
    names = given.get("activations", defaults[kind] * directions)
    alphas, betas = (list(given.get(f"activation_{n}", ())) for n in ("alpha", "beta"))
    made = []
    for name in names:
        takes = TAKES.get(name, "")
        a = (alphas.pop(0) if alphas else ALPHAS[name]) if "a" in takes else 0
        b = (betas.pop(0) if betas else 0.5) if "b" in takes else 0
        made.append(lambda z, f=FUNCTIONS[name], a=a, b=b: f(z, a, b))
    n = len(made) // directions
    return [made[:n], made[n:]]


def _initial(arrays, name, layout, k, row, units):
    state = arrays.get(f"initial_{name}")
    if state is None:
        return np.zeros(units)
    return state[row, k] if layout else state[k, row]


def _step(kind, x, h, c, arrays, k, functions, given):
    w, r = arrays["W"][k], arrays["R"][k]
    n, count = len(h), len(w)
    b = arrays["B"][k] if "B" in arrays else np.zeros(2 * count)
    limit = given.get("clip", np.inf)

    def f(which, z):
        return functions[which](np.minimum(np.maximum(z, -limit), limit))

    def gate(j, hidden=h):
        rows = slice(j * n, (j + 1) * n)
        return w[rows] @ x + b[:count][rows], r[rows] @ hidden + b[count:][rows]

    if kind == "RNN":
        return f(0, sum(gate(0))), c
    if kind == "GRU":
        z, reset = f(0, sum(gate(0))), f(0, sum(gate(1)))
        if given.get("linear_before_reset"):
            one, other = gate(2)
            new = f(1, one + reset * other)
        else:
            new = f(1, sum(gate(2, reset * h)))
        return (1 - z) * new + z * h, c
    p = arrays["P"][k] if "P" in arrays else np.zeros(3 * n)
    i = f(0, sum(gate(0)) + p[:n] * c)
    forget = 1 - i if given.get("input_forget") else f(0, sum(gate(2)) + p[2 * n :] * c)
    c = forget * c + i * f(1, sum(gate(3)))
    o = f(0, sum(gate(1)) + p[n : 2 * n] * c)
    return o * functions[2](c), c


def save(proto, path):
    """Write a graph to a file; return its path as str."""
    onnx.save(proto, str(path))
    return str(path)


def frozen(path):
    """The cases of a file of numbers: pairs (graph, feeds, outputs)."""
    with np.load(path) as file:
        ends = np.cumsum(file["sizes"])
        blobs = np.split(file["bytes"], ends[:-1])
    found = []
    for blob in blobs:
        box = onnx.GraphProto.FromString(blob.tobytes())
        arrays = {t.name: numpy_helper.to_array(t) for t in box.initializer}
        feeds = {name[3:]: a for name, a in arrays.items() if name.startswith("in/")}
        outputs = [a for name, a in arrays.items() if name.startswith("out/")]
        found.append((onnx.ModelProto.FromString(bytes.fromhex(box.doc_string)), feeds, outputs))
    return found


def store(path, cases):
    """Write a file of numbers: triples (graph, feeds, outputs), each as one protobuf.

    In a file of many arrays their headers would take more than the numbers.
    """
    blobs = []
    for proto, feeds, outputs in cases:
        box = onnx.GraphProto()
        box.doc_string = proto.SerializeToString().hex()
        for prefix, arrays in (("in/", feeds), ("out/", dict(enumerate(outputs)))):
            box.initializer.extend(
                numpy_helper.from_array(np.asarray(a), f"{prefix}{name}")
                for name, a in arrays.items()
            )
        blobs.append(np.frombuffer(box.SerializeToString(), np.uint8))
    sizes = np.array([len(blob) for blob in blobs])
    np.savez_compressed(path, sizes=sizes, bytes=np.concatenate(blobs))


def mutated(seed, data):
    """Bytes that were damaged at some places."""
    rng = np.random.default_rng(seed)
    out = bytearray(data)
    for _ in range(rng.integers(1, 6)):
        at, kind = int(rng.integers(len(out))), rng.integers(4)
        if kind == 0:
            out[at] = rng.integers(256)
        elif kind == 1:
            out[at] ^= 1 << rng.integers(8)
        elif kind == 2:
            del out[at : at + int(rng.integers(1, 9))]
        else:
            out[at:at] = rng.bytes(int(rng.integers(1, 9)))
    return bytes(out)


def random_case(rng):
    """Kind, inputs and attributes of a recurrent node, some of everything."""
    kind = ["LSTM", "GRU", "RNN"][rng.integers(3)]
    direction = ["forward", "reverse", "bidirectional"][rng.integers(3)]
    directions = 2 if direction == "bidirectional" else 1
    optional = ("B", "sequence_lens", "initial_h", "initial_c", "P")
    names = ["X", "W", "R", *(name for name in optional if rng.random() < 0.5)]
    sizes = {"steps": rng.integers(1, 6), "batch": rng.integers(1, 5)}
    sizes |= {"features": rng.integers(1, 4), "units": rng.integers(1, 10)}
    arrays = random_arrays(rng, kind, directions, names=names, **sizes)
    attributes = {"direction": direction, "layout": int(rng.integers(2))}
    if attributes["layout"]:
        for name in {"X", "initial_h", "initial_c"} & arrays.keys():
            arrays[name] = np.ascontiguousarray(arrays[name].swapaxes(0, 1))
    if rng.random() < 0.5:
        attributes["hidden_size"] = int(sizes["units"])
    if rng.random() < 0.3:
        attributes["clip"] = 0.5
    if kind == "LSTM":
        attributes["input_forget"] = int(rng.integers(2))
    if kind == "GRU":
        attributes["linear_before_reset"] = int(rng.integers(2))
    if rng.random() < 0.5:
        count = directions * {"LSTM": 3, "GRU": 2, "RNN": 1}[kind]
        chosen = [str(name) for name in rng.choice(sorted(FUNCTIONS), count)]
        attributes["activations"] = chosen
        for letter, argument in (("a", "activation_alpha"), ("b", "activation_beta")):
            taken = sum(letter in TAKES.get(name, "") for name in chosen)
            if taken:
                attributes[argument] = [float(v) for v in rng.uniform(0.1, 0.9, taken)]
    return kind, arrays, attributes
