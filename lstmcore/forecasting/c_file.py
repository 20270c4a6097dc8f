"""C files of forecasters: the network, and scaling and season around it in double."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..interchange.c import write
from ..interchange.c.refusal import Refused
from ..interchange.c.source import Addition
from .network import QUANTILE
from .preparation import DIFFERENCE, FAR, Covariate, Preparation, Target, seasonal_steps

if TYPE_CHECKING:
    from .forecaster import LSTMForecaster

CALENDAR = 365  # a season of so many days is the year, which is no whole number of them


def export(forecaster: LSTMForecaster, path: str | os.PathLike[str], **options: Any) -> None:
    """Write a forecaster; see `LSTMForecaster.export`."""
    if forecaster.strategy != "direct":
        raise Refused("export: strategy='recursive' has no C form, for it draws samples")
    if forecaster.known_:
        raise Refused("export: known_future has no C form")
    if forecaster.blends_:
        chosen = ", ".join(blend.words for blend in forecaster.blends_)
        raise Refused(f"export: {chosen} has no C form: fit with method='network'")
    for name, target in zip(forecaster.targets_, forecaster.preparation_.targets, strict=True):
        if target.log:
            raise Refused(f"export: column {name!r}: log=True has no C form")
        if target.curve is not None and target.season == CALENDAR:
            raise Refused(f"export: column {name!r}: a curve of the calendar year has no C form")
    write(forecaster.model_, path, _addition(forecaster), **options)


def _addition(forecaster: LSTMForecaster) -> Addition:
    preparation, head = forecaster.preparation_, forecaster.head_
    levels = head.levels if head.kind == QUANTILE else ()
    columns, count = len(preparation.targets) + len(preparation.past), max(len(levels), 1)
    sizes = {
        "LENGTH": preparation.length,
        "COLUMNS": columns,
        "HORIZON": preparation.horizon,
        "TARGETS": len(preparation.targets),
        "LEVELS": count,
        "NEXT": forecaster.first_ + len(forecaster.columns_),
    }
    names = ", ".join((*forecaster.targets_, *forecaster.past_))
    said = ", ".join(f"{level:g}" for level in levels) or "the mean"
    return Addition(
        macros="".join(f"#define @@_{name} {size}\n" for name, size in sizes.items()),
        prototypes=f"""\
/* Forecast: read @@_LENGTH rows of @@_COLUMNS ({_comment(names)}), the newest last, write
 * @@_HORIZON rows of @@_TARGETS times @@_LEVELS numbers ({said}). `next` is the number of the
 * first step ahead, counted from the first that was fitted to: @@_NEXT behind the data that the
 * forecaster had. Return 0, or 1 for values far beyond those that it was trained on. */
int @forecast(@state *state, const double *history, int64_t next, double *y);
""",
        fields=[
            ("window", preparation.window * columns),
            ("ahead", int(forecaster.model_.output_shape[-1])),
        ],
        code=_code(
            preparation, [float(s) for s in head.shifts][: len(levels)], columns, forecaster.linear
        ),
    )


def _comment(text: str) -> str:
    return ascii(text)[1:-1].replace("*/", "* /").replace("@", "(at)")


def _code(preparation: Preparation, shifts: list[float], columns: int, whole: bool) -> str:
    """Return the function that forecasts, and those that it calls."""
    window, horizon, targets = preparation.window, preparation.horizon, preparation.targets
    count = max(len(shifts), 1)
    parts, inputs, outputs = [], [], []
    for i, target in enumerate(targets):
        parts.append(_target(i, target, preparation, columns))
        inputs.append(f"x[t * {columns} + {i}] = @input{i}(history, next, t);")
        at = f"(t * {len(targets)} + {i}) * {count}"
        outputs.append(f"@output{i}(history, next, t, state->ahead + {at}, y + {at});")
    for k, covariate in enumerate(preparation.past):
        inputs.append(_covariate(len(targets) + k, covariate, preparation, columns))
    parts.append(_quantiles(shifts) if shifts else _MEAN)
    feed = f"@feed(state, x, {window}, state->ahead);"
    predict = f"@predict(state, x, {window}, state->ahead);"
    body = [
        f"for (int t = 0; t < {window}; t++) {{",
        *(f"    {line}" for line in inputs),
        "}",
        f"for (int t = 0; t < {window * columns}; t++)",
        f"    if (!(x[t] < {FAR}f && x[t] > -{FAR}f)) return 1;",
        *([predict] if whole else ["@reset(state);", feed]),
        f"for (int t = 0; t < {horizon}; t++) {{",
        *(f"    {line}" for line in outputs),
        "}",
    ]
    head = "int @forecast(@state *state, const double *history, int64_t next, double *y) {"
    lines = [head, "    float *const x = state->window;", *(f"    {line}" for line in body)]
    return "\n".join([parts[-1], *parts[:-1], *lines, "    (void)next;", "    return 0;", "}", ""])


_MEAN = """\
static void @level(const float *from, double spread, double anchor, double std, double mean,
                   double ahead, double *y) {
    y[0] = ((double)from[0] * spread + anchor) * std + mean + ahead;
}
"""


def _quantiles(shifts: list[float]) -> str:
    """Return C that makes rising quantiles of the network's outputs; as `Head.at` does it."""
    n = len(shifts)
    return f"""\
static const double @shifts[{n}] @@_SECTION = {_array(shifts)};

static void @sort(double *q) {{
    for (int i = 1; i < {n}; i++)
        for (int j = i; j > 0 && q[j] < q[j - 1]; j--) {{
            const double larger = q[j - 1];
            q[j - 1] = q[j];
            q[j] = larger;
        }}
}}

static void @level(const float *from, double spread, double anchor, double std, double mean,
                   double ahead, double *y) {{
    double q[{n}];
    for (int i = 0; i < {n}; i++) q[i] = from[i];
    @sort(q);
    for (int i = 0; i < {n}; i++) q[i] += @shifts[i];
    @sort(q);
    for (int i = 0; i < {n}; i++) {{
        const double value = i ? q[i - 1] + (q[i] - q[i - 1]) : q[0];
        y[i] = (value * spread + anchor) * std + mean + ahead;
    }}
}}
"""


