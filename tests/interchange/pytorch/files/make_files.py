"""Make the files of this folder. Run by hand where PyTorch 2.13 and safetensors are installed.

python make_files.py
"""

import collections
import os
import warnings
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

HERE = Path(__file__).parent
LENGTHS, BATCHES = (1, 4, 9), (1, 3)


class Everything(nn.Module):
    """A module of each class that is read, each with numbers that differ from all others."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True, dropout=0.25)
        self.gru = nn.GRU(3, 4, num_layers=2, bidirectional=True)
        self.rnn = nn.RNN(3, 4, nonlinearity="relu", bidirectional=True, batch_first=True)
        self.plain = nn.ModuleDict(
            {
                "lstm": nn.LSTM(3, 5, bias=False, batch_first=True),
                "gru": nn.GRU(3, 5, bias=False, batch_first=True),
                "rnn": nn.RNN(3, 5, bias=False, batch_first=True),
            }
        )
        self.lstm_cell = nn.LSTMCell(3, 4)
        self.gru_cell = nn.GRUCell(3, 4)
        self.rnn_cell = nn.RNNCell(3, 4, nonlinearity="relu")
        self.linear = nn.Linear(3, 5)
        self.bare_linear = nn.Linear(3, 5, bias=False)
        self.embedding = nn.Embedding(7, 3, padding_idx=0)
        self.norm = nn.LayerNorm(3)
        self.batch_norm = nn.BatchNorm1d(3, eps=1e-4)
        self.conv = nn.Conv1d(3, 4, 3, padding=1)
        self.strided = nn.Conv1d(4, 6, 2, stride=2, padding=1, groups=2, bias=False)
        self.dilated = nn.Conv1d(3, 4, 2, dilation=3, padding=3)


def outputs(m, x, tokens):
    """The outputs of every module for (batch, time, 3) and for whole numbers (batch, time)."""
    turned = x.transpose(1, 2)
    found = {
        "lstm": m.lstm(x)[0],
        "gru": m.gru(x.transpose(0, 1))[0].transpose(0, 1),
        "rnn": m.rnn(x)[0],
        **{f"plain.{name}": m.plain[name](x)[0] for name in ("lstm", "gru", "rnn")},
        "linear": m.linear(x),
        "bare_linear": m.bare_linear(x),
        "embedding": m.embedding(tokens),
        "norm": m.norm(x),
        "batch_norm": m.batch_norm(turned).transpose(1, 2),
        "conv": m.conv(turned).transpose(1, 2),
        "strided": m.strided(torch.cat([turned, turned[:, :1]], 1)).transpose(1, 2),
        "dilated": m.dilated(turned).transpose(1, 2),
    }
    h = c = torch.zeros(len(x), 4)
    states = {"lstm_cell": (h, c), "gru_cell": h, "rnn_cell": h}
    for name, state in states.items():
        steps = []
        for step in x.unbind(1):
            state = getattr(m, name)(step, state)
            steps.append(state[0] if isinstance(state, tuple) else state)
        found[name] = torch.stack(steps, 1)
    return found


def everything():
    """One state dict of all modules, and their outputs."""
    torch.manual_seed(5)
    m = Everything()
    with torch.no_grad():
        for parameter in m.parameters():
            parameter.uniform_(-0.8, 0.8)
        m.batch_norm.running_mean.uniform_(-1, 1)
        m.batch_norm.running_var.uniform_(0.5, 2)
    m.eval()
    arrays = {}
    for length in LENGTHS:
        for batch in BATCHES:
            x = torch.randn(batch, length, 3)
            tokens = torch.randint(0, 7, (batch, length))
            case = f"{length}x{batch}"
            arrays |= {f"{case}/x": x.numpy(), f"{case}/tokens": tokens.numpy()}
            with torch.no_grad():
                for name, y in outputs(m, x, tokens).items():
                    arrays[f"{case}/{name}"] = y.numpy()
    np.savez_compressed(HERE / "everything.npz", **arrays)
    torch.save(m.state_dict(), HERE / "everything.pt")
    torch.save(m.gru.state_dict(), HERE / "protocol5.pt", pickle_protocol=5)
    torch.serialization.set_crc32_options(False)
    torch.save(m.gru.state_dict(), HERE / "without_sums.pt")
    torch.serialization.set_crc32_options(True)


def checkpoint():
    """What training scripts save, with all that stands beside the tensors."""
    torch.manual_seed(6)
    m = nn.Sequential(collections.OrderedDict(lstm=nn.LSTM(2, 3), fc=nn.Linear(3, 1)))
    optimizer = torch.optim.Adam(m.parameters())
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5, 5])
    m.fc(m.lstm(torch.randn(4, 2, 2))[0]).sum().backward()
    optimizer.step()
    saved = {
        "state_dict": m.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "epoch": 3,
        "best": np.float64(0.25),
        "mean": np.arange(6.0).reshape(2, 3).T,
        "shape": m.fc.weight.shape,
        "dtype": torch.float32,
        "device": torch.device("cpu"),
        "names": {"a"},
        "raw": b"\x00\xff",
        "large": 2**70,
        "complex": 1 + 2j,
        "parameter": nn.Parameter(torch.tensor([1.5, 2.5])),
    }
    saved["parameter"].note = "an attribute"
    torch.save(saved, HERE / "checkpoint.pt")


def types():
    """Types, views of shared storages, and shapes."""
    base = torch.arange(24.0)
    saved = {
        "base": base,
        "middle": base[5:11],
        "turned": base.reshape(4, 6).T,
        "every_third": base[1::3],
        "scalar": torch.tensor(7.5),
        "empty": torch.zeros(0, 3),
        **{
            name: torch.tensor([0.5, -3.0, 70000.0 if name[0] in "bd" else 7.0]).to(
                getattr(torch, name)
            )
            for name in ("float64", "float16", "bfloat16", "complex64")
        },
        **{
            name: torch.tensor([1, 2, 100]).to(getattr(torch, name))
            for name in ("int64", "int32", "int16", "int8", "uint8", "uint16", "uint32", "uint64")
        },
        "bool": torch.tensor([True, False]),
    }
    torch.save(saved, HERE / "types.pt")
    expected = {n: t.float() if n in ("float16", "bfloat16") else t for n, t in saved.items()}
    np.savez_compressed(HERE / "types.npz", **{n: t.numpy() for n, t in expected.items()})
    kept = {n: saved[n].contiguous() for n in ("middle", "float16", "bfloat16", "int64", "bool")}
    save_file(kept, HERE / "other.safetensors", {"format": "pt"})


def projected():
    """A projected LSTM with its outputs, and the gradients of sums weighted by dy, dh and dc."""
    torch.manual_seed(5)
    m = nn.LSTM(3, 6, num_layers=2, bidirectional=True, proj_size=2, batch_first=True).double()
    x = torch.randn(3, 5, 3, dtype=torch.float64, requires_grad=True)
    y, (h, c) = m(x)
    found = {"x": x, "y": y, "h": h, "c": c}
    weights = {name: torch.randn_like(found[name]) for name in "yhc"}
    sum((found[name] * w).sum() for name, w in weights.items()).backward()
    found |= {f"d{name}": w for name, w in weights.items()} | {"dx": x.grad}
    found |= {f"d{name}": p.grad for name, p in m.named_parameters()}
    torch.save(m.state_dict(), HERE / "projected.pt")
    np.savez_compressed(HERE / "projected.npz", **{n: t.detach().numpy() for n, t in found.items()})


def refused():
    """Files of PyTorch that are not read."""
    m = nn.Linear(2, 1)
    torch.save(m, HERE / "whole_module.pt")
    torch.jit.script(m).save(str(HERE / "script.pt"))
    torch.save(m.state_dict(), HERE / "legacy.pt", _use_new_zipfile_serialization=False)
    torch.export.save(torch.export.export(m, (torch.ones(1, 2),)), HERE / "exported.pt2")
    torch.save(torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8), HERE / "quantized.pt")
    torch.save({"w": torch.eye(3).to_sparse()}, HERE / "sparse.pt")
    torch.save({"w": torch.ones(3).to(torch.float8_e4m3fn)}, HERE / "float8.pt")
    torch.save({"w": torch.ones(2, dtype=torch.complex64).conj()}, HERE / "conjugated.pt")
    torch.save({"w": torch.ones(1).expand(1000)}, HERE / "expanded.pt")
    torch.save({"w": torch.ones(1, device="meta")}, HERE / "meta.pt")


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    os.environ["PYTHONHASHSEED"] = "0"
    everything()
    checkpoint()
    types()
    projected()
    refused()
