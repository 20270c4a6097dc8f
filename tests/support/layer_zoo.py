"""Small instances of every layer, for the checks in `tests/layers/test_conformance.py`.

`ZOO` has a list of them for each class in `lstmcore.layers.registry`. A new layer needs an entry.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lstmcore import Input, Model, Sequential, layers, models, text
from lstmcore.ops.layer import Operation, Place

BATCH = 4
SEQ, FLAT, WIDE, PAIR = (5, 3), (6,), (4, 5, 2), (5, 2)  # of one sample
FRAMES, SIGNAL = (5, 4, 2), (20,)


@dataclass(frozen=True)
class One:
    """One instance of a layer, and what is true of it.

    Attributes
    ----------
    make : callable
        Makes the layer; takes what every layer takes.
    shapes : tuple of shapes
        Of one sample of each input.
    below : int
        Inputs are whole numbers below this.
    wrong : tuple of shapes
        Of a sample of the first input, after the layer was built for the right one: each is an
        error. Empty where any array is right.
    masks : {"", "forward", "both"}
        "forward": outputs at real steps, or the one output, are those of the real steps alone.
        "both": nor do gradients depend on what stands at the masked ones.
    draws : bool
        In training there are random numbers.
    trains_apart : bool
        In training it computes something else, without being random.
    slope : bool
        There is a gradient.
    rows : bool
        A row's output does not depend on the other rows.
    """

    make: Callable[..., Any]
    shapes: tuple[Any, ...] = (SEQ,)
    below: int | None = None
    wrong: tuple[Any, ...] = ()
    masks: str = ""
    draws: bool = False
    trains_apart: bool = False
    slope: bool = True
    rows: bool = True

    def inputs(self, dtype, batch=BATCH):
        """The arrays that go in: no number twice, none near 0."""
        if self.below:
            return [
                (np.arange(batch * int(np.prod(s))) * 3 % self.below).reshape(batch, *s)
                for s in self.shapes
            ]
        arrays = []
        for k, shape in enumerate(self.shapes):
            n = batch * int(np.prod(shape))
            x = np.sin(np.arange(n) * (0.7 + 0.13 * k) + 0.3)
            arrays.append((x + 0.05 * np.sign(x)).reshape(batch, *shape).astype(dtype))
        return arrays


def of(cls, *args, **fixed):
    """What makes the layer with these arguments, and those that it is given besides."""
    return lambda **kwargs: getattr(layers, cls)(*args, **{**fixed, **kwargs})


def call_of(op, *args, **options):
    """What makes the layer of an op's call, with a `Place` for each input."""
    return lambda **kwargs: Operation(op, args, options, **kwargs)


def around(cls, inner, *args, **fixed):
    """What makes a layer around another one, which is made anew each time."""
    return lambda **kwargs: getattr(layers, cls)(inner(), *args, **{**fixed, **kwargs})


def recurrent(cls, *args, shape=SEQ, wrong=((5, 4), (5,), (5, 3, 1)), **fixed):
    """A recurrent layer in all ways of running it."""
    one = One(of(cls, *args, **fixed), (shape,), wrong=wrong, masks="both")
    ways = (
        {"return_sequences": True},
        {"return_state": True},
        {"return_sequences": True, "return_state": True, "go_backwards": True},
    )
    dropped = {"dropout": 0.3, "recurrent_dropout": 0.3, "return_sequences": True}
    turned = {"masks": ""}  # the real steps come last, so a mask is no shorter sequence
    return [
        one,
        *(
            replace(one, make=of(cls, *args, **fixed, **way), **(turned if len(way) > 2 else {}))
            for way in ways
        ),
        replace(one, make=of(cls, *args, **fixed, **dropped), draws=True),
    ]


def walked(cell, **fixed):
    """A cell in `RNN`, for by itself it computes one step."""
    return One(around("RNN", of(cell, 4), **fixed), wrong=((5, 4), (5,)), masks="both")


def mutated(cell, shape=(5, 4)):
    """MUT1, MUT2 or MUT3 in `RNN`."""
    one = One(around("RNN", of(cell, 4), return_sequences=True), (shape,), masks="both")
    return [replace(one, wrong=((5, 2), (5,)))]


def pointwise(cls, *args, **fixed):
    """A layer that does the same to every number, or every vector."""
    one = One(of(cls, *args, **fixed), masks="forward")
    return [one, replace(one, shapes=(FLAT,), masks="")]


