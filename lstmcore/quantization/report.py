"""QuantizationReport: what `Model.quantize` did."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class QuantizationReport:
    """What `Model.quantize` did to a model; as a text it is what is printed.

    Attributes
    ----------
    mode : str
        The format.
    bytes_before, bytes_after : int
        Of all weights of the model, as float32 and as they are stored now.
    quantized : list of str
        The layers whose weights are stored in the format, by their paths.
    left_alone : dict of str to str
        The other layers that have weights, with the reason.
    dot_product : str or None
        The CPU's dot product that multiplies such weights, "vector" or "tiles": then what goes into
        products is rounded as well. None: weights are widened to float32 on load.
    largest_change, mean_change : float or None
        Of the absolute changes of the outputs for the sample, from those of the float32 weights;
        None without one.
    mean_size : float or None
        The mean absolute value of the outputs of the float32 weights.
    """

    model: str  # its name
    mode: str
    bytes_before: int
    bytes_after: int
    quantized: list[str] = field(default_factory=list)
    left_alone: dict[str, str] = field(default_factory=dict)
    dot_product: str | None = None
    largest_change: float | None = None
    mean_change: float | None = None
    mean_size: float | None = None

    def _products(self) -> str:
        if self.dot_product is None:
            return "products: weights are widened to float32 on load"
        dot = self.dot_product
        return f"products: by this CPU's dot product ({dot}), which rounds what goes in, too"

    def __str__(self) -> str:
        ratio = self.bytes_after / self.bytes_before if self.bytes_before else 1
        lines = [
            f"model {self.model!r}: {self.bytes_before:,} bytes of float32 weights are "
            f"{self.bytes_after:,} now, {ratio:.3f} of them",
            f"stored as {self.mode}: {', '.join(self.quantized)}",
            self._products(),
            *(f"left alone: {path}: {why}" for path, why in self.left_alone.items()),
        ]
        if self.largest_change is not None:
            lines.append(
                f"outputs for the sample: largest change {self.largest_change:.3g}, mean change "
                f"{self.mean_change:.3g}; their mean size is {self.mean_size:.3g}"
            )
        return "\n".join(lines)
