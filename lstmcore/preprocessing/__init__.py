"""Where older scripts for Keras import from: `sequence` and `text`.

What is there stands in `lstmcore.utils` too, where Keras 3 has it, but for what Keras 3 left out.
"""

from . import sequence, text

__all__ = ["sequence", "text"]
