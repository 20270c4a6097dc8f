"""One layer at every step."""

from . import case

X, DEEP, DEEPER = (3, 4, 2), (2, 3, 4, 2), (2, 3, 2, 2, 3)


def at_every_step(layer, config, shape, **more):
    return case("TimeDistributed", {}, shape, inner=(layer, config), **more)


CASES = {
    "dense": at_every_step("Dense", {"units": 3, "activation": "tanh"}, X),
    "dense_masked": at_every_step("Dense", {"units": 3}, X, lengths=[4, 0, 2]),
    "dense_deep": at_every_step("Dense", {"units": 3}, DEEPER),
    "activation": at_every_step("Activation", {"activation": "softmax"}, DEEP),
    "flatten": at_every_step("Flatten", {}, DEEPER),
    "reshape": at_every_step("Reshape", {"target_shape": [2, -1]}, DEEP),
    "prelu": at_every_step("PReLU", {}, DEEP),
    "lstm": at_every_step("LSTM", {"units": 3}, DEEP),
    "lstm_sequences": at_every_step("LSTM", {"units": 2, "return_sequences": True}, DEEP),
    "gru_backwards": at_every_step("GRU", {"units": 2, "go_backwards": True}, DEEP),
}
