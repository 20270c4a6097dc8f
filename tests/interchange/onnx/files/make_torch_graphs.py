"""Freeze graphs that PyTorch's two exporters write, with PyTorch's own outputs at two sizes.

Run by hand where torch, onnx and onnxscript are installed: python make_torch_graphs.py
"""

import contextlib
import io
import sys
import tempfile
import warnings
from pathlib import Path

import onnx
import torch
from torch import nn

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2] / "support"))
from onnx_graphs import store  # noqa: E402

FIRST = {"batch_first": True}
warnings.filterwarnings("ignore")
torch.manual_seed(0)


class Net(nn.Module):
    """Modules, and a function of them and the inputs."""

    def __init__(self, function, **modules):
        super().__init__()
        self.function = function
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, *inputs):
        return self.function(self, *inputs)


def attention(s, x):
    y = s.lstm(x)[0]
    weights = torch.softmax(s.score(torch.tanh(s.hidden(y))), 1)
    return s.out(torch.bmm(weights.transpose(1, 2), y).squeeze(1))


def packed(s, x, n):
    rows = nn.utils.rnn.pack_padded_sequence(x, n, batch_first=True, enforce_sorted=False)
    return nn.utils.rnn.pad_packed_sequence(s.gru(rows)[0], batch_first=True)[0]


def learned_states(s, x):
    states = (p.expand(-1, x.shape[0], -1).contiguous() for p in (s.h, s.c))
    return s.lstm(x, tuple(states))[0]


def several(s, x, h, c):
    y, (h, c) = s.lstm(x, (h, c))
    return s.out(y), h, c


def step(s, x, h, c):
    h, c = s.cell(x, (h, c))
    return s.out(h), h, c


def convolutions(s, x):
    y = torch.relu(s.one(x.transpose(1, 2)))
    return s.gru(s.pool(s.two(y)).transpose(1, 2))[0]


def tail(s, x):
    y = s.net(s.lstm(x)[0])
    return y.mean(1), y[:, -1], y[:, 1:-1].amax(1)


X = {0: "b", 1: "t"}
BY_TIME = {0: "t", 1: "b"}
STATES = {1: "b"}
CASES = {
    "bi_last": (
        Net(
            lambda s, x: s.out(torch.cat(list(s.lstm(x)[1][0][-2:]), 1)),
            lstm=nn.LSTM(3, 4, 2, bidirectional=True, **FIRST),
            out=nn.Linear(8, 2),
        ),
        {"x": ((2, 5, 3), X)},
    ),
    "time_first": (
        Net(several, lstm=nn.LSTM(3, 4, 2), out=nn.Linear(4, 1)),
        {"x": ((5, 2, 3), BY_TIME), "h": ((2, 2, 4), STATES), "c": ((2, 2, 4), STATES)},
    ),
    "gru_time_first": (
        Net(lambda s, x: s.gru(x), gru=nn.GRU(3, 4, bidirectional=True)),
        {"x": ((5, 2, 3), BY_TIME)},
    ),
    "attention": (
        Net(
            attention,
            lstm=nn.LSTM(3, 4, **FIRST),
            hidden=nn.Linear(4, 3),
            score=nn.Linear(3, 1, bias=False),
            out=nn.Linear(4, 2),
        ),
        {"x": ((2, 5, 3), X)},
    ),
    "packed": (
        Net(packed, gru=nn.GRU(3, 4, 2, **FIRST)),
        {"x": ((2, 5, 3), X), "n": ((2,), {0: "b"})},
    ),
    "learned_states": (
        Net(
            learned_states,
            lstm=nn.LSTM(3, 4, **FIRST),
            h=nn.Parameter(torch.randn(1, 1, 4)),
            c=nn.Parameter(torch.randn(1, 1, 4)),
        ),
        {"x": ((2, 5, 3), X)},
    ),
    "cell": (
        Net(step, cell=nn.LSTMCell(3, 4), out=nn.Linear(4, 1)),
        {"x": ((2, 3), {0: "b"}), "h": ((2, 4), {0: "b"}), "c": ((2, 4), {0: "b"})},
    ),
    "convolutions": (
        Net(
            convolutions,
            one=nn.Conv1d(3, 4, 3, stride=2, padding=1),
            two=nn.Conv1d(4, 4, 3, dilation=2, groups=2, bias=False),
            pool=nn.MaxPool1d(3, stride=1, padding=1),
            gru=nn.GRU(4, 3, **FIRST),
        ),
        {"x": ((2, 15, 3), X)},
    ),
    "tail": (
        Net(
            tail,
            lstm=nn.RNN(3, 4, nonlinearity="relu", **FIRST),
            net=nn.Sequential(
                nn.LayerNorm(4), nn.Linear(4, 4), nn.GELU(), nn.Dropout(0.5), nn.LeakyReLU(0.2)
            ),
        ),
        {"x": ((2, 5, 3), X)},
    ),
    "tokens": (
        Net(
            lambda s, i: torch.log_softmax(s.norm(s.gru(s.table(i))[0].transpose(1, 2)), 1),
            table=nn.Embedding(9, 3, padding_idx=0),
            gru=nn.GRU(3, 4, **FIRST),
            norm=nn.BatchNorm1d(4),
        ),
        {"i": ((2, 5), X)},
    ),
}
WITHOUT_DYNAMO = ("packed", "learned_states", "tail", "convolutions")  # no form, or unrolled


def arrays(inputs, sizes):
    made = []
    for name, (shape, axes) in inputs.items():
        shape = [sizes.get(axes.get(k), n) for k, n in enumerate(shape)]
        if name == "n":
            made.append(torch.arange(shape[0], 0, -1) + sizes.get("t", 5) - shape[0])
        else:
            made.append(torch.randint(0, 9, shape) if name == "i" else torch.randn(shape))
    return made


def export(module, given, inputs, path, dynamo):
    quiet = contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO())
    axes = {name: own for name, (_, own) in inputs.items()}
    common = {"input_names": list(inputs), "dynamo": dynamo}
    with quiet[0], quiet[1]:
        if dynamo:
            free = tuple(dict.fromkeys(own, torch.export.Dim.AUTO) for own in axes.values())
            torch.onnx.export(
                module, tuple(given), path, dynamic_shapes=(free,), external_data=False, **common
            )
        else:
            torch.onnx.export(
                module, tuple(given), path, dynamic_axes=axes, opset_version=17, **common
            )
    proto = onnx.load(path)
    for node in proto.graph.node:  # stack traces
        del node.metadata_props[:]
        node.doc_string = ""
    return proto


def flat(y):
    return [v for part in y for v in flat(part)] if isinstance(y, tuple | list) else [y]


if __name__ == "__main__":
    found = []
    for name, (module, inputs) in CASES.items():
        module.eval()
        samples = arrays(inputs, {}), arrays(inputs, {"b": 3, "t": 18 if name[:3] == "con" else 7})
        for dynamo in (False, *([True] if name not in WITHOUT_DYNAMO else [])):
            with tempfile.TemporaryDirectory() as folder:
                proto = export(module, samples[0], inputs, f"{folder}/m.onnx", dynamo)
            proto.graph.name = f"{name}.{'dynamo' if dynamo else 'script'}"
            for given in samples:
                with torch.no_grad():
                    outputs = [y.numpy() for y in flat(module(*given))]
                feeds = {k: a.numpy() for k, a in zip(inputs, given, strict=True)}
                found.append((proto, feeds, outputs))
    store(HERE / "torch_graphs.npz", found)
