"""LSTM, GRU, SimpleRNN, ConvLSTM1D, Bidirectional, Dense, Embedding."""

from . import case

X, FRAMES = (3, 6, 2), (2, 3, 5, 2)
CONV = {"filters": 2, "kernel_size": 2}
CASES = {
    "lstm": case("LSTM", {"units": 3}, X),
    "lstm_sequences": case("LSTM", {"units": 3, "return_sequences": True}, X),
    "lstm_states": case("LSTM", {"units": 3, "return_state": True}, X),
    "lstm_masked": case("LSTM", {"units": 3, "return_sequences": True}, X, lengths=[6, 3, 4]),
    "lstm_relu": case("LSTM", {"units": 3, "activation": "relu"}, X),
    "lstm_backwards": case("LSTM", {"units": 3, "go_backwards": True, "use_bias": False}, X),
    "gru": case("GRU", {"units": 3, "return_sequences": True}, X),
    "gru_before": case("GRU", {"units": 3, "reset_after": False}, X),
    "simple_rnn": case("SimpleRNN", {"units": 3, "return_sequences": True}, X),
    "conv_lstm": case("ConvLSTM1D", CONV, FRAMES),
    "conv_lstm_sequences": case(
        "ConvLSTM1D",
        {**CONV, "kernel_size": 3, "strides": 2, "padding": "same", "return_sequences": True},
        FRAMES,
    ),
    "conv_lstm_states": case(
        "ConvLSTM1D",
        {**CONV, "dilation_rate": 2, "activation": "elu", "return_state": True},
        FRAMES,
    ),
    "conv_lstm_backwards": case(
        "ConvLSTM1D",
        {**CONV, "go_backwards": True, "use_bias": False, "recurrent_activation": "hard_sigmoid"},
        FRAMES,
    ),
    "conv_lstm_first": case(
        "ConvLSTM1D",
        {**CONV, "data_format": "channels_first", "return_sequences": True},
        (2, 3, 2, 5),
    ),
    "conv_lstm_both_ways": case(
        "Bidirectional",
        {},
        FRAMES,
        inner=("ConvLSTM1D", {**CONV, "padding": "same", "return_sequences": True}),
    ),
    "bidirectional": case("Bidirectional", {}, X, inner=("LSTM", {"units": 2})),
    "bidirectional_sum": case(
        "Bidirectional",
        {"merge_mode": "sum"},
        X,
        inner=("GRU", {"units": 2, "return_sequences": True}),
        lengths=[6, 3, 4],
    ),
    "dense": case("Dense", {"units": 4, "activation": "tanh"}, X),
    "embedding": case("Embedding", {"input_dim": 7, "output_dim": 3}, (3, 5), below=7),
}