def merged(cls, *args, inputs=2, **fixed):
    """A layer of several inputs of one shape."""
    wrong = ((5, 4), (4, 3, 2))
    return [One(of(cls, *args, **fixed), (SEQ,) * inputs, wrong=wrong, masks="forward")]


def noisy(cls, *args):
    """A layer that does something in training alone."""
    return [One(of(cls, *args), draws=True, masks="forward")]


def text_model(**kwargs):
    vocabulary = text.CharacterVocabulary(["a", "b"])
    return text.TextModel([layers.Dense(3)], vocabulary=vocabulary, **kwargs)


def small_model(**kwargs):
    return Sequential([layers.Dense(4), layers.LSTM(3, return_sequences=True)], **kwargs)


def axes_model(**kwargs):
    """A model whose arrays have the batch first, as the conformance tests give them."""
    x = Input(SEQ, dtype=kwargs.get("dtype"))
    y = layers.LSTM(3, return_sequences=True, name="h")(x)
    return models.AxesModel(x, y, [0], [0], **kwargs)


def graph(**kwargs):
    x = Input(SEQ, dtype=kwargs.get("dtype"))
    h = layers.LSTM(3, return_sequences=True, name="h")(x)
    joined = layers.Concatenate(name="joined")([x, h])
    return Model(x, layers.Dense(2, name="end")(joined), **kwargs)


def masked_conv():
    return layers.Conv1D(4, 2, kernel_initializer="ones", use_mask=True)


