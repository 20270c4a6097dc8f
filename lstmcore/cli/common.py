"""Shared parts of the commands: options, input and output, errors of one line.

``--help`` imports this module, so its top level imports nothing slow.
"""

from __future__ import annotations

import argparse
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

from .errors import CommandError as CommandError
from .errors import Interrupted as Interrupted

LARGEST = 2**31 - 1
MODEL_SUFFIX = ".safetensors"


class Parser(argparse.ArgumentParser):
    """ArgumentParser with errors of one line."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **kwargs)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {' '.join(message.split())} (see {self.prog} --help)\n")


# --- types of options ----------------------------------------------------------------------------


def whole_number(low: int, high: int = LARGEST) -> Callable[[str], int]:
    """Return the type of an option: an integer from `low` to `high`."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(
                f"expected a whole number from {low} to {high}, got {text!r}"
            )
        return number

    return parse


def real_number(
    low: float = -math.inf, high: float = math.inf, *, open_low: bool = False
) -> Callable[[str], float]:
    """Return the type of an option: a number from `low`, exclusive if `open_low`, to `high`."""
    if open_low:
        span = f"above {low:g}" + (f", up to {high:g}" if high < math.inf else "")
    elif high < math.inf:
        span = f"from {low:g} to {high:g}"
    else:
        span = f"of at least {low:g}" if low > -math.inf else "like 0.5"

    def parse(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        inside = (
            math.isfinite(number) and low <= number <= high and not (open_low and number == low)
        )
        if not inside:
            raise argparse.ArgumentTypeError(f"expected a number {span}, got {text!r}")
        return number

    return parse


def names(text: str) -> list[str]:
    """Parse an option's value: names separated by commas."""
    found = [name.strip() for name in text.split(",")]
    if not all(found):
        raise argparse.ArgumentTypeError(f"expected names like a,b,c, got {text!r}")
    return found


def season(text: str) -> int:
    """Parse an option's value: steps in a season, 0 for none."""
    number = whole_number(0)(text)
    if number == 1:
        raise argparse.ArgumentTypeError("expected 0 for none, or 2 steps or more, got '1'")
    return number


# --- groups of options ---------------------------------------------------------------------------


def add_computing(parser: argparse.ArgumentParser, *, seed: bool = True) -> None:
    """Add ``--seed`` and ``--threads``; `main` sets both before the command runs."""
    if seed:
        parser.add_argument(
            *("--seed",),
            metavar="N",
            type=whole_number(0, 2**32 - 1),
            default=0,
            help="seed of all random numbers (default: 0)",
        )
    parser.add_argument(
        *("--threads",),
        metavar="N",
        type=whole_number(1, 4096),
        help="threads to compute on (default: all cores that may be used)",
    )


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add ``--json`` and ``--quiet``; see `is_silent`."""
    add = parser.add_argument
    add("--json", action="store_true", help="print the result as JSON, and nothing else")
    add("-q", "--quiet", action="store_true", help="print the result without the progress")


def add_plot(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """Add ``--plot``, and ``--no-plot`` if there is a plot by default; see `plot_path`."""
    plot = parser.add_mutually_exclusive_group()
    usual = f" (default: {default})" if default else ""
    plot.add_argument("--plot", metavar="PATH", help=f".png, .pdf or .svg{usual}")
    if default:
        plot.add_argument("--no-plot", action="store_true", help="write no plot")


@contextmanager
def computing(args: argparse.Namespace) -> Iterator[None]:
    """Set the seed and, during the block, the number of threads from `add_computing`'s options."""
    from .. import _core
    from ..random.generator import set_random_seed

    if getattr(args, "seed", None) is not None:
        set_random_seed(args.seed)
    before, wanted = _core.get_num_threads(), getattr(args, "threads", None)
    if wanted is not None:
        _core.set_num_threads(wanted)
    try:
        yield
    finally:
        if wanted is not None:
            _core.set_num_threads(before)


def is_silent(args: argparse.Namespace) -> bool:
    """Return True if the options of `add_output` suppress progress."""
    return bool(args.json or args.quiet)


def verbose(args: argparse.Namespace) -> Any:
    """Return the `verbose` argument of `fit` and similar methods."""
    return 0 if is_silent(args) else "auto"


def print_progress(args: argparse.Namespace, *lines: str) -> None:
    """Print lines of progress unless `is_silent`."""
    if not is_silent(args):
        print(*lines, sep="\n", flush=True)


# --- output --------------------------------------------------------------------------------------


def print_json(value: Any) -> None:
    """Print a value as JSON, with arrays as lists, and NaN and infinity as null."""
    print(json.dumps(_plain(value), indent=2, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if hasattr(value, "tolist"):  # a NumPy array or scalar
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def need(module: str, extra: str, what: str) -> None:
    """Raise CommandError unless a module of an extra is installed.

    Parameters
    ----------
    module, extra : str
        As in ``need("optuna", "tuner", "tune")``.
    what : str
        The command or option that needs it, for the message.
    """
    if find_spec(module) is None:
        raise CommandError(f"{what} needs {module}: pip install lstmcore[{extra}]")


def plot_path(args: argparse.Namespace, default: str | None = None) -> str | None:
    """Return the checked path of the plot, or None to write none."""
    if getattr(args, "no_plot", False):
        return None
    if args.plot is None and (default is None or find_spec("matplotlib") is None):
        return None
    need("matplotlib", "plot", "--plot")
    from ..plotting import FORMATS

    path = Path(args.plot or default or "")
    if path.suffix.lower() not in FORMATS:
        raise CommandError(f"--plot {path}: the name must end in {', '.join(FORMATS)}")
    or_not = ", or --no-plot" if hasattr(args, "no_plot") else ""
    return writable(path, f"give another --plot PATH{or_not}")


def writable(path: str | os.PathLike[str], advice: str) -> str:
    """Return the path of a file to write; raise CommandError with advice if it is not writable."""
    path = Path(path)
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise CommandError(f"{path} cannot be written; {advice}")
    return str(path)


# --- model files ---------------------------------------------------------------------------------


def model_path(path: str | os.PathLike[str], option: str = "--model") -> str:
    """Return the checked path of a model file to write."""
    if Path(path).suffix.lower() != MODEL_SUFFIX:
        raise CommandError(f"{option} {path}: the name must end in {MODEL_SUFFIX}")
    return writable(path, f"give another {option} PATH")


def read_model(path: str | os.PathLike[str]) -> Any:
    """Read a model file.

    Raises
    ------
    CommandError
        If the file is missing, or no model can be read from it.
    """
    from ..saving import load_model

    if not os.path.isfile(path):
        raise CommandError(f"{path} is no file; give the path of a model that was saved")
    try:
        return load_model(path)
    except (ValueError, OSError) as error:
        raise CommandError(str(error)) from None


# --- Ctrl-C --------------------------------------------------------------------------------------


def best_model_callback(
    save: Callable[[], object] | None,
    path: str | os.PathLike[str] | None = None,
    monitor: str | None = None,
    mode: str = "auto",
) -> Any:
    """Return a callback for `fit`, and context manager around it, for the best model so far.

    `save` is called after every epoch that is the best so far, so the file has the best model
    however the command ends. At the end of the `with` block, also after Ctrl-C, the weights of that
    epoch are restored; the block may contain several calls of `fit`. Ctrl-C becomes `Interrupted`
    with a message that says what was saved. A model interrupted in its first epoch is saved as it
    is if it has made a training step.

    Parameters
    ----------
    save : callable or None
        Writes the current model to its file: ``lambda: model.save(path)``. None for no file.
    path : path-like, optional
        The file, for the message.
    monitor : str, optional
        The quantity to compare; by default ``"val_loss"`` if logged, otherwise ``"loss"``.
    mode : {"auto", "min", "max"}, default "auto"
        The direction in which the quantity is better.

    Examples
    --------
    ::

        with best_model_callback(lambda: model.save(args.model), args.model) as best_model:
            model.fit(x, y, callbacks=[best_model], verbose=verbose(args))
    """
    from .best_model import BestModelCallback

    return BestModelCallback(save, path, monitor, mode)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Return the lines of a table: first column aligned left, the others right."""
    lines = [list(head), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            f"{cell:>{width}}" if i else f"{cell:<{width}}"
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
