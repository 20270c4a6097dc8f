"""Progbar: Keras's progress bar for loops of one's own, drawn by tqdm."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from .. import config


class Progbar:
    """A progress bar with the means of values.

    Parameters
    ----------
    target : int or None
        The number of steps; None if it is not known.
    width : int, default 20
        The number of characters of the bar.
    verbose : {0, 1, 2}, default 1
        0: nothing; 1: a bar where there is a terminal, a line at the end elsewhere; 2: a line at
        the end.
    interval : float, default 0.05
        Seconds at least from one drawing to the next.
    stateful_metrics : iterable of str, optional
        Names of values that are shown as they come; of the others the mean is shown.
    stateless_metrics : iterable of str, optional
        Instead of `stateful_metrics`: the names of values of which the mean is shown.
    unit_name : str, default "step"
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError("Progbar: expected stateful_metrics or stateless_metrics, got both")
        if verbose not in (0, 1, 2):
            raise ValueError(f"Progbar: verbose: expected 0, 1 or 2, got {verbose!r}")
        self.target, self.width, self.verbose, self.interval = target, width, verbose, interval
        self.unit_name = unit_name
        self.stateful_metrics = None if stateful_metrics is None else set(stateful_metrics)
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self._sums: dict[str, tuple[float, float]] = {}  # by name: the sum, and of how many steps
        self._seen = 0
        self._bar: Any = None

    def _is_stateful(self, name: str) -> bool:
        if self.stateless_metrics is not None:
            return name not in self.stateless_metrics
        return self.stateful_metrics is not None and name in self.stateful_metrics

    def values(self) -> dict[str, float]:
        """Return the values as they are shown: means, and the last of stateful ones."""
        return {name: total / max(count, 1) for name, (total, count) in self._sums.items()}

    def update(
        self,
        current: int,
        values: Sequence[tuple[str, Any]] | None = None,
        finalize: bool | None = None,
    ) -> None:
        """Show that so many steps are done.

        Parameters
        ----------
        current : int
            The number of steps done since the start.
        values : list of (name, value), optional
            Their means count each value once for every step since the last call.
        finalize : bool, optional
            True if this is the last call; by default that is so when `target` is reached.
        """
        steps = current - self._seen
        for name, value in values or ():
            number = float(value)
            if self._is_stateful(name):
                self._sums[name] = number, 1
            else:
                total, count = self._sums.get(name, (0.0, 0))
                self._sums[name] = total + number * steps, count + steps
        self._seen = current
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        if self.verbose:
            self._draw(steps, finalize)

    def add(self, n: int, values: Sequence[tuple[str, Any]] | None = None) -> None:
        """Show that `n` more steps are done; see `update`."""
        self.update(self._seen + n, values)

    def _text(self) -> str:
        shown = self.values().items()
        return " - ".join(
            f"{k}: {v:.4f}" if abs(v) > 1e-3 or not v else f"{k}: {v:.4e}" for k, v in shown
        )

    def _draw(self, steps: int, finalize: bool) -> None:
        on_terminal = sys.stdout is not None and sys.stdout.isatty()
        if self.verbose == 2 or not on_terminal or not config.is_interactive_logging_enabled():
            if finalize and sys.stdout is not None:
                of = f"{self._seen}/{self._seen if self.target is None else self.target}"
                print(" - ".join(filter(None, (of, self._text()))), flush=True)
            return
        if self._bar is None:
            from tqdm import tqdm

            form = f"{{n_fmt}}/{{total_fmt}} {{bar:{self.width}}} {{rate_fmt}}{{postfix}}"
            self._bar = tqdm(
                total=self.target,
                unit=self.unit_name,
                file=sys.stdout,
                mininterval=self.interval,
                bar_format=form if self.target is not None else None,
            )
        self._bar.set_postfix_str(self._text(), refresh=False)
        self._bar.update(steps)
        if finalize:
            self._bar.close()
            self._bar = None
