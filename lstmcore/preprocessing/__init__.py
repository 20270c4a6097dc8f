"""The modules `sequence` and `text` of Keras 2, for older scripts.

Functions that Keras 3 has kept are in `lstmcore.utils`, too.
"""

from ..refused import install as _install
from ..utils import text_dataset_from_directory, timeseries_dataset_from_array
from . import sequence, text

__all__ = ["sequence", "text", "text_dataset_from_directory", "timeseries_dataset_from_array"]

_install(__name__, sequence.__name__, text.__name__)
