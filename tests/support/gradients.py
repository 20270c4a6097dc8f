"""Gradients by central differences, and what is held to them."""

import numpy as np
from helpers import numbers


def gradient(f, x, eps=1e-6):
    """The gradient of a real function at x, by central differences."""
    g = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        at = x[i]
        x[i] = at + eps
        up = f()
        x[i] = at - eps
        down = f()
        x[i] = at
        g[i] = (up - down) / (2 * eps)
    return g


def loss_gradient(loss, y, p, **options):
    """The gradient of a loss with respect to the predictions."""
    return gradient(lambda: loss.forward(y, p, grad=False, **options)[0], p)


def leaves(value):
    """All arrays within lists and tuples, in order."""
    if isinstance(value, list | tuple):
        return [leaf for entry in value for leaf in leaves(entry)]
    return [value]


def like(arrays, value):
    """Arrays put in the place of the leaves of a value."""
    arrays = iter(arrays)

    def put(value):
        if isinstance(value, list | tuple):
            return type(value)(put(entry) for entry in value)
        return next(arrays)

    return put(value)


def check_gradients(loss, pairs, weights=(), rtol=1e-6, atol=1e-8, weight_atol=None, every=False):
    """Hold gradients of a loss to central differences.

    Parameters
    ----------
    loss : callable
        The loss, of the arrays and weights as they are when it is called.
    pairs : iterable of (array, array)
        A gradient and what it is the gradient of, an array that is changed in place.
    weights : iterable of Parameter
        Their gradients are in ``grad``.
    weight_atol : float, default atol
        For weights, whose gradients are sums over all samples.
    """
    weight_atol = atol if weight_atol is None else weight_atol
    for got, at in pairs:
        assert got.shape == at.shape
        hold(got, loss, at, rtol, atol, every=every)
    for p in weights:
        kept = p.numpy()

        def moved(p=p, kept=kept):
            p.assign(kept)
            return loss()

        hold(p.grad, moved, kept, rtol, weight_atol, p.name)
        p.assign(kept)


def hold(got, f, x, rtol, atol, name="", eps=1e-6, every=False):
    """Hold a gradient of f at x to differences: of each element, or of a large array along a few.

    A wrong element is wrong along a random direction, too. With `every` it is always each element:
    for functions with corners, which all elements together are more likely to meet.
    """
    if every or x.size <= 8:
        np.testing.assert_allclose(got, gradient(f, x, eps), rtol=rtol, atol=atol, err_msg=name)
        return
    start, random = x.copy(), np.random.default_rng(0)
    for _ in range(4):
        direction = random.standard_normal(x.shape)
        direction *= 4 / np.linalg.norm(direction)
        x[...] = start + eps * direction
        up = f()
        x[...] = start - eps * direction
        down = f()
        x[...] = start
        terms = got * direction
        allowed = atol * np.sqrt(x.size) + rtol * np.abs(terms).sum()
        assert abs((up - down) / (2 * eps) - terms.sum()) <= allowed, name


def check_backward(
    layer,
    x,
    mask=None,
    states=None,
    *,
    training=False,
    before=None,
    atol=1e-8,
    weight_atol=None,
    every=False,
    **options,
):
    """Hold the backward function of a layer to central differences of a sum over its outputs.

    Parameters
    ----------
    x : array or list of arrays
        The input, for which the layer is built if it is not.
    states : list of arrays
        What a recurrent layer begins with; they have gradients, too.
    training : bool
        Whether the outputs that are differentiated are those of training (the backward function
        always is): for layers that compute something else there.
    before : callable
        Called ahead of every call, to bring a random stream back to its start.
    every : bool
        Whether each element is checked, for functions with corners; see `hold`.
    **options
        Other arguments of the call.

    Returns
    -------
    What the backward function returned.
    """
    if not layer.built:
        shapes = [a.shape for a in x] if isinstance(x, list) else x.shape
        layer.build_for(shapes, str(leaves(x)[0].dtype))
        layer.materialize()
    if states is not None:
        options["initial_state"] = states

    def run(training):
        if before:
            before()
        return layer.run(x, training, mask, **options)[:2]

    start = layer.get_weights()
    for p in layer.weights:
        p.grad[...] = 0
    y, back = run(True)
    r = [numbers(*a.shape) + i for i, a in enumerate(leaves(y))]
    got = back(like(r, y))
    layer.set_weights(start)  # moving averages

    def loss():
        return float(sum((a * b).sum() for a, b in zip(leaves(run(training)[0]), r, strict=True)))

    pairs = zip(leaves(got), leaves([x, [] if states is None else states]), strict=True)
    how = {"atol": atol, "weight_atol": weight_atol, "every": every}
    check_gradients(loss, pairs, layer.trainable_weights, **how)
    assert not any(p.grad.any() for p in layer.weights if not p.trainable)
    return got
