"""Training by several processes, over MPI (``pip install 'lstmcore[mpi]'``)."""

from ..refused import install as _install
from .data_parallel import DataParallel

__all__ = ["DataParallel"]

_install(__name__)
