"""Old module paths: pickles and imports from before the modules moved find the new ones.

A pickle names the module of each class. For a path that was left, `OldPaths` makes a stand-in,
which hands out what the new modules have and warns that it does.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# The old path, without "lstmcore.", and where what was there is now.
MOVED: dict[str, tuple[str, ...]] = {
    "_blas": ("_binding.scipy_blas",),
    "_threads": ("_binding.loader",),
    "activation": ("activations.base",),
    "arrays": ("validation",),
    "batches": (
        "ragged",
        "training.batches",
    ),
    "cli._keeping": ("cli.best_model",),
    "cli._measuring": ("cli.bench_run",),
    "cli._tuning": ("cli.tune_run",),
    "compiling": ("training.compile",),
    "demo": ("cli.demo_run",),
    "demo_report": ("cli.demo_report",),
    "diagnosis": ("training.nonfinite",),
    "forecasting.ahead": ("forecasting.rollout",),
    "forecasting.files": ("forecasting.model_file",),
    "inference": ("training.predictor",),
    "layers.activation": ("layers.core.activation",),
    "layers.batch_normalization": ("layers.normalization.batch_normalization",),
    "layers.categories": ("layers.preprocessing.categories",),
    "layers.cell_base": ("layers.rnn.cell",),
    "layers.cells": ("layers.rnn.cells",),
    "layers.dropout": ("layers.regularization.dropout",),
    "layers.embedding": ("layers.core.embedding",),
    "layers.gru": ("layers.rnn.gru",),
    "layers.hashing": ("layers.preprocessing.hashing",),
    "layers.holder": ("layers.module",),
    "layers.input": ("layers.core.input",),
    "layers.joining": ("layers.merging.concatenate",),
    "layers.lookup": ("layers.preprocessing.lookup",),
    "layers.lstm": ("layers.rnn.lstm",),
    "layers.multi_head": ("layers.attention.multi_head",),
    "layers.noise": ("random.masks",),
    "layers.pooling": ("layers.convolution.pooling",),
    "layers.projection": ("layers.attention.projection",),
    "layers.recurrent": ("layers.rnn.recurrent",),
    "layers.rules": ("layers.rnn.recurrent_parameters",),
    "layers.slicing": ("layers.reshaping.slicing",),
    "layers.steps": ("layers.convolution.window_layer",),
    "layers.symbols": ("layers.symbolic",),
    "layers.text": ("layers.preprocessing.text_vectorization",),
    "layers.time_distributed": ("layers.rnn.time_distributed",),
    "layers.vocabulary": ("layers.preprocessing.index_lookup",),
    "layers.weighing": ("layers.attention.scoring",),
    "layers.weights": ("layers.parameters", "layers.rnn.packed"),
    "layers.wrappers": ("layers.rnn.bidirectional",),
    "losses.function": ("losses.wrapper",),
    "models.base": ("models.model",),
    "models.copying": ("models.cloning",),
    "plan": ("training.compiled",),
    "randomness": ("random.state",),
    "reference.kinds": ("reference.cells",),
    "reference.others": ("reference.gru",),
    "reference.walk": ("reference.layer",),
    "saving.describing": ("saving.describe",),
    "saving.files": ("saving.safetensors_file",),
    "saving.native": ("saving.model_file",),
    "saving.weights": ("saving.weights_file",),
    "sources": ("training.iterables",),
    "steps": ("training.step",),
    "summary": ("models.summary",),
    "targets": ("training.targets",),
    "text.reading": ("text.truncated", "text.evaluation"),
    "tuner.kinds": ("tuner.parameter_types",),
    "tuner.ledger": ("tuner.study",),
    "tuner.runner": ("tuner.trial_loop",),
    "utils.random": ("random.generator",),
}
RENAMED = {
    "Ahead": "Rollout",
    "Compiled": "Compilable",
    "Head": "CompiledOutput",
    "Holder": "Module",
    "Ledger": "StudyTrials",
    "Plan": "Compiled",
    "Results": "BatchOutputs",
    "Rules": "ParameterGroups",
    "Runner": "Predictor",
    "StepsLayer": "WindowLayer",
    "Symbol": "SymbolicTensor",
    "Vocabulary": "IndexLookup",
}


class OldPaths:
    """A finder of modules, asked last, for the paths in `MOVED`; and their loader."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a spec for an old path of the library, None for all else."""
        package, _, old = name.partition(".")
        if package != __package__ or old not in MOVED:
            return None
        return ModuleSpec(name, self)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Return None: an ordinary, empty module serves."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Have the module hand out what its successors have."""
        homes = MOVED[module.__name__.partition(".")[2]]

        def find(name: str) -> Any:
            for home in homes if not name.startswith("__") else ():
                found = import_module(f"{__package__}.{home}")
                for new in (RENAMED.get(name, name), name):
                    if hasattr(found, new):
                        warnings.warn(
                            f"{module.__name__}.{name} is now {found.__name__}.{new}",
                            DeprecationWarning,
                            stacklevel=2,
                        )
                        return getattr(found, new)
            package = import_module(module.__name__.rpartition(".")[0])
            if package.__name__ != __package__ and name in vars(package):
                return vars(package)[name]  # of Keras's module with this path: layers.recurrent
            moved = " and ".join(f"{__package__}.{home}" for home in homes)
            raise AttributeError(f"{module.__name__} is now {moved}, which has no {name!r}")

        module.__getattr__ = find  # type: ignore[method-assign]


def install() -> None:
    """Let Python ask for old paths when it finds no module of a name."""
    if not any(isinstance(finder, OldPaths) for finder in sys.meta_path):
        sys.meta_path.append(OldPaths())
