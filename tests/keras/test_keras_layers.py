"""Every layer gives Keras's outputs, gradients, and weights after 20 steps of descent."""

import layer_cases as cases
import numpy as np
import pytest
from formulas import listed
from keras_numbers import keras_numbers

from lstmcore import layers

FROZEN = {
    (family, name): numbers
    for family in cases.families()
    for name, numbers in keras_numbers(f"layers_{family}").items()
}
TOLERANCE = {"float64": 1e-10, "float32": 2e-5}


def test_every_case_is_frozen():
    named = {(f, name) for f, members in cases.families().items() for name in members}
    assert named == set(FROZEN)


class Run:
    """A layer with its weights, inputs and loss, as in `tests/keras/make_keras_layers.py`."""

    def __init__(self, one, dtype):
        inner = one["inner"]
        first = () if inner is None else (getattr(layers, inner[0])(**inner[1]),)
        self.one, self.dtype = one, dtype
        self.layer = getattr(layers, one["layer"])(*first, **one["config"], dtype=dtype)
        arrays = cases.inputs_of(one)
        self.x = [a if one["below"] else a.astype(dtype) for a in arrays]
        masks = cases.masks_of(one)
        self.mask = masks if masks is None or self.layer.several_inputs else masks[0]
        x = self.x if self.layer.several_inputs else self.x[0]
        self.layer.build_for([a.shape for a in x] if isinstance(x, list) else x.shape, dtype)
        self.layer.materialize()
        shapes = [p.shape for p in self.layer.weights]
        names = [p.name for p in self.layer.weights]
        self.layer.set_weights([a.astype(dtype) for a in cases.weights_of(shapes, names)])

    def __call__(self, training):
        """Outputs; the loss; and, from a way back, the gradients."""
        x = self.x if self.layer.several_inputs else self.x[0]
        y, back, _ = self.layer.run(x, training, self.mask, **self.one["options"])
        off = [p - cases.target_of(p.shape, i) for i, p in enumerate(listed(y))]
        loss = sum(float((d * d).mean()) for d in off)
        slopes = [(2 * d / d.size).astype(self.dtype) for d in off]
        dx = None
        if back is not None:
            for param in self.layer.weights:
                param.grad[...] = 0
            dx = back(tuple(slopes) if isinstance(y, tuple) else slopes[0], need_dx=True)
        return listed(y), loss, listed(dx)


def close(ours, theirs, dtype, what):
    theirs = np.asarray(theirs)
    assert ours.shape == theirs.shape, what
    assert ours.dtype == dtype, what
    worst = np.abs(ours - theirs).max(initial=0) / max(1.0, np.abs(theirs).max(initial=0))
    assert worst <= TOLERANCE[dtype], f"{what}: off by {worst:.1e}"


@pytest.mark.parametrize(("family", "name"), sorted(FROZEN), ids=lambda v: v)
def test_a_layer_is_keras_s(family, name, dtype):
    dtype = dtype.name
    frozen, one = FROZEN[family, name], cases.families()[family][name]
    run = Run(one, dtype)
    assert [p.name for p in run.layer.weights] == frozen["names"]
    start = run.layer.get_weights()  # averages move in training
    for ours, theirs in zip(run(one["training"])[0], frozen["y"], strict=True):
        close(ours, theirs, dtype, "output")
    # what trains with other numbers than it predicts with has its gradients in the steps below
    alike = one["training"] or not any("moving" in n for n in frozen["names"])
    run.layer.set_weights(start)
    _, _, dx = run(True)
    if alike:
        for i, theirs in enumerate(frozen["dx"]):
            close(dx[i], theirs, dtype, f"dx {i}")
        for param, theirs in zip(run.layer.weights, frozen["grads"], strict=True):
            if theirs is not None:
                close(param.grad, theirs, dtype, f"gradient of {param.name}")
    run.layer.set_weights(start)
    for _ in range(cases.STEPS):
        _, loss, _ = run(True)
        for param in run.layer.trainable_weights:
            param.assign(param.value - np.asarray(cases.RATE * param.grad, dtype))
    assert abs(loss - frozen["loss"]) <= TOLERANCE[dtype] * max(1, abs(loss)) * 10
    for param, theirs in zip(run.layer.weights, frozen["weights"], strict=True):
        close(param.value, theirs, dtype, f"{param.name} after {cases.STEPS} steps")
