"""scikit-learn estimators (``pip install lstmcore[sklearn]``).

They can be cloned, pickled, searched and used in pipelines like any other estimator. Importing
this module imports scikit-learn; ``import lstmcore`` does not.
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
