"""Conv1D, and what pads, crops and repeats steps."""

from . import case

X = (3, 8, 2)
CONV = {"filters": 4, "kernel_size": 3}
CASES = {
    "conv": case("Conv1D", CONV, X),
    "conv_tanh": case("Conv1D", {**CONV, "activation": "tanh", "use_bias": False}, X),
    "conv_strides": case("Conv1D", {**CONV, "strides": 2}, X),
    "conv_gaps": case("Conv1D", {**CONV, "kernel_size": 1, "strides": 3}, X),
    "conv_same": case("Conv1D", {**CONV, "kernel_size": 4, "padding": "same"}, X),
    "conv_same_strides": case("Conv1D", {**CONV, "strides": 3, "padding": "same"}, X),
    "conv_same_dilated": case("Conv1D", {**CONV, "dilation_rate": 3, "padding": "same"}, X),
    "conv_causal": case("Conv1D", {**CONV, "padding": "causal", "activation": "relu"}, X),
    "conv_causal_dilated": case("Conv1D", {**CONV, "dilation_rate": 2, "padding": "causal"}, X),
    "conv_causal_strides": case("Conv1D", {**CONV, "strides": 2, "padding": "causal"}, X),
    "conv_dilated": case("Conv1D", {**CONV, "dilation_rate": 2}, X),
    "conv_groups": case("Conv1D", {**CONV, "groups": 2, "filters": 6}, (2, 6, 4)),
    "conv_first": case("Conv1D", {**CONV, "data_format": "channels_first"}, (3, 2, 8)),
    "padding": case("ZeroPadding1D", {"padding": [1, 3]}, X),
    "padding_first": case("ZeroPadding1D", {"padding": 2, "data_format": "channels_first"}, X),
    "cropping": case("Cropping1D", {"cropping": [2, 1]}, X),
    "cropping_front": case("Cropping1D", {"cropping": [3, 0]}, X),
    "up_sampling": case("UpSampling1D", {"size": 3}, X),
}
