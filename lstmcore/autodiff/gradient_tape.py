"""GradientTape: gradients of what a user computes step by step, by TensorFlow's name."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..structure import flatten, map_structure
from .tape import Tape, is_box


class GradientTape(Tape):
    """A recording of a training step of one's own, which gives the gradients of weights.

    Parameters
    ----------
    persistent, watch_accessed_variables : bool, optional
        Accepted for scripts written for TensorFlow. A tape gives its gradients once, for all
        sources in one call.

    Examples
    --------
    >>> import numpy as np
    >>> import lstmcore
    >>> from lstmcore import layers, ops
    >>> dense = layers.Dense(1, kernel_initializer="ones")
    >>> x = np.ones((4, 3), "float32")
    >>> y = dense(x)  # builds the weights
    >>> with lstmcore.GradientTape() as tape:
    ...     loss = ops.mean(ops.square(dense(x)))
    >>> kernel, bias = tape.gradient(loss, dense.trainable_weights)
    >>> kernel[:, 0].tolist()
    [6.0, 6.0, 6.0]
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        super().__init__()
        self._asked = False

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: Any = None,
    ) -> Any:
        """Return the gradients of a number, or of the sum of several, for weights and boxes.

        Parameters
        ----------
        target : box, or list of boxes
            Computed under the tape, with `lstmcore.ops`, losses and layers.
        sources : Param or box, or structure of them
            Weights, or arrays returned by ``tape.watch(x)``.
        output_gradients : array, or list of arrays, optional
            Factors of the targets, of their shapes; the default is 1.

        Returns
        -------
        ndarray, or structure of ndarray
            None for a box that the target does not depend on.

        Raises
        ------
        RuntimeError
            If the tape has given its gradients already.
        """
        if self._asked:
            raise RuntimeError(
                "GradientTape: expected one call of gradient, got a second one: give all sources "
                "in a list, or record the computation on another tape"
            )
        for source in flatten(sources):
            if not is_box(source):
                raise TypeError(
                    f"GradientTape: sources: expected weights, or what tape.watch(x) returned, "
                    f"got a {type(source).__name__}: write x = tape.watch(x)"
                )
        self._asked = True
        targets = flatten(target)
        factors = [1.0] * len(targets) if output_gradients is None else flatten(output_gradients)
        weights = [source for source in flatten(sources) if _is_weight(source)]
        for flat in {w.flat for w in weights if w.flat is not None}:
            flat.grad.fill(0)
        found = self.backward(list(zip(targets, factors, strict=True)))
        for param, node in self.leaves.items():
            gradient = found.of_node(node)
            if gradient is not None and param.flat is not None:
                param.grad += gradient

        def of(source: Any) -> Any:
            if _is_weight(source):
                return source.grad.copy()
            gradient = found.of(source)
            return None if gradient is None else np.asarray(gradient)

        return map_structure(of, sources)


def _is_weight(source: Any) -> bool:
    return hasattr(source, "flat") and hasattr(source, "regularizer")
