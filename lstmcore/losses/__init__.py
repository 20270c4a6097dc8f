"""Keras's losses, with their gradients and by name.

Beyond Keras: `Quantile`, the likelihoods `GaussianNLL`, `StudentTNLL`, `NegativeBinomialNLL` and
`PoissonNLL`, masks in `CTC`, and losses from functions that return their gradient (`FunctionLoss`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..registry import custom_objects as _custom_objects
from ..serialization import to_json
from .base import EPSILON as EPSILON
from .base import Array as Array
from .base import Loss as Loss
from .base import registry as registry
from .crf import CRF as CRF
from .crossentropy import BinaryCrossentropy as BinaryCrossentropy
from .crossentropy import CategoricalCrossentropy as CategoricalCrossentropy
from .crossentropy import (
    CategoricalGeneralizedCrossEntropy as CategoricalGeneralizedCrossEntropy,
)
from .crossentropy import SparseCategoricalCrossentropy as SparseCategoricalCrossentropy
from .ctc import CTC as CTC
from .focal import BinaryFocalCrossentropy as BinaryFocalCrossentropy
from .focal import CategoricalFocalCrossentropy as CategoricalFocalCrossentropy
from .functions import BCE as BCE
from .functions import FUNCTIONS as _FUNCTIONS
from .functions import KLD as KLD
from .functions import MAE as MAE
from .functions import MAPE as MAPE
from .functions import MSE as MSE
from .functions import MSLE as MSLE
from .functions import bce as bce
from .functions import binary_crossentropy as binary_crossentropy
from .functions import binary_focal_crossentropy as binary_focal_crossentropy
from .functions import categorical_crossentropy as categorical_crossentropy
from .functions import categorical_focal_crossentropy as categorical_focal_crossentropy
from .functions import (
    categorical_generalized_cross_entropy as categorical_generalized_cross_entropy,
)
from .functions import categorical_hinge as categorical_hinge
from .functions import circle as circle
from .functions import cosine_similarity as cosine_similarity
from .functions import ctc as ctc
from .functions import dice as dice
from .functions import gaussian_nll as gaussian_nll
from .functions import hinge as hinge
from .functions import huber as huber
from .functions import kl_divergence as kl_divergence
from .functions import kld as kld
from .functions import log_cosh as log_cosh
from .functions import logcosh as logcosh
from .functions import mae as mae
from .functions import mape as mape
from .functions import mean_absolute_error as mean_absolute_error
from .functions import mean_absolute_percentage_error as mean_absolute_percentage_error
from .functions import mean_squared_error as mean_squared_error
from .functions import mean_squared_logarithmic_error as mean_squared_logarithmic_error
from .functions import mse as mse
from .functions import msle as msle
from .functions import poisson as poisson
from .functions import quantile as quantile
from .functions import sparse_categorical_crossentropy as sparse_categorical_crossentropy
from .functions import squared_hinge as squared_hinge
from .functions import tversky as tversky
from .likelihood import NegativeBinomialNLL as NegativeBinomialNLL
from .likelihood import PoissonNLL as PoissonNLL
from .likelihood import StudentTNLL as StudentTNLL
from .probability import CategoricalHinge as CategoricalHinge
from .probability import Hinge as Hinge
from .probability import KLDivergence as KLDivergence
from .probability import Poisson as Poisson
from .probability import SquaredHinge as SquaredHinge
from .regression import CosineSimilarity as CosineSimilarity
from .regression import GaussianNLL as GaussianNLL
from .regression import Huber as Huber
from .regression import LogCosh as LogCosh
from .regression import MeanAbsoluteError as MeanAbsoluteError
from .regression import MeanAbsolutePercentageError as MeanAbsolutePercentageError
from .regression import MeanSquaredError as MeanSquaredError
from .regression import MeanSquaredLogarithmicError as MeanSquaredLogarithmicError
from .regression import Quantile as Quantile
from .whole_batch import Circle as Circle
from .whole_batch import Dice as Dice
from .whole_batch import Tversky as Tversky
from .wrapper import FunctionLoss as FunctionLoss


def get(identifier: Any) -> Any:
    """Return the loss for a name, class, config, instance or function; None for None."""
    if identifier is None:
        return None
    if isinstance(identifier, dict) and isinstance(identifier.get("function"), str):
        identifier = registry.find(identifier["function"])
    if callable(identifier) and not isinstance(identifier, type | Loss):
        plain = _FUNCTIONS.get(identifier)  # one of the functions of this module
        return FunctionLoss(identifier) if plain is None else plain()
    return registry.get(identifier, Loss)


def is_crossentropy(identifier: Any) -> bool:
    """Return True for "crossentropy" and "ce", whose loss depends on the shapes."""
    return isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce")


def resolve(identifier: Any, y_true: tuple[int, ...], y_pred: tuple[int, ...]) -> Loss:
    """Return the loss for targets and predictions of these shapes.

    As in Keras, "crossentropy" and "ce" are binary for predictions (..., 1), sparse if the
    targets have no axis of classes, and categorical otherwise.
    """
    if not is_crossentropy(identifier):
        found: Loss = get(identifier)
        return found
    if y_pred[-1] == 1:
        return BinaryCrossentropy(name=identifier)
    if len(y_true) < len(y_pred) or y_true[-1] == 1:
        return SparseCategoricalCrossentropy(name=identifier)
    return CategoricalCrossentropy(name=identifier)


def serialize(loss: Any) -> Any:
    """Return the config of a loss for `deserialize`: a name, or its class and arguments."""
    return to_json(loss)


def deserialize(name: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Build a loss from the result of `serialize`."""
    with _custom_objects(custom_objects):
        return get(name)
