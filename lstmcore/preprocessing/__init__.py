"""The modules `sequence` and `text` of Keras 2, for older scripts.

Functions that Keras 3 has kept are in `lstmcore.utils`, too.
"""

from ..utils import text_dataset_from_directory, timeseries_dataset_from_array
from . import sequence, text

__all__ = ["sequence", "text", "text_dataset_from_directory", "timeseries_dataset_from_array"]
