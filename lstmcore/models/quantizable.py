"""Quantizable: the mixin with `quantize` and `dequantize`."""

from __future__ import annotations

from typing import Any

from ..quantization import quantize
from ..quantization.report import QuantizationReport
from ..refused.arguments import checked
from ..training.mixin import Mixin


class Quantizable(Mixin):
    """The mixin that stores a model's weights in fewer bytes, for inference."""

    @checked
    def quantize(
        self,
        mode: Any = None,
        config: Any = None,
        filters: Any = None,
        *,
        sample: Any = None,
        verbose: int = 1,
        type_check: bool = True,
    ) -> QuantizationReport:
        """Store the weights of dense and recurrent layers and embeddings in fewer bytes, in place.

        The model then predicts with the rounded weights, and so do its streams; it cannot be
        trained. Its float32 weights stay in memory: `dequantize` gives them back, and another
        `quantize` rounds them anew. `save` writes the few bytes alone.

        Parameters
        ----------
        mode : {"int8", "bfloat16", "float16"}
            One byte for a weight and a float32 scale for each column; or two bytes. Biases, and
            weights of other layers, stay float32. See `lstmcore.quantization.storage`.
        config : None
            Each mode has one rule.
        filters : str, list of str or callable, optional
            The layers to take: regular expressions to be found in their names or paths, or a
            function of the layer; the others stay as they are. By default all are taken.
        sample : array_like or list, optional
            Samples, as `predict` takes them, for which the outputs before and after are compared.
        verbose : {0, 1}, default 1
            Print the report.
        type_check : bool, default True
            Accepted for compatibility with Keras; no effect.

        Returns
        -------
        QuantizationReport

        Raises
        ------
        ValueError
            If the mode is unknown, the model is float64 or has no weights yet, or no layer is
            left to quantize. The model is then as it was.

        Examples
        --------
        >>> from lstmcore import Input, Sequential, layers
        >>> model = Sequential([Input((None, 3)), layers.LSTM(8), layers.Dense(1)])
        >>> report = model.quantize("bfloat16", verbose=0)
        >>> report.bytes_before, report.bytes_after
        (1572, 850)
        """
        report = quantize.quantize(self, mode, config, filters, sample)
        if verbose:
            print(report)
        return report

    def dequantize(self) -> None:
        """Go back to the float32 weights, in place: the model can be trained again.

        They are those before `quantize`, or those set since. A model that was loaded from a file
        of quantized weights has the rounded ones.
        """
        quantize.dequantize(self)
