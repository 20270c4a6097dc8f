"""PyTorch: nn.LSTM, batch first."""

from __future__ import annotations

import sys

import numpy as np
import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from benchmarks.harness.cases import Case
from benchmarks.workers.common import Task, serve
from benchmarks.workers.fits_torch import epoch


def build(case: Case) -> tuple[torch.nn.LSTM, list[list[torch.nn.Parameter]]]:
    """Return a module with the case's weights, and its parameters per layer and direction."""
    lstm = torch.nn.LSTM(
        case.inputs,
        case.hidden,
        case.layers,
        batch_first=True,
        bidirectional=case.bidirectional,
    )
    with torch.no_grad():
        for (w_ih, w_hh, b_ih, b_hh), weights in zip(lstm.all_weights, case.weights(), strict=True):
            kernel, recurrent, bias = (torch.from_numpy(w) for w in weights)
            w_ih.copy_(kernel.T)
            w_hh.copy_(recurrent.T)
            b_ih.copy_(bias)
            b_hh.zero_()  # torch adds two biases
    return lstm, lstm.all_weights


def gradients(weights: list[list[torch.nn.Parameter]]) -> list[np.ndarray]:
    """Return the gradients of the weights in the common format."""
    grads = []
    for w_ih, w_hh, b_ih, _b_hh in weights:
        grads += [w_ih.grad.numpy().T, w_hh.grad.numpy().T, b_ih.grad.numpy()]
    return grads


def set_up_packed(
    case: Case, training: bool, lstm: torch.nn.LSTM, weights: list[list[torch.nn.Parameter]]
) -> Task:
    """Set up packed sequences; input and gradient are packed before, outside the timing."""
    if not training:
        raise NotImplementedError("packed sequences are measured in training only")
    lengths = torch.from_numpy(case.lengths())

    def pack(array: np.ndarray) -> PackedSequence:
        return pack_padded_sequence(
            torch.from_numpy(array), lengths, batch_first=True, enforce_sorted=False
        )

    x, dy = pack(case.x()), pack(case.dy())
    x.data.requires_grad_(True)

    def train() -> None:
        x.data.grad = None
        lstm.zero_grad(set_to_none=True)
        lstm(x)[0].data.backward(dy.data)

    def results(_: None) -> list[np.ndarray]:
        dx = PackedSequence(x.data.grad, x.batch_sizes, x.sorted_indices, x.unsorted_indices)
        padded, _ = pad_packed_sequence(dx, batch_first=True, total_length=case.steps)
        return [padded.numpy(), *gradients(weights)]

    return Task(train, results)


def set_up(case: Case, training: bool, threads: int) -> Task:
    torch.set_num_threads(threads)
    lstm, weights = build(case)
    x, dy = torch.from_numpy(case.x()), torch.from_numpy(case.dy())
    if case.ragged:
        return set_up_packed(case, training, lstm, weights)
    if not training:
        lstm.eval()

        def infer() -> torch.Tensor:
            with torch.inference_mode():
                return lstm(x)[0]

        return Task(infer, lambda y: [y.numpy()])

    x.requires_grad_(True)

    def train() -> None:
        x.grad = None
        lstm.zero_grad(set_to_none=True)
        lstm(x)[0].backward(dy)

    def results(_: None) -> list[np.ndarray]:
        return [x.grad.numpy(), *gradients(weights)]

    return Task(train, results)


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[1]))
    serve({"torch": torch.__version__}, set_up, epoch)
