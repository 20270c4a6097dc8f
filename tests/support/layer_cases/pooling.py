"""Pooling over time."""

from . import case

X = (3, 7, 2)
CASES = {
    "max": case("MaxPooling1D", {"pool_size": 2}, X),
    "max_strides": case("MaxPooling1D", {"pool_size": 3, "strides": 2}, X),
    "max_gaps": case("MaxPooling1D", {"pool_size": 2, "strides": 3}, X),
    "max_same": case("MaxPooling1D", {"pool_size": 4, "strides": 2, "padding": "same"}, X),
    "max_first": case("MaxPooling1D", {"pool_size": 3, "data_format": "channels_first"}, X[::-1]),
    "average": case("AveragePooling1D", {"pool_size": 2}, X),
    "average_strides": case("AveragePooling1D", {"pool_size": 3, "strides": 2}, X),
    "average_same": case("AveragePooling1D", {"pool_size": 4, "strides": 2, "padding": "same"}, X),
    "average_first": case(
        "AveragePooling1D", {"pool_size": 3, "data_format": "channels_first"}, X[::-1]
    ),
    "adaptive_max": case("AdaptiveMaxPooling1D", {"output_size": 3}, X),
    "adaptive_max_more": case("AdaptiveMaxPooling1D", {"output_size": 5}, (2, 3, 2)),
    "adaptive_average": case("AdaptiveAveragePooling1D", {"output_size": 3}, X),
    "adaptive_average_more": case("AdaptiveAveragePooling1D", {"output_size": 5}, (2, 3, 2)),
    "adaptive_average_first": case(
        "AdaptiveAveragePooling1D", {"output_size": [4], "data_format": "channels_first"}, X[::-1]
    ),
    "global_max": case("GlobalMaxPooling1D", {}, X),
    "global_max_kept": case("GlobalMaxPooling1D", {"keepdims": True}, X),
    "global_average": case("GlobalAveragePooling1D", {}, X),
    "global_average_masked": case("GlobalAveragePooling1D", {}, X, lengths=[7, 1, 4]),
    "global_average_first": case(
        "GlobalAveragePooling1D", {"data_format": "channels_first", "keepdims": True}, X
    ),
}
