"""Speed and memory of the global forecaster on a panel of 10,000 series of 200 steps.

    python -m benchmarks.speed.panels [--source table|parquet] [--series N] [--steps N]

One epoch over all windows (horizon 7, 64 units), a forecast of all series, and of one; the peak of
memory of this process above what it had before the data was made, in multiples of the data. Run it
while nothing else runs.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from lstmcore.forecasting import GlobalForecaster


class Peak(threading.Thread):
    """The largest resident memory of the process, in bytes, looked at every few milliseconds."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.largest, self.over = resident(), False

    def run(self) -> None:
        """Look until told to stop."""
        while not self.over:
            self.largest = max(self.largest, resident())
            time.sleep(0.005)


def resident() -> int:
    """Return the resident memory of this process that is its own, not mapped from files."""
    fields = dict(
        line.split(":")
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    )
    return 1024 * int(fields["RssAnon"].split()[0])


def table(series: int, steps: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Return weekly patterns with noise, as a long table."""
    random = np.random.default_rng(seed)
    week = np.sin(2 * np.pi * np.arange(steps) / 7)
    size = np.exp(random.normal(0, 1, series))
    y = size[:, None] * (10 + 3 * week + random.normal(0, 1, (series, steps)))
    return {
        "unique_id": np.repeat(np.arange(series), steps),
        "ds": np.tile(np.datetime64("2024-01-01", "s") + 86400 * np.arange(steps), series),
        "y": y.reshape(-1),
    }


def timed(action: Any) -> tuple[Any, float]:
    """Return what a function returns, and its seconds."""
    start = time.perf_counter()
    found = action()
    return found, time.perf_counter() - start


def write(path: Path, series: int, steps: int) -> None:
    """Write the table as parquet, a thousand series at a time, in a process of its own."""
    import pyarrow
    from pyarrow import parquet

    if pid := os.fork():
        os.waitpid(pid, 0)
        return
    writer = None
    for first in range(0, series, 1000):
        part = table(min(1000, series - first), steps, first)
        part["unique_id"] = part["unique_id"] + first
        rows = pyarrow.table(part)
        writer = writer or parquet.ParquetWriter(path, rows.schema)
        writer.write_table(rows)
    assert writer is not None
    writer.close()
    os._exit(0)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", choices=("table", "parquet"), default="table")
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--windows-per-epoch", type=int)
    parser.add_argument("--json", metavar="PATH")
    args = parser.parse_args()
    model = GlobalForecaster(
        horizon=7,
        units=args.units,
        epochs=1,
        validation=0,
        batch_size=args.batch_size,
        windows_per_epoch=args.windows_per_epoch,
        random_state=0,
    )
    data_bytes = 24 * args.series * args.steps
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "panel.parquet"
        small: Any = table(20, 60)
        if args.source == "parquet":
            write(path, args.series, args.steps)
            small = path.with_name("small.parquet")
            write(small, 20, 60)
        model.unfitted().fit(small).predict()  # imports and threads
        before = resident()
        data = table(args.series, args.steps) if args.source == "table" else path
        peak = Peak()
        peak.start()
        _, epoch = timed(lambda: model.fit(data))
        _, every = timed(lambda: model.predict(level=[80]))
        one = [model.panel_.ids[0]]
        model.predict(ids=one)
        single = min(timed(lambda: model.predict(ids=one))[1] for _ in range(20))
        peak.over = True
        peak.join()
    found = {
        "series": args.series,
        "steps": args.steps,
        "data_mb": data_bytes / 1e6,
        "epoch_s": epoch,
        "predict_s": every,
        "predict_one_ms": 1000 * single,
        "peak_mb": (peak.largest - before) / 1e6,
        "peak_in_data": (peak.largest - before) / data_bytes,
        "max_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
    }
    for name, value in found.items():
        print(f"{name:16} {value:.4g}")
    if args.json:
        Path(args.json).write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
