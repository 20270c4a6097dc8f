"""Draw the pictures of README.md and BENCHMARKS.md, each for light and for dark pages.

Usage: python docs/images/draw.py [--pages FOLDER]

The chart of the speed is drawn from the tables of BENCHMARKS.md; for the forecast a model is
trained here, on all but the last two weeks of the weather that comes with the library.
"""

import argparse
import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image

from lstmcore.datasets import load_seattle_weather
from lstmcore.forecasting import LSTMForecaster

mpl.use("agg")
import matplotlib.dates as mdates
import matplotlib.pyplot as plt
from matplotlib.ticker import MultipleLocator

TIMES = "\N{MULTIPLICATION SIGN}"
FOLDER = Path(__file__).resolve().parent
THEMES = {  # text, faint lines, our colour, another
    "light": ("#1f2328", "#d1d9e0", "#0a7ea4", "#c2410c"),
    "dark": ("#e6edf3", "#3d444d", "#4cc2e0", "#fb923c"),
}
NAMES = {"torch": "PyTorch", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}
NAMES["keras-jax"] = "Keras on JAX"


def tables():
    """The cases of the tables of layers: mode to a list of (case, ratio, fastest other)."""
    text = (FOLDER.parents[1] / "BENCHMARKS.md").read_text(encoding="utf-8")
    found = {}
    for mode in ("inference", "training"):
        block = text.split(f"Layer {mode}")[1].split("\n\n")[1]
        header, _, *rows = [re.split(r" *\| *", line.strip("| ")) for line in block.split("\n")]
        found[mode] = []
        for case, ours, *others, ratio in rows:
            times = dict(zip(header[2:-1], map(float, others), strict=True))
            fastest = min(times, key=times.get)
            assert abs(times[fastest] / float(ours) - float(ratio)) < 0.01, case
            found[mode].append((case, float(ratio), NAMES[fastest]))
    return found


def describe(case):
    """A case of the benchmark in words: rows by steps, inputs to units."""
    name, sizes = case.split(": ")
    batch, steps, inputs, units, *more = sizes.split(", ")
    rest = f", {', '.join(more)}" if more else ""
    return f"{name}:  {batch} {TIMES} {steps},  {inputs} → {units}{rest}"


def speed(theme):
    text, faint, ours, other = THEMES[theme]
    found = tables()
    counts = [len(rows) for rows in found.values()]
    figure, axes = plt.subplots(2, 1, figsize=(8, 5.4), height_ratios=counts, sharex=True)
    for ax, (mode, rows) in zip(axes, found.items(), strict=True):
        rows = rows[::-1]
        places, ratios = np.arange(len(rows)), [ratio for _, ratio, _ in rows]
        ax.barh(places, ratios, 0.62, color=[ours if r >= 1 else other for r in ratios])
        ax.axvline(1, color=text, linewidth=1)
        for place, (_, ratio, name) in zip(places, rows, strict=True):
            ax.text(ratio + 0.03, place, f"{ratio:.2f}  {name}", va="center", color=text, size=8)
        ax.set_yticks(places, [describe(case) for case, _, _ in rows])
        ax.set_title(mode.capitalize(), loc="left", color=text, size=10, weight="bold")
        ax.tick_params(colors=text, length=0, labelsize=8)
        ax.spines[:].set_visible(False)
        ax.xaxis.grid(True, color=faint, linewidth=0.6)
        ax.set_axisbelow(True)
        ax.set_xlim(0, 4.3)
        ax.set_xticks([0, 1, 2, 3, 4])
    axes[1].set_xlabel("time of the fastest other library / time of lstmcore", color=text, size=9)
    axes[0].text(1.02, len(axes[0].patches) - 0.35, "as fast as lstmcore", color=text, size=8)
    axes[1].text(
        0,
        -0.28,
        f"rows {TIMES} steps,  inputs → units",
        transform=axes[1].transAxes,
        ha="right",
        color=text,
        size=8,
        style="italic",
    )
    return figure


def forecast():
    """What is drawn of the weather: the days before, what was forecast, what came."""
    dates, columns = load_seattle_weather()
    ahead, before = 14, 46
    begin = len(dates) - ahead
    known = {name: column[:begin] for name, column in columns.items()}
    model = LSTMForecaster(
        target="temp_max",
        horizon=ahead,
        quantiles=(0.05, 0.25, 0.5, 0.75, 0.95),
        random_state=0,
    ).fit(known, dates[:begin])
    quantiles = model.forecast().quantiles[:, 0]
    shown = slice(begin - before, begin + ahead)
    return dates[shown], columns["temp_max"][shown], quantiles, before


def weather(theme, dates, truth, quantiles, before):
    text, faint, ours, other = THEMES[theme]
    figure, ax = plt.subplots(figsize=(8, 3.2))
    ax.plot(dates[:before], truth[:before], color=text, linewidth=1.2, label="observed")
    days = dates[before:]
    for low, high, strength, share in ((0, 4, 0.22, "90 %"), (1, 3, 0.38, "50 %")):
        ax.fill_between(
            days,
            quantiles[:, low],
            quantiles[:, high],
            color=ours,
            alpha=strength,
            linewidth=0,
            label=f"{share} interval",
        )
    ax.plot(days, quantiles[:, 2], color=ours, linewidth=2, label="forecast (median)")
    ax.plot(days, truth[before:], "o", color=other, markersize=4, label="what came")
    ax.set_ylabel("daily maximum, °C", color=text, size=9)
    title = "Two weeks of weather in Seattle, not seen in training"
    ax.set_title(title, loc="left", color=text, size=10, weight="bold", y=1.09)
    ax.xaxis.set_major_locator(mdates.DayLocator([1, 8, 15, 22]))
    ax.xaxis.set_major_formatter(mdates.DateFormatter("%-d %b"))
    ax.yaxis.set_major_locator(MultipleLocator(5))
    ax.tick_params(colors=text, length=0, labelsize=8)
    ax.spines[:].set_visible(False)
    ax.yaxis.grid(True, color=faint, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.margins(x=0.01)
    where = {"loc": "lower left", "bbox_to_anchor": (-0.01, 0.98), "borderaxespad": 0}
    ax.legend(
        **where,
        ncols=5,
        handlelength=1.6,
        frameon=False,
        labelcolor=text,
        fontsize=8,
        columnspacing=1.2,
    )
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pages", type=Path, help="also as they look on a page")
    options = parser.parse_args()
    data = forecast()
    for theme in THEMES:
        figures = {"speed": speed(theme), "forecast": weather(theme, *data)}
        for name, figure in figures.items():
            figure.tight_layout()
            file = FOLDER / f"{name}-{theme}.png"
            figure.savefig(file, dpi=150, transparent=True)
            Image.open(file).quantize(96, Image.Quantize.FASTOCTREE).save(file, optimize=True)
            print(file, file.stat().st_size)
            if options.pages:
                page = "#ffffff" if theme == "light" else "#0d1117"
                figure.savefig(options.pages / file.name, dpi=110, facecolor=page)
            plt.close(figure)


if __name__ == "__main__":
    main()
