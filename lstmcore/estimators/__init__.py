"""LSTMs as scikit-learn's estimators (``pip install lstmcore[sklearn]``).

They clone, search, pickle and stand in pipelines like any other. scikit-learn is imported when
this module is, and never by ``import lstmcore``.
"""

try:
    import sklearn as _sklearn  # noqa: F401
except ImportError as error:
    raise ImportError(
        "lstmcore.estimators needs scikit-learn: pip install lstmcore[sklearn]"
    ) from error

from .classifier import LSTMClassifier
from .forecaster import LSTMForecaster
from .regressor import LSTMRegressor

__all__ = ["LSTMClassifier", "LSTMForecaster", "LSTMRegressor"]
