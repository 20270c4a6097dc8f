"""Keras's older names of policies: `set_global_policy`, `Policy`.

    lstmcore.mixed_precision.set_global_policy("mixed_bfloat16")

Layers and models that are made from then on train in mixed precision; see
`lstmcore.config.DTypePolicy`.
"""

from .. import refused
from ..config import dtype_policy, set_dtype_policy
from ..config.policies import DTypePolicy

Policy = DTypePolicy
global_policy = dtype_policy
set_global_policy = set_dtype_policy

__all__ = [
    "DTypePolicy",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]

refused.install(__name__)
