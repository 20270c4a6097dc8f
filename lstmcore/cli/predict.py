"""``lstmcore predict``: outputs of a model for all rows of a file, or for a share of them."""

from __future__ import annotations

import argparse
import os
import re
import time
from math import prod
from pathlib import Path
from typing import Any

from .common import CommandError, add_computing, add_output, print_json, read_model, whole_number

FORMATS = (".npy", ".csv", ".parquet")


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "predict",
        help="outputs of a model for the rows of a file, or for a share of them",
        description=(
            "Compute a model's outputs for every row of IN, in order, and write them to OUT: .npy, "
            ".csv\nor .parquet each. The columns of a table are a row's numbers, in the order of "
            "the model's\ninput: steps, and the features of each step."
        ),
        epilog=(
            "examples:\n"
            "  lstmcore predict model.safetensors rows.npy outputs.npy\n"
            "  lstmcore predict model.safetensors rows.npy outputs.npy --shard 3/8\n"
            "With --shard 3/8 the third of eight shares of the rows goes to outputs.3of8.npy. A "
            "share that\nis there already is not computed again: the same command goes on after "
            "an interruption."
        ),
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("model", metavar="MODEL", help="a file of a model")
    parser.add_argument("source", metavar="IN", help="its rows: .npy, .csv or .parquet")
    parser.add_argument("target", metavar="OUT", help="the file to write: .npy, .csv or .parquet")
    parser.add_argument("--shard", metavar="I/N", type=_shard, help="compute one of N shares alone")
    parser.add_argument("--again", action="store_true", help="compute also what is there already")
    parser.add_argument(
        "--batch-size", metavar="N", type=whole_number(1), default=256, help="(default: 256)"
    )
    add_computing(parser, seed=False)
    add_output(parser)


def _shard(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise argparse.ArgumentTypeError(f"expected I/N such as 3/8, from 1/8 to 8/8, got {text!r}")
    return int(match[1]), int(match[2])


def share_of(count: int, shard: tuple[int, int]) -> slice:
    """Return the rows of one of N contiguous shares; the first ones have a row more."""
    i, n = shard
    least, more = divmod(count, n)
    start = (i - 1) * least + min(i - 1, more)
    return slice(start, start + least + (i <= more))


def execute(args: argparse.Namespace) -> None:
    """Execute the command."""
    for path in (args.source, args.target):
        if Path(path).suffix.lower() not in FORMATS:
            raise CommandError(f"{path}: expected a name that ends in {', '.join(FORMATS)}")
    target = Path(args.target)
    if args.shard:
        target = target.with_suffix(".{}of{}{}".format(*args.shard, target.suffix))
    said = {"model": args.model, "input": args.source, "output": str(target)}
    if args.shard and target.exists() and not args.again:
        _say(args, {**said, "rows": None}, f"{target} is there already; --again computes it anew")
        return
    model = read_model(args.model)
    rows = _read(Path(args.source), model)
    if args.shard:
        rows = rows[share_of(len(rows), args.shard)]
    begin = time.perf_counter()
    found = _predict(model, rows, args)
    seconds = time.perf_counter() - begin
    _write(target, found)
    text = f"{target}: {len(rows)} rows, {seconds:.2f} s"
    _say(args, {**said, "rows": len(rows), "seconds": seconds}, text)


def _say(args: argparse.Namespace, values: dict[str, Any], text: str) -> None:
    print_json(values) if args.json else print(text)


def _predict(model: Any, rows: Any, args: argparse.Namespace) -> Any:
    import numpy as np

    try:
        if not len(rows):  # more shares than rows
            first = model.predict(np.zeros((1, *rows.shape[1:]), rows.dtype), verbose=0)
            return np.asarray(first)[:0]
        return model.predict(rows, batch_size=args.batch_size, verbose=0)
    except ValueError as error:
        raise CommandError(f"{args.source}: {error}") from None


def _read(path: Path, model: Any) -> Any:
    """Return the rows of a file in the form of the model's input."""
    import numpy as np

    from ..data import read_table

    if not hasattr(model, "input_shape") or isinstance(model.input_shape, list | dict):
        raise CommandError("predict: expected a network of one input; classify has its own command")
    if path.suffix.lower() == ".npy":
        try:
            return np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise CommandError(f"{path} cannot be read: {error}") from None
    table = read_table(path)
    rows = np.stack([table.numbers(name) for name in table.header], axis=1)
    steps, *features = model.input_shape[1:]
    size = prod(features) if features else 1
    if rows.shape[1] % size or (steps is not None and rows.shape[1] != steps * size):
        raise CommandError(
            f"{path} has {rows.shape[1]} columns; expected as many as the model's input "
            f"{model.input_shape[1:]} has numbers"
        )
    return rows.reshape(len(rows), -1, *features).astype(np.float32 if features else np.int64)


def _write(path: Path, found: Any) -> None:
    """Write outputs; a file has its name only when it is whole."""
    import numpy as np

    from ..saving.atomic import atomic_write

    flat = np.asarray(found).reshape(len(found), -1)
    names = [f"output_{i}" for i in range(flat.shape[1])]
    kind = path.suffix.lower()
    os.makedirs(path.parent, exist_ok=True)
    with atomic_write(path) as file:
        if kind == ".npy":
            np.save(file, found)
        elif kind == ".csv":
            lines = (",".join(map(str, row.tolist())) for row in flat)
            file.write((",".join(names) + "\n" + "".join(f"{line}\n" for line in lines)).encode())
        else:
            _write_parquet(file, names, flat)


def _write_parquet(file: Any, names: list[str], flat: Any) -> None:
    try:
        from pyarrow import parquet, table
    except ImportError:
        raise CommandError("Parquet files need pyarrow: pip install lstmcore[tables]") from None
    parquet.write_table(table(dict(zip(names, flat.T, strict=True))), file)
