"""Dense, EinsumDense, activations as layers, reshaping."""

from . import case

X, FLAT, DEEP = (3, 5, 4), (4, 6), (2, 3, 4, 2)
CASES = {
    "dense_flat": case("Dense", {"units": 3}, FLAT),
    "dense_deep": case("Dense", {"units": 3, "activation": "softmax"}, DEEP),
    "dense_no_bias": case("Dense", {"units": 2, "use_bias": False, "activation": "elu"}, X),
    "einsum": case(
        "EinsumDense",
        {"equation": "abc,cd->abd", "output_shape": [None, 3], "bias_axes": "d"},
        (2, 3, 4),
    ),
    "einsum_before": case(
        "EinsumDense",
        {"equation": "...x,xyz->...yz", "output_shape": [3, 2], "bias_axes": "yz"},
        (2, 3, 4),
    ),
    "einsum_after": case(
        "EinsumDense",
        {"equation": "ab...,bc->ac...", "output_shape": 3, "bias_axes": "c", "activation": "tanh"},
        (2, 3, 4),
    ),
    "einsum_shared": case(
        "EinsumDense",
        {"equation": "abc,bdc->adb", "output_shape": [2, 3], "bias_axes": "d"},
        (2, 3, 4),
    ),
    "einsum_summed": case(
        "EinsumDense", {"equation": "abc,cd->ad", "output_shape": [3]}, (3, 2, 4)
    ),
    "activation": case("Activation", {"activation": "sigmoid"}, X),
    "activation_softmax": case("Activation", {"activation": "softmax"}, X),
    "activation_linear": case("Activation", {"activation": "linear"}, FLAT),
    "relu": case("ReLU", {}, X),
    "relu_options": case("ReLU", {"max_value": 0.5, "negative_slope": 0.2, "threshold": 0.1}, X),
    "relu_max": case("ReLU", {"max_value": 0.4}, X),
    "leaky_relu": case("LeakyReLU", {}, X),
    "leaky_relu_slope": case("LeakyReLU", {"negative_slope": 0.7}, FLAT),
    "elu": case("ELU", {}, X),
    "elu_alpha": case("ELU", {"alpha": 0.3}, X),
    "prelu": case("PReLU", {}, X),
    "prelu_shared": case("PReLU", {"shared_axes": [1]}, X),
    "prelu_shared_two": case("PReLU", {"shared_axes": [1, 3]}, DEEP),
    "softmax": case("Softmax", {}, X),
    "softmax_time": case("Softmax", {"axis": 1}, X),
    "softmax_both": case("Softmax", {"axis": [1, 2]}, X),
    "flatten": case("Flatten", {}, DEEP),
    "flatten_one": case("Flatten", {}, (5,)),
    "flatten_first": case("Flatten", {"data_format": "channels_first"}, DEEP),
    "reshape": case("Reshape", {"target_shape": [2, 10]}, X),
    "reshape_open": case("Reshape", {"target_shape": [4, -1, 2]}, DEEP),
    "permute": case("Permute", {"dims": [2, 1]}, X),
    "permute_three": case("Permute", {"dims": [3, 1, 2]}, DEEP),
    "repeat_vector": case("RepeatVector", {"n": 3}, FLAT),
}
