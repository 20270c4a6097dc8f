"""Ages of Keras: the versions 1, 2 and 3 gave the same words other meanings.

Facts from the libraries' own sources and files: Keras 1.2.2, 2.2.4 and 2.3.1, tf.keras of
TensorFlow 2.15, tf_keras 2.21, which is of age 2 and still written today, and Keras 3.15.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

# clip(0.2 x + 0.5, 0, 1): hard_sigmoid before Keras 3, which has clip(x / 6 + 1 / 2, 0, 1)
OLD_HARD_SIGMOID = {"function": "hard_sigmoid", "options": {"slope": 0.2, "offset": 0.5}}

# Arguments with which TensorFlow 2's LSTM and GRU take their fast way.
_FAST = {
    "activation": "tanh",
    "recurrent_activation": "sigmoid",
    "recurrent_dropout": 0,
    "unroll": False,
    "use_bias": True,
    "implementation": 2,
}


@dataclass(frozen=True)
class Age:
    """A version of Keras, as a file states it.

    Parameters
    ----------
    version : str
        Such as ``"1.2.2"``, ``"2.2.4-tf"`` (tf.keras of TensorFlow), ``"3.15.1"``.
    backend : str, optional
        Such as ``"theano"``; Keras 1 does not state it, but names of weights show it.
    """

    version: str
    backend: str | None = None

    @property
    def number(self) -> int:
        """1, 2 or 3."""
        return int(self.version.partition(".")[0])

    @property
    def _minor(self) -> int:
        return int(self.version.split(".")[1])

    @property
    def masked_steps_are_open(self) -> bool:
        """True if it is TensorFlow 2.1's or 2.2's version, which differ in masked steps."""
        return self.version.startswith("2.3.") and self.version.endswith("-tf")

    def carries_masked_steps_on(self, inner: Any) -> bool:
        """Return True if a Bidirectional has the output before at masked steps, not 0.

        Keras before 2.4 did so. TensorFlow's tf.keras gave 0, but up to TensorFlow 2.1 the LSTM and
        GRU of TensorFlow 2 carried on where they took their fast way, that of cuDNN's arguments.

        Parameters
        ----------
        inner : dict
            The entry of the config for the layer that runs both ways.
        """
        if self.number > 2 or (self.number == 2 and self._minor >= 4):
            return False
        if not self.version.endswith("-tf"):
            return True
        kind, config = inner.get("class_name"), inner.get("config") or {}
        fast = {**_FAST, "reset_after": True} if kind == "GRU" else _FAST
        return kind in ("LSTM", "GRU") and all(config.get(key) == fast[key] for key in fast)

    @property
    def merged_mask(self) -> str | None:
        """The argument `unmasked` of merging layers: "all", None until Keras 3.3, then "any"."""
        if self.number < 3:
            return "all"
        return "any" if self._minor >= 4 else None

    @property
    def flips_kernels(self) -> bool:
        """True if kernels of convolutions run backwards in time: Theano's do."""
        return self.backend == "theano"

    def of_names(self, names: Iterable[str]) -> Age:
        """Return the age with the backend that names of weights show: TensorFlow's end in :0."""
        if self.number > 1 or self.backend is not None:
            return self
        tensorflow = any(name.endswith(":0") for name in names)
        return Age(self.version, "tensorflow" if tensorflow else "theano")


def age_of(version: Any, backend: Any = None) -> Age:
    """Return the age that a file's version states; raise ValueError if it is not a known one.

    Parameters
    ----------
    version, backend : str
        As a file states them.
    """
    text = str(version).strip()
    if not re.fullmatch(r"[123](\.\d+(\.\d+)?\S*)?", text):
        raise ValueError(f"keras_version: expected 1.x to 3.x, got {version!r}")
    text = text if "." in text else f"{text}.{'15' if text == '3' else '0'}"
    return Age(text, None if backend is None else str(backend))
