"""Convolutions, and what pads, crops and repeats steps."""

from . import case

X = (3, 8, 2)
CONV = {"filters": 4, "kernel_size": 3}
FIRST = {"data_format": "channels_first"}
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
    "depthwise": case("DepthwiseConv1D", {"kernel_size": 3, "depth_multiplier": 2}, X),
    "depthwise_strides": case(
        "DepthwiseConv1D", {"kernel_size": 3, "strides": 2, "padding": "same", "use_bias": False}, X
    ),
    "depthwise_dilated": case(
        "DepthwiseConv1D", {"kernel_size": 3, "dilation_rate": 2, "activation": "relu"}, X
    ),
    "depthwise_first": case("DepthwiseConv1D", {"kernel_size": 2, **FIRST}, (3, 2, 8)),
    "separable": case("SeparableConv1D", CONV, X),
    "separable_strides": case(
        "SeparableConv1D", {**CONV, "strides": 3, "padding": "same", "depth_multiplier": 2}, X
    ),
    "separable_dilated": case(
        "SeparableConv1D",
        {**CONV, "dilation_rate": 2, "activation": "tanh", "use_bias": False},
        X,
    ),
    "separable_first": case("SeparableConv1D", {**CONV, **FIRST}, (3, 2, 8)),
    "transpose": case("Conv1DTranspose", CONV, (2, 4, 2)),
    "transpose_strides": case("Conv1DTranspose", {**CONV, "strides": 2}, (2, 4, 2)),
    "transpose_gaps": case("Conv1DTranspose", {**CONV, "kernel_size": 2, "strides": 3}, (2, 4, 2)),
    "transpose_same": case(
        "Conv1DTranspose", {**CONV, "kernel_size": 4, "padding": "same"}, (2, 4, 2)
    ),
    "transpose_same_strides": case(
        "Conv1DTranspose",
        {**CONV, "kernel_size": 5, "strides": 2, "padding": "same", "activation": "relu"},
        (2, 4, 2),
    ),
    "transpose_same_gaps": case(
        "Conv1DTranspose", {**CONV, "kernel_size": 2, "strides": 3, "padding": "same"}, (2, 4, 2)
    ),
    "transpose_more": case(
        "Conv1DTranspose", {**CONV, "strides": 3, "output_padding": 2}, (2, 4, 2)
    ),
    "transpose_same_more": case(
        "Conv1DTranspose",
        {**CONV, "kernel_size": 4, "strides": 2, "output_padding": 1, "padding": "same"},
        (2, 4, 2),
    ),
    "transpose_same_less": case(
        "Conv1DTranspose",
        {**CONV, "kernel_size": 5, "strides": 2, "output_padding": 0, "padding": "same"},
        (2, 4, 2),
    ),
    "transpose_dilated": case(
        "Conv1DTranspose",
        {**CONV, "dilation_rate": 2, "padding": "same", "use_bias": False},
        (2, 4, 2),
    ),
    "transpose_first": case("Conv1DTranspose", {**CONV, **FIRST, "strides": 2}, (2, 2, 4)),
    "padding": case("ZeroPadding1D", {"padding": [1, 3]}, X),
    "padding_first": case("ZeroPadding1D", {"padding": 2, "data_format": "channels_first"}, X),
    "cropping": case("Cropping1D", {"cropping": [2, 1]}, X),
    "cropping_front": case("Cropping1D", {"cropping": [3, 0]}, X),
    "up_sampling": case("UpSampling1D", {"size": 3}, X),
}
