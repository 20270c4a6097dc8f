"""Text classifiers and forecasters behind the protocol."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ..models.texts import TextReader
from ..validation import Array
from .adapter import Adapter, Work
from .errors import BadRequestError
from .tensors import BYTES, DATATYPES_OF, TensorSpec


class Texts(Adapter):
    """A model whose samples are texts: a text classifier, or another one behind a vocabulary.

    Parameters
    ----------
    model : TextReader
    """

    def __init__(self, model: TextReader) -> None:
        self.model, self.classes = model, model.classes
        self.inputs = (TensorSpec("text", BYTES, (-1,)),)
        tensor = model.outputs[0]
        shape = (-1, *(-1 if n is None else n for n in tensor.shape[1:]))
        scores = TensorSpec("scores", DATATYPES_OF[str(model.dtype)], shape)
        self.outputs = (scores,)
        self._labels = None
        if self.classes is not None:
            self.details = {"classes": [str(name) for name in self.classes]}
        if self.classes is not None and not model.multi_label:
            self.outputs = (TensorSpec("label", BYTES, (-1,)), scores)
            self._labels = np.array([str(name) for name in self.classes], object)

    def accept(self, inputs: Mapping[str, Array], parameters: Mapping[str, Any]) -> Work:
        texts = self.checked(inputs)["text"].tolist()
        return Work(texts, "texts", len(texts), max(map(len, texts)))

    def compute(self, payloads: list[Any]) -> Sequence[dict[str, Array]]:
        y = self.model.predict_on_batch([text for texts in payloads for text in texts])
        found, at = [], 0
        for texts in payloads:
            scores = y[at : at + len(texts)]
            at += len(texts)
            outputs = {"scores": scores}
            if self._labels is not None:
                outputs = {"label": self._labels[scores.argmax(axis=-1)], **outputs}
            found.append(outputs)
        return found

    def warm(self) -> None:
        self.compute([["a"]])


class Forecaster(Adapter):
    """A forecaster, which goes on from the last steps in its file.

    Its optional input `values` are the steps that have come since, one after another; `future` are
    the values that are known of the steps ahead. The parameter `horizon` is the number of these.

    Parameters
    ----------
    forecaster : LSTMForecaster
    """

    known_parameters: ClassVar[tuple[str, ...]] = ("horizon",)

    def __init__(self, forecaster: Any) -> None:
        self.forecaster, self.model = forecaster, forecaster.model_
        columns, known = forecaster.columns_, len(forecaster.known_)
        self.inputs = (TensorSpec("values", "FP64", (-1, len(columns.names)), optional=True),)
        if known:
            self.inputs = (*self.inputs, TensorSpec("future", "FP64", (-1, known)))
        targets = len(forecaster.targets_)
        self._levels = () if forecaster.head == "point" else tuple(forecaster.levels_)
        self.outputs = (TensorSpec("forecast", "FP64", (-1, targets)),)
        if self._levels:
            shape = (-1, targets, len(self._levels))
            self.outputs = (*self.outputs, TensorSpec("quantiles", "FP64", shape))
        if columns.dates is not None:
            self.outputs = (*self.outputs, TensorSpec("dates", BYTES, (-1,)))
        self.details = {
            "columns": list(columns.names),
            "targets": list(forecaster.targets_),
            "known_future": list(forecaster.known_),
            "levels": list(self._levels),
            "horizon": int(forecaster.horizon),
        }

    def accept(self, inputs: Mapping[str, Array], parameters: Mapping[str, Any]) -> Work:
        arrays = self.checked(inputs)
        horizon = parameters.get("horizon")
        if horizon is not None and (type(horizon) is not int or horizon < 1):
            raise BadRequestError(
                f"parameters: horizon: expected a whole number, got {horizon!r:.80}"
            )
        steps = max([horizon or 1, *(len(array) for array in arrays.values())])
        return Work((arrays, horizon), None, 1, steps)

    def compute(self, payloads: list[Any]) -> Sequence[dict[str, Array]]:
        return [self._forecast(arrays, horizon) for arrays, horizon in payloads]

    def _forecast(self, arrays: dict[str, Array], horizon: int | None) -> dict[str, Array]:
        forecaster, values = self.forecaster, arrays.get("values")
        if values is not None:
            forecaster = copy.copy(forecaster)  # `append` gives it other columns
            forecaster.append(values, forecaster.dates_ahead(len(values)))
        future = arrays.get("future")
        found = forecaster.forecast(horizon, future=future, quantiles=self._levels or None)
        outputs = {"forecast": found.point.astype(np.float64)}
        if self._levels:
            outputs["quantiles"] = found.quantiles.astype(np.float64)
        if any(spec.name == "dates" for spec in self.outputs):
            outputs["dates"] = np.datetime_as_string(found.dates).astype(object)
        return outputs

    def warm(self) -> None:
        if not self.forecaster.known_:
            self.compute([({}, None)])
