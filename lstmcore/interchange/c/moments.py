"""Mean and scale of rows, which normalized cells need before the formulas of their units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...validation import Array
from .arithmetic import Numbers
from .expressions import Text, literal


class Moments(NamedTuple):
    """Means and scales, 1 / sqrt(variance + epsilon), of blocks of a row.

    Parameters
    ----------
    row : str
    blocks : sequence of int
    together : bool
        One mean and one scale of all the blocks, ``mean_ROW`` and ``by_ROW``; else of each, with
        the block's number behind it.
    epsilon : float
    """

    row: str
    blocks: Sequence[int]
    together: bool
    epsilon: float

    def names(self, block: int) -> tuple[str, str]:
        """Return the names of the mean and the scale that are for a block."""
        end = self.row if self.together else f"{self.row}{block}"
        return f"mean_{end}", f"by_{end}"

    def _groups(self) -> list[Sequence[int]]:
        return [self.blocks] if self.together else [[block] for block in self.blocks]

    def text(self, o: Text, pointer: str, n: int) -> list[str]:
        """Return the lines that give them their names."""
        o.helpers |= {"mean", "variance", "sqrt"}
        lines = []
        for group in self._groups():
            mean, by = self.names(group[0])
            places = [f"{pointer} + {k * n}" if k else pointer for k in group]
            count = f" / {literal(len(group))}" if len(group) > 1 else ""
            means = " + ".join(f"@mean({n}, {at})" for at in places)
            lines.append(f"const float {mean} = {f'({means}){count}' if count else means};")
            squares = " + ".join(f"@variance({n}, {at}, {mean})" for at in places)
            inside = f"({squares}){count}" if count else squares
            lines.append(f"const float {by} = 1.0f / @sqrt({inside} + {literal(self.epsilon)});")
        return lines

    def run(self, o: Numbers, row: Array, n: int) -> dict[str, Any]:
        """Return them by their names."""
        found: dict[str, Any] = {}
        for group in self._groups():
            parts = [row[..., k * n : (k + 1) * n] for k in group]
            mean = self._mean([o.across(part) for part in parts], n)
            variance = self._mean([o.squares_across(part - mean) for part in parts], n)
            by = np.float32(1) / np.sqrt(variance + np.float32(self.epsilon))
            found |= dict(zip(self.names(group[0]), (mean, by), strict=True))
        return found

    @staticmethod
    def _mean(totals: Sequence[Array], n: int) -> Array:
        total = totals[0] / np.float32(n)
        for other in totals[1:]:
            total = total + other / np.float32(n)
        return total / np.float32(len(totals)) if len(totals) > 1 else total
