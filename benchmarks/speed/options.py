"""Cost of the options of recurrent layers, relative to the same layer without the option.

    python -m benchmarks.speed.options --units 128 --only dropout

A training step is forward and backward with all gradients, packing of weights and drawing of
masks; batch 32, 100 time steps of 64 inputs. "most" is the largest acceptable ratio, if there is
one. The projected layer makes half as many outputs and has more inputs, so that its flops are those
of the plain one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from benchmarks.harness.cases import Case
from benchmarks.harness.layer_step import Step
from benchmarks.harness.turns import (
    Benchmark,
    head,
    here,
    microseconds,
    parser,
    ratio,
    row,
    take_turns,
)
from lstmcore import layers

BATCH, STEPS, INPUTS = 32, 100, 64
RATES = {"dropout": 0.2, "recurrent_dropout": 0.2}
VARIANTS = ("peephole", "NIG", "NFG", "NOG", "NIAF", "NOAF", "CIFG", "NP", "FGR")
ACTIVATIONS = ("sigmoid", "hard_sigmoid", "relu", "linear", "softsign", "elu")


class Option(NamedTuple):
    """Measured option: a layer with arguments, compared with the plain LSTM."""

    name: str
    arguments: dict[str, Any]
    most: float | None = None
    layer: str = "LSTM"
    training: bool = True
    projected: bool = False


OPTIONS = [
    Option("dropout, both", RATES, 1.1),
    Option("dropout, inputs", {"dropout": 0.2}),
    Option("dropout, predict", RATES, 1.0, training=False),
    *(
        Option(f"variant {name}", {"variant": name}, None if name == "FGR" else 1.15)
        for name in VARIANTS
    ),
    Option("layer norm", {"layer_norm": True}, 1.3),
    Option("layer norm, predict", {"layer_norm": True}, 1.3, training=False),
    Option("projection", {}, 1.1, projected=True),
    Option("projection, predict", {}, 1.1, training=False, projected=True),
    Option("zoneout h and c", {"zoneout_h": 0.1, "zoneout_c": 0.1}),
    *(Option(f"activation {name}", {"activation": name}) for name in ACTIVATIONS),
    Option("recurrent hard_sigmoid", {"recurrent_activation": "hard_sigmoid"}),
    Option("GRU", {}, layer="GRU"),
    Option("GRU, reset before", {"reset_after": False}, layer="GRU"),
    Option("SimpleRNN", {}, layer="SimpleRNN"),
]


def step(option: Option, case: Case) -> Callable[[], Any]:
    """Return the training step or the inference of a layer with these arguments."""
    make, arguments = getattr(layers, option.layer), dict(option.arguments)
    if option.projected:  # of equal flops: 4H(I + H) = 4H(I' + H/2) + H * H/2
        arguments["projection"] = case.hidden // 2
        case = replace(case, inputs=case.inputs + 3 * case.hidden // 8)
    made = Step(make(case.hidden, return_sequences=True, **arguments), case)
    made.dy = np.ascontiguousarray(made.dy[..., : arguments.get("projection", case.hidden)])
    return made.train if option.training else made.infer


def measure(option: Option, case: Case, benchmark: Benchmark, widths: tuple[int, ...]) -> None:
    """Measure a case; print a line of the table and add a record."""
    plain = Option("plain", {}, training=option.training)
    bursts = {"plain": here(step(plain, case)), "option": here(step(option, case))}
    rounds = take_turns(bursts, benchmark.args)
    medians = {name: microseconds(rounds, name) for name in bursts}
    times = ratio(rounds, "option", "plain")
    row(
        f"{option.name}, H {case.hidden}",
        f"{medians['plain']:.1f}",
        f"{medians['option']:.1f}",
        f"{times:.3f}",
        f"{option.most:.2f}" if option.most else "-",
        widths=widths,
    )
    record = {"option": option.name, "units": case.hidden, "training": option.training}
    benchmark.records.append({**record, "median_us": medians, "ratio": times, "most": option.most})


def main() -> int:
    options = parser(__doc__)
    options.add_argument("--units", type=int, nargs="+", default=[128, 64], help="(128 64)")
    options.add_argument("--only", default="", metavar="WORD", help="lines that have this word")
    options.add_argument("--steps", type=int, default=STEPS, help=f"({STEPS})")
    options.set_defaults(no_peer=True)
    args = options.parse_args()
    with ExitStack() as stack:
        benchmark = Benchmark(args, stack)
        widths = head("against the plain LSTM", "plain us", "with us", "ratio", "most")
        for units in args.units:
            case = Case("options", BATCH, args.steps, INPUTS, units)
            for option in OPTIONS:
                if args.only in option.name:
                    measure(option, case, benchmark, widths)
    return benchmark.finish()


if __name__ == "__main__":
    sys.exit(main())
