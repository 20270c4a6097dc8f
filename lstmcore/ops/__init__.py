"""Functions of arrays with Keras's names, which can be derived: `ops.mean`, `ops.softmax`."""

from .operation import OPS as OPS
from .operation import op as op
