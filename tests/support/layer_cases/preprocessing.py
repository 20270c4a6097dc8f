"""Rescaling, and Normalization with numbers that are given."""

from . import case

X = (3, 5, 2)
MEAN, VARIANCE = [0.3, -0.2], [0.5, 4.0]
SIGNAL = (2, 14, 2)
FRAMES = {"frame_length": 6, "frame_step": 4}
CASES = {
    **{
        f"stft_{mode}": case("STFTSpectrogram", {"mode": mode, **FRAMES}, SIGNAL)
        for mode in ("log", "magnitude", "psd", "real", "imag", "angle", "stft")
    },
    "stft_same": case(
        "STFTSpectrogram", {**FRAMES, "padding": "same", "window": "hamming"}, SIGNAL
    ),
    "stft_expanded": case(
        "STFTSpectrogram",
        {"mode": "stft", **FRAMES, "expand_dims": True, "scaling": "spectrum", "periodic": True},
        SIGNAL,
    ),
    "stft_first": case(
        "STFTSpectrogram",
        {"mode": "psd", **FRAMES, "fft_length": 16, "data_format": "channels_first"},
        (2, 2, 14),
    ),
    "stft_first_expanded": case(
        "STFTSpectrogram",
        {"frame_length": 7, "window": None, "expand_dims": True, "data_format": "channels_first"},
        (2, 2, 14),
    ),
    "rescaling": case("Rescaling", {"scale": 2.5, "offset": -1.0}, X),
    "rescaling_each": case("Rescaling", {"scale": [2.5, 0.1], "offset": [0.0, -1.0]}, X),
    "normalization": case("Normalization", {"mean": MEAN, "variance": VARIANCE}, X),
    "normalization_back": case(
        "Normalization", {"mean": MEAN, "variance": VARIANCE, "invert": True}, X
    ),
    "normalization_one": case("Normalization", {"axis": None, "mean": 0.3, "variance": 2.0}, X),
    "normalization_zero": case("Normalization", {"mean": 0.25, "variance": 1.0}, X),
    "normalization_axes": case(
        "Normalization",
        {"axis": [1, -1], "mean": [[0.1, 0.2]] * 5, "variance": [[0.5, 1.5]] * 5},
        X,
    ),
}