def _target(i: int, target: Target, preparation: Preparation, columns: int) -> str:
    """Return functions of a target: its network's input at a step, and its forecast."""
    window, length, horizon = preparation.window, preparation.length, preparation.horizon
    value = f"history[(t + {length - window}) * {columns} + {i}]"
    constants = {"slope": target.slope, "shift": target.shift, "spread": target.spread}
    text, before, ahead = "", "", "0.0"
    if target.adjust == DIFFERENCE:
        before = f" - history[(t + {length - window - target.season}) * {columns} + {i}]"
        back = length + seasonal_steps(horizon, target.season)
        rows = ", ".join(str(int(row)) for row in back)
        ahead = f"history[@back{i}[t] * {columns} + {i}]"
        text = f"static const int @back{i}[{horizon}] @@_SECTION = {{{rows}}};\n"
    elif target.curve is not None:
        season = target.season
        constants["curve"] = target.curve.at(np.arange(season))
        before = f" - @curve{i}[(int)(((next + t - {window}) % {season} + {season}) % {season})]"
        ahead = f"@curve{i}[(int)(((next + t) % {season} + {season}) % {season})]"
    text += "".join(
        f"static const double @{name}{i}[{len(data)}] @@_SECTION = {_array(data)};\n"
        for name, data in constants.items()
    )
    scale = target.scale
    z, last = f"@z{i}(history, next, t)", f"@z{i}(history, next, {window - 1})"
    given = f"({z} - {last}) / {_number(target.spread.mean())}" if target.relative else z
    return f"""\
{text}
static double @z{i}(const double *history, int64_t next, int t) {{
    (void)next;
    return ({value}{before} - {_number(scale.mean)}) / {_number(scale.std)};
}}

static float @input{i}(const double *history, int64_t next, int t) {{
    return (float)({given});
}}

static void @output{i}(const double *history, int64_t next, int t, const float *from, double *y) {{
    const double anchor = {last} * @slope{i}[t] + @shift{i}[t];
    @level(from, @spread{i}[t], anchor, {_number(scale.std)}, {_number(scale.mean)}, {ahead}, y);
}}
"""


def _covariate(i: int, covariate: Covariate, preparation: Preparation, columns: int) -> str:
    """Return the line that scales a column that is known up to now."""
    start, scale = preparation.length - preparation.window, covariate.scale

    def scaled(row: str) -> str:
        value = f"history[{row} * {columns} + {i}]"
        return f"({value} - {_number(scale.mean)}) / {_number(scale.std)}"

    z = scaled(f"(t + {start})")
    z = f"{z} - {scaled(str(preparation.length - 1))}" if covariate.relative else z
    return f"x[t * {columns} + {i}] = (float)({z});"


def _number(x: Any) -> str:
    """Return a double as a C literal, exactly."""
    text = float(x).hex()
    return f"({text})" if text.startswith("-") else text


def _array(numbers: Iterable[Any]) -> str:
    return "{" + ", ".join(float(x).hex() for x in numbers) + "}"
