"""Mel spectrograms of a signal by formula, as Keras and the library compute them."""

import numpy as np
from formulas import wave

SMALL = {"fft_length": 32, "sequence_stride": 12, "sampling_rate": 4000, "num_mel_bins": 5}
CASES = {
    "decibels": SMALL,
    "floor": {**SMALL, "top_db": 6.0, "ref_power": 0.2, "num_mel_bins": 4},
    "power": {**SMALL, "power_to_db": False},
    "magnitude": {**SMALL, "power_to_db": False, "mag_exp": 1.0, "window": "hamming"},
    "window": {**SMALL, "sequence_length": 21, "min_freq": 100.0, "max_freq": 1500.0},
    "bare": {**SMALL, "window": None, "fft_length": 31, "sequence_length": 31},
}


def signal_of(name):
    """One signal, for what Keras takes the greatest of, it takes of a whole batch."""
    return wave((1, 100), 0.9 + 0.1 * len(name)) + 0.1 * np.cos(np.arange(100.0))
