"""Lambda: a function as a layer."""

from __future__ import annotations

import inspect
from typing import Any

from ..base import Layer, Shape, registry


@registry.add()
class Lambda(Layer):
    """A function as a layer; made of `lstmcore.ops` it is derived.

    Weights that the function uses are not the layer's, and are not trained by it: a layer with
    weights is a subclass of `Layer` with a `call`.

    Parameters
    ----------
    function : callable
        ``f(x)``, or ``f(x, mask=None, training=None)`` with what it takes of these, on arrays.
    output_shape : tuple of int or None, or callable, optional
        Accepted for compatibility with Keras: the shape is found by a trial on zeros. A tuple, of
        one sample, or a function of the input's shape must agree with that.
    mask : array of bool or callable, optional
        The mask of the output: an array, or ``f(x, mask)``. The default is none.
    arguments : dict, optional
        Further arguments of the function by name.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> from lstmcore import ops
    >>> from lstmcore.layers import Lambda
    >>> Lambda(lambda x: ops.mean(x, axis=1))([[1.0, 3.0]])
    array([2.], dtype=float32)
    """

    def __init__(
        self,
        function: Any,
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(function, dict):  # from a config: the name of a custom object
            function = registry.find(str(function.get("function")))
        self.function: Any = function
        if not callable(self.function):
            raise self.error("function", "a function", repr(function))
        self.output_shape, self.mask = output_shape, mask
        self.arguments = dict(arguments or {})  # type: ignore[misc]
        try:
            self._takes = set(inspect.signature(function).parameters)
        except (TypeError, ValueError):  # a function of C
            self._takes = set()

    def call(  # type: ignore[override]
        self, inputs: Any, mask: Any = None, training: Any = None
    ) -> Any:
        """Return the function of the inputs."""
        given = {"mask": mask, "training": training}
        arguments = {name: value for name, value in given.items() if name in self._takes}
        return self.function(inputs, **{**arguments, **self.arguments})

    def compute_mask(self, x: Any, mask: Any) -> Any:
        """Return the mask that the layer was given, or that its function makes."""
        return self.mask(x, mask) if callable(self.mask) else self.mask

    def call_output_shape(self, input_shape: Any, **options: Any) -> Any:
        """Return the shape of the output, found by a trial; see `Layer.call_output_shape`."""
        found = super().call_output_shape(input_shape, **options)
        stated = self._stated_shape(input_shape)
        if stated is not None and not _agree(stated, found):
            raise self.error("output_shape", f"{found}, which the function returns", stated)
        return found

    def _stated_shape(self, input_shape: Any) -> Shape | None:
        if self.output_shape is None:
            return None
        if callable(self.output_shape):
            return tuple(self.output_shape(input_shape))
        return (None, *self.output_shape)


def _agree(stated: Any, found: Any) -> bool:
    pairs = zip(stated, found, strict=False)
    return len(stated) == len(found) and all(n is None or m is None or n == m for n, m in pairs)
