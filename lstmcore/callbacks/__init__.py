"""Keras's callbacks, and the base class for your own."""

from .averages import SwapEMAWeights
from .backup import BackupAndRestore
from .base import HOOKS, Callback, History, Logs
from .callback_list import CallbackList, Listeners
from .checkpoint import ModelCheckpoint
from .logs import CSVLogger, LambdaCallback
from .progress import ProgbarLogger, format_logs, progress
from .rates import LearningRateScheduler, ReduceLROnPlateau
from .stopping import EarlyStopping, TerminateOnNaN
from .tensorboard import TensorBoard
from .tracking import MLflowCallback, WandbCallback

__all__ = [
    "HOOKS",
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "Listeners",
    "Logs",
    "MLflowCallback",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
    "WandbCallback",
    "format_logs",
    "progress",
]
