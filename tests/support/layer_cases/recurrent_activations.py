"""LSTM, GRU and SimpleRNN with the activations that the kernels do not have."""

from . import case

X = (2, 4, 2)
LAYERS = ("LSTM", "GRU", "SimpleRNN")
# Keras's sparsemax does not add up to 1, so it is not here
NAMES = """
    celu exponential gelu hard_shrink hard_silu hard_tanh leaky_relu log_sigmoid log_softmax mish
    relu6 selu silu soft_shrink softmax softplus sparse_plus sparse_sigmoid squareplus tanh_shrink
"""
CASES = {
    name: case(LAYERS[k % 3], {"units": 2, "activation": name, "return_sequences": k % 2 == 0}, X)
    for k, name in enumerate(NAMES.split())
}
CASES |= {
    "lstm_swish": case("LSTM", {"units": 2, "activation": "swish", "return_state": True}, X),
    "lstm_gates": case("LSTM", {"units": 2, "recurrent_activation": "hard_silu"}, X),
    "gru_gates": case("GRU", {"units": 2, "recurrent_activation": "gelu", "reset_after": False}, X),
    "lstm_masked": case(
        "LSTM",
        {"units": 2, "activation": "softplus", "return_sequences": True},
        (3, 4, 2),
        lengths=[4, 2, 3],
    ),
    "gru_backwards": case(
        "GRU",
        {"units": 2, "activation": "mish", "go_backwards": True, "return_sequences": True},
        X,
    ),
    "bidirectional": case(
        "Bidirectional",
        {"merge_mode": "ave"},
        (3, 4, 2),
        inner=("LSTM", {"units": 2, "activation": "selu", "return_sequences": True}),
        lengths=[4, 2, 3],
    ),
}
