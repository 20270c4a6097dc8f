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
    def masked_steps_carry_on(self) -> bool:
        """True if a Bidirectional has the output before at masked steps, not 0.

        So it was before 2.4, in TensorFlow's tf.keras as well.
        """
        return self.number == 1 or (self.number == 2 and self._minor < 4)

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
    if not re.fullmatch(r"[123]\.\d+(\.\d+)?\S*", text):
        raise ValueError(f"keras_version: expected 1.x to 3.x, got {version!r}")
    return Age(text, None if backend is None else str(backend))
