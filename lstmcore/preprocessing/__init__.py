"""The modules `sequence` and `text` of Keras 2, for older scripts.

Functions that Keras 3 has kept are in `lstmcore.utils`, too.
"""

from . import sequence, text

__all__ = ["sequence", "text"]
