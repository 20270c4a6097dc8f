"""Small data sets bundled with the package; see ``SOURCES.md`` for their sources."""

from __future__ import annotations

from importlib import resources

import numpy as np

from ..refused import install as _install

__all__ = ["load_seattle_weather"]

_install(__name__)


def load_seattle_weather() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Load four years of daily weather at Seattle-Tacoma airport.

    The figures are NOAA's (National Centers for Environmental Information, GHCN-Daily).

    Returns
    -------
    dates : ndarray of datetime64[D], shape (1461,)
        Every day from 2012-01-01 to 2015-12-31.
    columns : dict of str to ndarray of float64, shape (1461,)
        ``precipitation`` in mm, ``temp_max`` and ``temp_min`` in °C, ``wind`` in m/s.

    Examples
    --------
    >>> from lstmcore.datasets import load_seattle_weather
    >>> dates, columns = load_seattle_weather()
    >>> columns["temp_max"][:3]
    array([12.8, 10.6, 11.7])
    """
    file = resources.files(__name__).joinpath("seattle_weather.csv")
    with file.open(encoding="ascii") as lines:
        names = next(lines).strip().split(",")
        types = ["datetime64[D]", *["f8"] * (len(names) - 1)]
        table = np.loadtxt(lines, delimiter=",", dtype=list(zip(names, types, strict=True)))
    return table["date"].copy(), {name: table[name].copy() for name in names[1:]}