ATTENDED = (SEQ, (6, 3))
ZOO = {
    "Activation": [
        *pointwise("Activation", "tanh"),
        One(of("Activation", "softmax")),
        One(of("Activation", "glu"), ((5, 4),), masks="both", wrong=((5, 3),)),
    ],
    "ActivityRegularization": pointwise("ActivityRegularization", 0.1, 0.2),
    "AdaptiveAveragePooling1D": [
        One(of("AdaptiveAveragePooling1D", 3), wrong=((5,),)),
        One(of("AdaptiveAveragePooling1D", 3, use_mask=True), wrong=((5,),), masks="both"),
    ],
    "AdaptiveMaxPooling1D": [
        One(of("AdaptiveMaxPooling1D", 3), wrong=((5,),)),
        One(of("AdaptiveMaxPooling1D", 3, use_mask=True), wrong=((5,),), masks="both"),
    ],
    "Add": [*merged("Add"), *merged("Add", inputs=3)],
    "AdditiveAttention": [
        One(of("AdditiveAttention"), ATTENDED, wrong=((5, 4), (5,))),
        One(of("AdditiveAttention", False), (SEQ, SEQ), masks="both"),
    ],
    "AlphaDropout": noisy("AlphaDropout", 0.3),
    "Attention": [
        One(of("Attention"), ATTENDED, wrong=((5, 4), (5,))),
        One(of("Attention", True, "concat"), ATTENDED),
        One(of("Attention"), (SEQ, SEQ), masks="both"),
        One(of("Attention", dropout=0.3), ATTENDED, draws=True),
    ],
    "Average": merged("Average", inputs=3),
    "AveragePooling1D": [
        One(of("AveragePooling1D"), wrong=((5,),)),
        One(of("AveragePooling1D", 3, 2, "same", use_mask=True)),
        One(of("AveragePooling1D", 2, 2, use_mask=True), masks="both"),
    ],
    "BatchNormalization": [
        One(
            of("BatchNormalization"),
            wrong=((5, 4), (5,)),
            masks="forward",
            trains_apart=True,
        ),
        One(of("BatchNormalization"), (FLAT,), wrong=((5,),), trains_apart=True),
    ],
    "Bidirectional": [
        One(
            around("Bidirectional", of("LSTM", 3, return_sequences=True)),
            wrong=((5, 4), (5,)),
            masks="both",
        ),
        One(around("Bidirectional", of("GRU", 3), "sum"), wrong=((5, 4),), masks="both"),
        One(
            around(
                "Bidirectional", of("LSTM", 3, return_sequences=True), zero_output_for_mask=False
            ),
            masks="both",
        ),
        One(around("Bidirectional", of("SimpleRNN", 3), None), masks="both"),
        One(around("Bidirectional", of("GRU", 3, return_sequences=True, go_backwards=True), "mul")),
        One(around("Bidirectional", of("LSTM", 3, return_sequences=True, return_state=True), None)),
    ],
    "CategoryEncoding": [
        One(of("CategoryEncoding", 7), (FLAT,), below=7, slope=False),
        One(of("CategoryEncoding", 7, "one_hot"), (FLAT,), below=7, slope=False),
        One(of("CategoryEncoding", 7, "count"), ((5,),), below=7, slope=False),
    ],
    "Concatenate": [
        One(of("Concatenate"), (SEQ, SEQ), wrong=((4, 3), (5,)), masks="forward"),
        One(of("Concatenate", axis=1), (SEQ, (4, 3)), wrong=((5, 4),)),
    ],
    "CRF": [
        One(of("CRF", 4), wrong=((5, 4), (5,)), masks="forward", slope=False),
        One(of("CRF", 3, use_kernel=False, returns="marginals"), masks="forward", slope=False),
    ],
    "Conv1D": [
        One(of("Conv1D", 4, 2), wrong=((5, 4), (5,))),
        One(of("Conv1D", 4, 3, 2, "same", activation="tanh"), wrong=((5, 4),)),
        One(of("Conv1D", 4, 2, padding="causal", dilation_rate=2), wrong=((5, 4),)),
        One(of("Conv1D", 4, 2, use_mask=True), masks="both"),
        One(of("Conv1D", 4, 3, padding="same", use_mask=True), masks="both"),
    ],
    "Conv1DTranspose": [
        One(of("Conv1DTranspose", 4, 3), wrong=((5, 4), (5,))),
        One(of("Conv1DTranspose", 4, 2, 3, "same", activation="tanh"), wrong=((5, 4),)),
        One(of("Conv1DTranspose", 4, 3, 2, use_mask=True), masks="both"),
        One(of("Conv1DTranspose", 4, 4, 2, "same", use_mask=True), masks="both"),
    ],
    "ConvLSTM1D": [
        *recurrent("ConvLSTM1D", 3, 2, shape=FRAMES, wrong=((5, 4, 3), (5, 1, 2), (5, 4))),
        *recurrent("ConvLSTM1D", 2, 3, 2, "same", shape=FRAMES, wrong=((5, 4, 3),))[1:2],
    ],
    "Cropping1D": [One(of("Cropping1D", (1, 2)), wrong=((5,),))],
    "Dense": [
        One(of("Dense", 4), wrong=((5, 4),), masks="forward"),
        One(of("Dense", 4, "softmax"), (FLAT,), wrong=((5,),)),
        One(of("Dense", 4, "relu", False, kernel_regularizer="l2"), (FLAT,), wrong=((5,),)),
    ],
    "DepthwiseConv1D": [
        One(of("DepthwiseConv1D", 2, depth_multiplier=2), wrong=((5, 4), (5,))),
        One(of("DepthwiseConv1D", 3, 2, "same", activation="tanh"), wrong=((5, 4),)),
        One(of("DepthwiseConv1D", 2, use_mask=True), masks="both"),
    ],
    "Discretization": [
        One(of("Discretization", [-0.5, 0, 0.5]), (FLAT,), slope=False),
        One(of("Discretization", [-0.5, 0, 0.5], output_mode="count"), (FLAT,), slope=False),
    ],
    "Dot": [
        One(of("Dot", 2), (SEQ, (4, 3)), wrong=((5, 4),)),
        One(of("Dot", 1, True), (FLAT,) * 2),
        One(of("Dot", 1), (SEQ, SEQ)),
    ],
    "Dropout": [
        *noisy("Dropout", 0.3),
        One(of("Dropout", 0.3, (None, 1, 3)), draws=True, masks="forward"),
    ],
    "ELU": pointwise("ELU"),
    "EinsumDense": [
        One(of("EinsumDense", "abc,cd->abd", (None, 4), "tanh", "d"), wrong=((5, 4), (5,))),
        One(of("EinsumDense", "...x,xyz->...yz", (3, 2)), masks="forward"),
        One(of("EinsumDense", "abc,bcd->adb", (2, 5), bias_axes="d"), wrong=((5, 4), (4, 3))),
    ],
    "Embedding": [
        One(of("Embedding", 7, 4), ((5,),), below=7, slope=True),
        One(of("Embedding", 7, 4, mask_zero=True), ((5,),), below=7),
    ],
    "Flatten": [One(of("Flatten")), One(of("Flatten"), (WIDE,))],
    "AxesModel": [One(axes_model, wrong=((5, 4), (5,)), masks="forward")],
    "Functional": [One(graph, wrong=((5, 4), (5,)), masks="forward")],
    "GRU": [
        *recurrent("GRU", 4),
        *recurrent("GRU", 4, reset_after=False)[:2],
        *recurrent("GRU", 4, "gelu")[1:2],
    ],
    "GRUCell": [walked("GRUCell"), walked("GRUCell", return_sequences=True)],
    "GaussianDropout": noisy("GaussianDropout", 0.3),
    "GaussianNoise": noisy("GaussianNoise", 0.3),
    "GetItem": [
        One(of("GetItem", [[None] * 3, -1]), wrong=((),)),
        One(of("GetItem", [[None] * 3, [1, None, 2], [None, 2, None]])),
    ],
    "GlobalAveragePooling1D": [
        One(of("GlobalAveragePooling1D"), wrong=((5,),), masks="both"),
        One(of("GlobalAveragePooling1D", keepdims=True), wrong=((5,),), masks="both"),
    ],
    "GlobalMaxPooling1D": [
        One(of("GlobalMaxPooling1D"), wrong=((5,),)),
        One(of("GlobalMaxPooling1D", use_mask=True), wrong=((5,),), masks="both"),
    ],
    "GroupNormalization": [
        One(of("GroupNormalization", 3), wrong=((5, 4), (5,)), masks="both"),
        One(of("GroupNormalization", 1), masks="both"),
        One(of("GroupNormalization", 2), (WIDE,), masks="", wrong=((4, 5, 3),)),
        One(of("GroupNormalization", 2), (FLAT,), wrong=((5,),)),
    ],
    "GroupQueryAttention": [
        One(of("GroupQueryAttention", 3, 4, 2), ATTENDED, wrong=((5, 4), (5,))),
        One(of("GroupQueryAttention", 3, 2, 1), (SEQ, SEQ), masks="both"),
        One(of("GroupQueryAttention", 3, 2, 1, 0.2, use_gate=True), ATTENDED, draws=True),
    ],
    "HashedCrossing": [
        One(of("HashedCrossing", 5), ((1,), (1,)), below=9, slope=False, wrong=((2,),)),
        One(of("HashedCrossing", 5, "one_hot"), ((1,), (1,)), below=9, slope=False),
    ],
    "Hashing": [
        One(of("Hashing", 5), (FLAT,), below=9, slope=False),
        One(of("Hashing", 5, 3, 7, "count"), (FLAT,), below=9, slope=False),
    ],
    "Identity": pointwise("Identity"),
    "InputLayer": [One(of("InputLayer", SEQ))],
    "IntegerLookup": [
        One(of("IntegerLookup", vocabulary=[1, 3, 5]), (FLAT,), below=7, slope=False),
        One(
            of("IntegerLookup", vocabulary=[1, 3], output_mode="multi_hot"),
            ((5,),),
            below=7,
            slope=False,
        ),
    ],
    "LSTM": [
        *recurrent("LSTM", 4),
        *recurrent("LSTM", 4, use_bias=False)[:1],
        *recurrent("LSTM", 4, peephole=True, cell_clip=3.0)[:2],
        *recurrent("LSTM", 4, variant="FGR")[:2],
        *recurrent("LSTM", 4, output_activation="softsign")[1:2],
        *recurrent("LSTM", 4, projection=2)[1:3],
        *recurrent("LSTM", 4, layer_norm=True)[3:4],
        *recurrent("LSTM", 4, layer_norm="sum", peephole=True, projection=3)[-1:],
        *recurrent("LSTM", 4, output_activation="swish")[:1],
        *recurrent("LSTM", 4, variant="NFG", peephole=False)[:1],
        *recurrent("LSTM", 4, "swish")[2:],
        *recurrent("LSTM", 4, variant="CIFG", zoneout_h=0.2, zoneout_c=0.1)[-1:],
    ],
    "LSTMCell": [
        walked("LSTMCell"),
        walked("LSTMCell", return_sequences=True),
        One(
            lambda **kw: layers.RNN(layers.LSTMCell(4, layer_norm=True, projection=2), True, **kw),
            wrong=((5, 4), (5,)),
            masks="both",
        ),
        One(
            lambda **kw: layers.RNN(layers.LSTMCell(4, variant="FGR", cell_clip=0.4), True, **kw),
            wrong=((5, 4), (5,)),
            masks="both",
        ),
    ],
    "Lambda": [],  # see tests/layers/core/test_lambda_layer.py
    "LayerNormalization": [
        One(of("LayerNormalization"), wrong=((5, 4),), masks="forward"),
        One(of("LayerNormalization", (1, 2)), wrong=((5, 4), (5,))),
    ],
    "LeakyReLU": pointwise("LeakyReLU"),
    "MUT1Cell": mutated("MUT1Cell"),
    "MUT2Cell": mutated("MUT2Cell"),
    "MUT3Cell": mutated("MUT3Cell", SEQ),
    "Masking": [One(of("Masking"), wrong=((),), masks="both"), One(of("Masking"), (WIDE,))],
    "MaxPooling1D": [
        One(of("MaxPooling1D"), wrong=((5,),)),
        One(of("MaxPooling1D", 3, 2, "same", use_mask=True)),
        One(of("MaxPooling1D", 2, 1, use_mask=True), masks="both"),
    ],
    "Maximum": merged("Maximum"),
    "MelSpectrogram": [
        One(of("MelSpectrogram", 8, 3, None, "hann", 1000, 3), (SIGNAL,), wrong=((20, 1), (4,))),
        One(of("MelSpectrogram", 7, 4, 5, None, 1000, 2, mag_exp=1, top_db=3.0), (SIGNAL,)),
        One(of("MelSpectrogram", 8, 5, 6, "hamming", 1000, 4, power_to_db=False), (SIGNAL,)),
    ],
    "Minimum": merged("Minimum"),
    "MultiHeadAttention": [
        One(of("MultiHeadAttention", 2, 3), ATTENDED, wrong=((5, 4), (5,))),
        One(of("MultiHeadAttention", 2, 3), (SEQ, SEQ), masks="both"),
        One(of("MultiHeadAttention", 2, 3, 2, 0.2), ATTENDED, draws=True),
        One(
            of("MultiHeadAttention", 2, 3, attention_axes=2, use_gate=True),
            (WIDE, (4, 3, 2)),
            wrong=((3, 5, 2), (4, 5, 3), (5, 2)),
        ),
        One(of("MultiHeadAttention", 2, 3), (WIDE, (3, 2, 2))),
    ],
    "Multiply": merged("Multiply"),
    "Normalization": [
        One(of("Normalization", mean=[0.1, 0.2, 0.3], variance=[1, 2, 3]), wrong=((5, 4),)),
        One(of("Normalization", None, 0.5, 2.0), masks="forward"),
    ],
    "Operation": [
        One(call_of("multiply", Place(0), 2.5)),
        One(call_of("concatenate", [Place(0), Place(1)], axis=-1), (SEQ, (5, 2)), wrong=((4, 3),)),
        One(call_of("matmul", Place(0), Place(1)), (SEQ, (3, 4)), wrong=((5, 4),)),
    ],
    "PReLU": [One(of("PReLU", "ones"), wrong=((5, 4), (4, 3), (5,)))],
    "Permute": [One(of("Permute", (2, 1)), wrong=((5,),)), One(of("Permute", (3, 1, 2)), (WIDE,))],
    "Pipeline": [
        One(
            lambda **kw: layers.Pipeline([layers.Dense(4), layers.LSTM(3)], **kw),
            wrong=((5, 4), (5,)),
            masks="forward",
        ),
        One(
            lambda **kw: layers.Pipeline([layers.Embedding(7, 4), layers.Flatten()], **kw),
            ((5,),),
            below=7,
        ),
    ],
    "RMSNormalization": [
        One(of("RMSNormalization"), wrong=((5, 4),), masks="forward"),
        One(of("RMSNormalization", (1, 2)), wrong=((5, 4), (5,))),
    ],
    "RNN": [
        walked("SimpleRNNCell", return_state=True),
        One(around("RNN", of("GRUCell", 3), return_sequences=True, go_backwards=True)),
        One(
            lambda **kw: layers.RNN([layers.LSTMCell(4), layers.GRUCell(2)], True, **kw),
            wrong=((5, 4),),
            masks="both",
        ),
    ],
    "ReLU": [*pointwise("ReLU"), *pointwise("ReLU", 0.8, 0.1, 0.2)],
    "RepeatVector": [One(of("RepeatVector", 3), (FLAT,), wrong=((5, 3),))],
    "Rescaling": pointwise("Rescaling", 2.0, 0.1),
    "Reshape": [
        One(of("Reshape", (3, 5)), wrong=((5, 4),)),
        One(of("Reshape", (-1, 2)), (FLAT,), wrong=((5,),)),
    ],
    "STFTSpectrogram": [
        One(of("STFTSpectrogram", "log", 4, 2), wrong=((5,), (3, 3))),
        One(of("STFTSpectrogram", "psd", 4, 1, 8, None), wrong=((5,),)),
        One(of("STFTSpectrogram", "stft", 3, expand_dims=True, padding="same"), wrong=((5,),)),
        One(of("STFTSpectrogram", "angle", 2, 1, 4, "hamming", use_mask=True), masks="both"),
        One(of("STFTSpectrogram", "imag", 2, 1, 4, "hamming", use_mask=True), masks="both"),
    ],
    "SeparableConv1D": [
        One(of("SeparableConv1D", 4, 2, depth_multiplier=2), wrong=((5, 4), (5,))),
        One(of("SeparableConv1D", 4, 3, 2, "same", activation="tanh"), wrong=((5, 4),)),
        One(of("SeparableConv1D", 4, 2, use_mask=True), masks="both"),
    ],
    "ReversibleEmbedding": [
        One(of("ReversibleEmbedding", 7, 4), ((5,),), below=7),
        One(of("ReversibleEmbedding", 7, 4, tie_weights=False, mask_zero=True), ((5,),), below=7),
    ],
    "Sequential": [One(small_model, wrong=((5, 4), (5,)), masks="forward")],
    "TextReader": [],  # its samples are texts: see `tests/classification`
    "TextModel": [One(text_model, wrong=((5, 4), (5,)))],
    "SimpleRNN": recurrent("SimpleRNN", 4),
    "SimpleRNNCell": [walked("SimpleRNNCell"), walked("SimpleRNNCell", return_sequences=True)],
    "Softmax": [One(of("Softmax")), One(of("Softmax", (1, 2)))],
    "SpatialDropout1D": [One(of("SpatialDropout1D", 0.3), draws=True, wrong=((5,),))],
    "SpectralNormalization": [
        One(
            around("SpectralNormalization", of("Dense", 4, kernel_initializer="ones"), 20),
            wrong=((5, 4),),
            masks="forward",
            trains_apart=True,
        ),
        One(
            around("SpectralNormalization", masked_conv, 20),
            wrong=((5, 4),),
            masks="both",
            trains_apart=True,
        ),
        One(
            around("SpectralNormalization", of("Embedding", 7, 4, "ones"), 20),
            ((5,),),
            below=7,
            trains_apart=True,
        ),
    ],
    "StackedRNNCells": [
        One(
            lambda **kw: layers.RNN(
                layers.StackedRNNCells([layers.GRUCell(4), layers.LSTMCell(2)]), **kw
            ),
            wrong=((5, 4),),
            masks="both",
        )
    ],
    "StringLookup": [],  # of texts: see `TEXTS`
    "Subtract": merged("Subtract"),
    "TextVectorization": [],
    "TimeDistributed": [
        One(around("TimeDistributed", of("Dense", 4)), wrong=((5, 4), (5,)), masks="forward"),
        One(around("TimeDistributed", of("LSTM", 4)), (WIDE,), wrong=((4, 5, 3), (5,))),
        One(around("TimeDistributed", of("Embedding", 7, 2, mask_zero=True)), ((5, 4),), below=7),
        One(around("TimeDistributed", of("Masking"))),
        One(
            around("TimeDistributed", of("BatchNormalization")),
            wrong=((5, 4), (5,)),
            trains_apart=True,
        ),
    ],
    "UnitNormalization": [
        One(of("UnitNormalization"), masks="forward"),
        One(of("UnitNormalization", 1), masks="both"),
    ],
    "UpSampling1D": [
        One(of("UpSampling1D", 2), wrong=((5,),)),
        One(of("UpSampling1D", 2, use_mask=True), masks="forward"),
    ],
    "ZeroPadding1D": [One(of("ZeroPadding1D", (1, 2)), wrong=((5,),))],
}
TEXTS = {
    "StringLookup": (of("StringLookup", vocabulary=["a", "b"]), [["a", "c"], ["b", "b"]]),
    "TextVectorization": (of("TextVectorization", vocabulary=["a", "b"]), ["a b", "B c a"]),
}
