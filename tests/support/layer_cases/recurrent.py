"""LSTM, GRU, SimpleRNN, Bidirectional, Dense, Embedding."""

from . import case

X = (3, 6, 2)
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
