"""Normalizations."""

from . import case

X, FLAT = (3, 6, 4), (5, 4)
BATCH = {"momentum": 0.8}
TRAINING = {"training": True}

CASES = {
    "layer": case("LayerNormalization", {}, X),
    "layer_flat": case("LayerNormalization", {"epsilon": 1e-5, "center": False}, FLAT),
    "layer_axis": case("LayerNormalization", {"axis": 1, "scale": False}, X),
    "layer_axes": case("LayerNormalization", {"axis": [1, 2]}, X),
    "layer_bare": case("LayerNormalization", {"center": False, "scale": False}, X),
    "layer_four": case("LayerNormalization", {"axis": [1, 3]}, (2, 3, 2, 4)),
    "batch": case("BatchNormalization", BATCH, X, **TRAINING),
    "batch_inference": case("BatchNormalization", BATCH, X),
    "batch_flat": case("BatchNormalization", {"scale": False}, FLAT, **TRAINING),
    "batch_axis": case("BatchNormalization", {"axis": 1, "center": False}, X, **TRAINING),
    "batch_axis_inference": case("BatchNormalization", {"axis": 1}, X),
    "batch_bare": case(
        "BatchNormalization", {"scale": False, "center": False, "epsilon": 0.1}, X, **TRAINING
    ),
    "batch_masked": case("BatchNormalization", BATCH, X, lengths=[6, 1, 3], **TRAINING),
    "batch_masked_inference": case("BatchNormalization", BATCH, X, lengths=[6, 1, 3]),
    "batch_masked_axis": case("BatchNormalization", {"axis": 1}, X, lengths=[6, 1, 3], **TRAINING),
    "batch_frozen": case("BatchNormalization", {"trainable": False}, X, **TRAINING),
    "group": case("GroupNormalization", {"groups": 2}, X),
    "group_flat": case("GroupNormalization", {"groups": 2, "center": False}, FLAT),
    "group_axis": case("GroupNormalization", {"groups": 3, "axis": 1, "scale": False}, X),
    "group_axis_back": case("GroupNormalization", {"groups": 2, "axis": -2}, (2, 4, 3)),
    "group_one": case("GroupNormalization", {"groups": 1, "epsilon": 0.1}, (2, 3, 2, 4)),
    "group_each": case("GroupNormalization", {"groups": -1}, X),
    "rms": case("RMSNormalization", {}, X),
    "rms_flat": case("RMSNormalization", {"epsilon": 0.1}, FLAT),
    "rms_axes": case("RMSNormalization", {"axis": [1, 2]}, X),
    "spectral": case("SpectralNormalization", {}, FLAT, inner=("Dense", {"units": 3}), **TRAINING),
    "spectral_conv": case(
        "SpectralNormalization",
        {"power_iterations": 3},
        (2, 5, 2),
        inner=("Conv1D", {"filters": 3, "kernel_size": 2}),
        **TRAINING,
    ),
    "unit": case("UnitNormalization", {}, X),
    "unit_axis": case("UnitNormalization", {"axis": 1}, X),
    "unit_axes": case("UnitNormalization", {"axis": [1, 2]}, X),
}
