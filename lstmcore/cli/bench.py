"""``lstmcore bench``: speed of the library on this machine."""

from __future__ import annotations

import argparse
from typing import Any

from ..config.policies import NAMES, instead_of
from ..quantization.storage import FORMATS
from .common import (
    CommandError,
    add_computing,
    add_output,
    is_silent,
    print_json,
    print_progress,
    real_number,
    table,
)

BUSY = 0.1  # share of the time without a core above which figures are unreliable


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "bench",
        help="measure the speed of layers, training and streams on this machine",
        description=(
            "Measure LSTM layers forward, and forward and backward with all gradients; steps of\n"
            "fit; and steps of a stream. They are measured in turns; a figure is the median of\n"
            "several bursts. GFLOP/s count matrix products only; % of tile is relative to the\n"
            "bare product of float numbers in L1, on as many cores as there are threads."
        ),
        epilog=(
            "examples:\n"
            "  lstmcore bench\n"
            "  lstmcore bench --threads 1 --json > one-core.json\n"
            "  LSTMCORE_ISA=avx2 lstmcore bench"
        ),
    )
    parser.set_defaults(execute=execute)
    parser.add_argument(
        "--seconds",
        metavar="S",
        type=real_number(0.1, 600),
        default=6.0,
        help="approximate duration of the measurement (default: 6)",
    )
    parser.add_argument(
        "--dtype", choices=NAMES, default="float32", help="the policy of layers (default: float32)"
    )
    parser.add_argument(
        "--weights",
        choices=FORMATS,
        help="measure inference with weights in this format, as model.quantize stores them",
    )
    add_computing(parser, seed=False)
    add_output(parser)


def execute(args: argparse.Namespace) -> None:
    """Execute the command."""
    from . import bench_run
    from .info import machine_info

    wanted = instead_of(args.dtype)
    if wanted is not None:
        raise CommandError(f"--dtype: expected {wanted}, got {args.dtype!r}")
    if args.weights and args.dtype == "float64":
        raise CommandError(f"--weights: expected layers of float32 for {args.weights}, got float64")
    about = machine_info()
    if not args.json:
        stored = f", weights in {args.weights}" if args.weights else ""
        plural = "s" * (about["threads"] > 1)
        print(f"lstmcore {about['lstmcore']} bench, {args.dtype}{stored}")
        print(f"{about['cpu']}; {about['isa']}, {about['threads']} thread{plural}", flush=True)
    print_progress(args, f"measuring for about {args.seconds:g} seconds ...")
    progress = _progress(args, bench_run.ROUNDS)
    found = bench_run.measure_all(args.seconds, args.dtype, progress, args.weights)
    if args.json:
        print_json({"machine": about, **found})
        return
    print(*_report(found), sep="\n")


def _progress(args: argparse.Namespace, rounds: int) -> Any:
    """Return a function to call after each round, with a progress bar on terminals."""
    import sys

    if is_silent(args) or not sys.stderr.isatty():
        return lambda: None
    from tqdm import tqdm

    bar = tqdm(total=rounds, unit="round", leave=False)

    def advance() -> None:
        bar.update()
        if bar.n >= rounds:
            bar.close()

    return advance


def _report(found: dict[str, Any]) -> list[str]:
    """Return the lines of the report."""
    of_kind: dict[str, list[dict[str, Any]]] = {}
    for one in found["results"]:
        of_kind.setdefault(one["kind"], []).append(one)
    lines = [f"bare tile: {found['tile_gflops']:.1f} GFLOP/s on one core"]
    titles = {
        "forward": "LSTM layer, forward: B, T, I, H",
        "train": "LSTM layer, forward and backward",
    }
    for kind, title in titles.items():
        lines += ["", *_layer_table(title, of_kind[kind])] if kind in of_kind else []
    lines += ["", *_fit_table(of_kind["fit"])] if "fit" in of_kind else []
    lines.append("")
    for one in of_kind["stream"]:
        lines.append(
            f"step of a stream, {one['name']}, {one['inputs']} numbers: "
            f"{1e6 * one['seconds']:.1f} µs, p99 {1e6 * one['p99_seconds']:.1f} µs"
        )
    if found["away"] > BUSY:
        lines += [
            "",
            f"doubtful: others had our core for {100 * found['away']:.0f} % of the time, so all is "
            "faster on a quiet machine",
        ]
    return lines


def _fit_table(results: list[dict[str, Any]]) -> list[str]:
    head = ["step of fit, Adam, batches of 32", "ms", "samples/s", "time steps/s"]
    rows = [
        [
            *(f"{one['name']}: {one['steps']} steps", f"{1e3 * one['seconds']:.2f}"),
            *(f"{one['samples_per_second']:,.0f}", f"{one['steps_per_second']:,.0f}"),
        ]
        for one in results
    ]
    return table(head, rows)


def _layer_table(title: str, results: list[dict[str, Any]]) -> list[str]:
    head = [title, "µs", "samples/s", "GFLOP/s", "% of tile"]
    rows = [
        [
            f"{one['name']}: {one['batch']}, {one['steps']}, {one['inputs']}, {one['units']}",
            f"{1e6 * one['seconds']:,.0f}",
            f"{one['samples_per_second']:,.0f}",
            f"{one['gflops']:.1f}",
            f"{100 * one['share_of_tile']:.0f}",
        ]
        for one in results
    ]
    return table(head, rows)
