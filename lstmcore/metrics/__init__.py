"""Keras's metrics, by name.

`update_state` adds a batch, `result` computes the metric so far, `reset_state` starts again.
"accuracy" and "crossentropy" stand for the metric that fits the shapes of targets and predictions
(`resolve`). Beyond Keras: `Perplexity`, `BitsPerCharacter`, any loss as a metric (`LossMean`),
masks, and a state that can be saved (`get_state`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import losses
from ..losses.functions import BCE as BCE
from ..losses.functions import KLD as KLD
from ..losses.functions import MAE as MAE
from ..losses.functions import MAPE as MAPE
from ..losses.functions import MSE as MSE
from ..losses.functions import MSLE as MSLE
from ..losses.functions import bce as bce
from ..losses.functions import binary_crossentropy as binary_crossentropy
from ..losses.functions import binary_focal_crossentropy as binary_focal_crossentropy
from ..losses.functions import categorical_crossentropy as categorical_crossentropy
from ..losses.functions import categorical_focal_crossentropy as categorical_focal_crossentropy
from ..losses.functions import categorical_hinge as categorical_hinge
from ..losses.functions import hinge as hinge
from ..losses.functions import huber as huber
from ..losses.functions import kl_divergence as kl_divergence
from ..losses.functions import kld as kld
from ..losses.functions import log_cosh as log_cosh
from ..losses.functions import logcosh as logcosh
from ..losses.functions import mae as mae
from ..losses.functions import mape as mape
from ..losses.functions import mean_absolute_error as mean_absolute_error
from ..losses.functions import mean_absolute_percentage_error as mean_absolute_percentage_error
from ..losses.functions import mean_squared_error as mean_squared_error
from ..losses.functions import mean_squared_logarithmic_error as mean_squared_logarithmic_error
from ..losses.functions import mse as mse
from ..losses.functions import msle as msle
from ..losses.functions import poisson as poisson
from ..losses.functions import sparse_categorical_crossentropy as sparse_categorical_crossentropy
from ..losses.functions import squared_hinge as squared_hinge
from ..registry import custom_objects as _custom_objects
from ..serialization import to_json
from .accuracy import Accuracy as Accuracy
from .accuracy import BinaryAccuracy as BinaryAccuracy
from .accuracy import CategoricalAccuracy as CategoricalAccuracy
from .accuracy import SparseCategoricalAccuracy as SparseCategoricalAccuracy
from .accuracy import SparseTopKCategoricalAccuracy as SparseTopKCategoricalAccuracy
from .accuracy import TopKCategoricalAccuracy as TopKCategoricalAccuracy
from .auc import AUC as AUC
from .base import Array as Array
from .base import Mean as Mean
from .base import MeanMetric as MeanMetric
from .base import MeanMetricWrapper as MeanMetricWrapper
from .base import Metric as Metric
from .base import Sum as Sum
from .base import registry as registry
from .confusion import FalseNegatives as FalseNegatives
from .confusion import FalsePositives as FalsePositives
from .confusion import Precision as Precision
from .confusion import PrecisionAtRecall as PrecisionAtRecall
from .confusion import Recall as Recall
from .confusion import RecallAtPrecision as RecallAtPrecision
from .confusion import SensitivityAtSpecificity as SensitivityAtSpecificity
from .confusion import SpecificityAtSensitivity as SpecificityAtSensitivity
from .confusion import TrueNegatives as TrueNegatives
from .confusion import TruePositives as TruePositives
from .correlation import ConcordanceCorrelation as ConcordanceCorrelation
from .correlation import PearsonCorrelation as PearsonCorrelation
from .functions import binary_accuracy as binary_accuracy
from .functions import categorical_accuracy as categorical_accuracy
from .functions import concordance_correlation as concordance_correlation
from .functions import from_function as _from_function
from .functions import pearson_correlation as pearson_correlation
from .functions import sparse_categorical_accuracy as sparse_categorical_accuracy
from .functions import sparse_top_k_categorical_accuracy as sparse_top_k_categorical_accuracy
from .functions import top_k_categorical_accuracy as top_k_categorical_accuracy
from .means import BinaryCrossentropy as BinaryCrossentropy
from .means import BitsPerCharacter as BitsPerCharacter
from .means import CategoricalCrossentropy as CategoricalCrossentropy
from .means import CategoricalHinge as CategoricalHinge
from .means import CosineSimilarity as CosineSimilarity
from .means import Hinge as Hinge
from .means import KLDivergence as KLDivergence
from .means import LogCoshError as LogCoshError
from .means import LossMean as LossMean
from .means import MeanAbsoluteError as MeanAbsoluteError
from .means import MeanAbsolutePercentageError as MeanAbsolutePercentageError
from .means import MeanSquaredError as MeanSquaredError
from .means import MeanSquaredLogarithmicError as MeanSquaredLogarithmicError
from .means import Perplexity as Perplexity
from .means import Poisson as Poisson
from .means import RootMeanSquaredError as RootMeanSquaredError
from .means import SparseCategoricalCrossentropy as SparseCategoricalCrossentropy
from .means import SquaredHinge as SquaredHinge
from .scores import F1Score as F1Score
from .scores import FBetaScore as FBetaScore
from .scores import R2Score as R2Score


def get(identifier: Any) -> Any:
    """Return the metric for a name, class, config, instance, loss or function; None for None."""
    if identifier is None:
        return None
    if isinstance(identifier, dict) and isinstance(identifier.get("function"), str):
        identifier = registry.find(identifier["function"])
    if isinstance(identifier, losses.Loss):
        return LossMean(identifier)
    if callable(identifier) and not isinstance(identifier, type | Metric):
        return _from_function(identifier) or MeanMetricWrapper(identifier)
    return registry.get(identifier, Metric)


def depends_on_shapes(identifier: Any) -> bool:
    """Return True for names such as "accuracy", whose metric depends on the shapes."""
    accuracy = isinstance(identifier, str) and identifier.lower() in ("accuracy", "acc")
    return accuracy or losses.is_crossentropy(identifier)


def resolve(identifier: Any, y_true: tuple[int, ...], y_pred: tuple[int, ...]) -> Metric:
    """Return the metric for targets and predictions of these shapes, named by the identifier.

    As in Keras, "accuracy" is binary for predictions (..., 1), sparse if the targets have no
    class axis, and categorical otherwise; so is "crossentropy".
    """
    metric: Metric
    if identifier is None:
        raise TypeError("metrics: expected names, metrics, their classes or functions, got None")
    if not depends_on_shapes(identifier):
        metric = get(identifier)
    else:
        k = 1 if losses.is_crossentropy(identifier) else 0
        if y_pred[-1] == 1:
            metric = (BinaryAccuracy, BinaryCrossentropy)[k]()
        elif len(y_true) < len(y_pred) or y_true[-1] == 1:
            metric = (SparseCategoricalAccuracy, SparseCategoricalCrossentropy)[k]()
        else:
            metric = (CategoricalAccuracy, CategoricalCrossentropy)[k]()
    if isinstance(identifier, str):
        metric.name = identifier
    return metric


def serialize(metric: Any) -> Any:
    """Return the config of a metric for `deserialize`: a name, or its class and arguments."""
    return to_json(metric)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Build a metric from the result of `serialize`."""
    with _custom_objects(custom_objects):
        return get(config)
