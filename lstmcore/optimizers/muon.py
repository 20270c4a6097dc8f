"""Muon: steps along orthogonal matrices."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .._binding.numpy_blas import matmul
from ..validation import entries, real, whole
from .arrays import Array, ArrayOptimizer, Part, norm
from .base import BELOW_ONE, registry


@registry.add()
class Muon(ArrayOptimizer):
    """The Muon optimizer (Jordan, 2024): a matrix's momentum, made orthogonal, is its step.

    Matrices such as the kernels of `LSTM` and `Dense` are trained so, all other weights and
    embeddings by AdamW. Computed in NumPy.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable, default 0.001
    adam_beta_1, adam_beta_2, epsilon, adam_weight_decay
        Settings of AdamW; 0.9, 0.999, 1e-7 and 0.004. None: no decay.
    weight_decay : float, default 0.004
        Of the matrices.
    clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency
        See `Optimizer`, also for `loss_scale_factor`, `gradient_accumulation_steps` and `name`.
    exclude_layers : list of str, optional
        Regular expressions; matrices whose names, such as ``"lstm/kernel"``, match one of them
        anywhere are trained by AdamW.
    exclude_embeddings : bool, default True
        Matrices with "embedding" in their name are trained by AdamW.
    muon_a, muon_b, muon_c : float, default 3.4445, -4.7750, 2.0315
        The polynomial of the Newton-Schulz iteration.
    adam_lr_ratio : float, default 1
        AdamW's learning rate is this times that of the matrices.
    momentum : float, default 0.95
    ns_steps : int, default 5
        Number of Newton-Schulz iterations.
    nesterov : bool, default True
    rms_rate : float, default 0.2
        A step is this times the root of the larger side as long, so that AdamW's learning rates
        fit (Liu et al., 2025). None: as long as the orthogonal matrix.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
    ) -> None:
        super().__init__(
            learning_rate,
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
            loss_scale_factor,
            gradient_accumulation_steps,
            name,
        )
        self.adam_beta_1 = self._check("adam_beta_1", adam_beta_1, BELOW_ONE)
        self.adam_beta_2 = self._check("adam_beta_2", adam_beta_2, BELOW_ONE)
        decay = adam_weight_decay
        self.adam_weight_decay = None if decay is None else self._check("adam_weight_decay", decay)
        self.epsilon = self._check("epsilon", epsilon)
        self.exclude_layers = entries("Muon: exclude_layers", exclude_layers or (), "names")
        self.exclude_embeddings = bool(exclude_embeddings)
        self.muon_a, self.muon_b = real("Muon: muon_a", muon_a), real("Muon: muon_b", muon_b)
        self.muon_c = real("Muon: muon_c", muon_c)
        self.adam_lr_ratio = self._check("adam_lr_ratio", adam_lr_ratio)
        self.momentum = self._check("momentum", momentum, 1)
        self.ns_steps = whole("Muon: ns_steps", ns_steps, 5, 0)
        self.nesterov = bool(nesterov)
        self.rms_rate = None if rms_rate is None else self._check("rms_rate", rms_rate)

    def _own_slots(self) -> tuple[str, ...]:
        return ("momentum", "velocity")

    def apply(self, grads: Sequence[Any], trainable_variables: Iterable[Any] | None = None) -> None:
        """Update variables by one step; see `Optimizer.apply`."""
        if self.exclude_layers:
            raise ValueError(
                f"optimizer {self.name!r}: apply: expected no exclude_layers, for variables alone "
                "do not say of which layers they are; fit knows it"
            )
        super().apply(grads, trainable_variables)

    def _by_adam(self, name: str, axes: int) -> bool:
        """Return True for a weight array that is trained by AdamW."""
        if axes != 2 or (self.exclude_embeddings and "embedding" in name.lower()):
            return True
        return any(re.search(pattern, name) for pattern in self.exclude_layers)

    def _decay(
        self, param: Array, rate: float, windows: Sequence[slice], names: Sequence[str]
    ) -> float:
        kept = self._not_excluded(param, windows, names)
        for i, window in enumerate(windows):
            _, given, shapes = self._layout
            by_adam = self._by_adam(given[i] if given else "", len(shapes[i]))
            decay = self.adam_weight_decay if by_adam else self.weight_decay
            if decay and window in kept:
                param[window] -= param[window] * (decay * rate)
        return 0.0

    def _update(self, param: Array, grad: Array, rate: float, decay: float) -> None:
        for part in self._parts(param, grad):
            if self._by_adam(part.name, part.value.ndim):
                self._adam(part, rate * self.adam_lr_ratio)
            else:
                self._muon(part, rate)

    def _muon(self, part: Part, rate: float) -> None:
        m = self.slots["momentum"][part.window].reshape(part.value.shape)
        m += part.grad + m * (self.momentum - 1)
        update = self._orthogonal(part.grad + self.momentum * m if self.nesterov else m)
        scale = 1.0 if self.rms_rate is None else math.sqrt(max(update.shape)) * self.rms_rate
        part.value[...] -= rate * scale * update

    def _orthogonal(self, x: Array) -> Array:
        """Return about the nearest orthogonal matrix, by Newton-Schulz iterations."""
        tall = x.shape[0] > x.shape[1]
        x = x.T if tall else x
        x = x / (norm(x) + 1e-7)  # so that no singular value is above 1
        for _ in range(self.ns_steps):
            a = matmul(x, np.ascontiguousarray(x.T))
            x = self.muon_a * x + matmul(self.muon_b * a + self.muon_c * matmul(a, a), x)
        return x.T if tall else x

    def _adam(self, part: Part, rate: float) -> None:
        step = self._done() + 1
        shape = part.value.shape
        m = self.slots["momentum"][part.window].reshape(shape)
        v = self.slots["velocity"][part.window].reshape(shape)
        m += (part.grad - m) * (1 - self.adam_beta_1)
        v += (part.grad * part.grad - v) * (1 - self.adam_beta_2)
        rate *= math.sqrt(1 - self.adam_beta_2**step) / (1 - self.adam_beta_1**step)
        part.value[...] -= rate * m / (np.sqrt(v) + self.epsilon)
