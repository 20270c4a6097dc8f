"""Layers, with Keras's names, arguments and weights."""

from typing import TYPE_CHECKING

from ..lazy import attributes
from . import operators as operators  # arithmetic of symbolic tensors
from .base import (
    Layer,
    deserialize,
    get,
    registry,
    serialize,
)
from .core import (
    ELU,
    Activation,
    Dense,
    Embedding,
    Identity,
    Input,
    InputLayer,
    LeakyReLU,
    Masking,
    PReLU,
    ReLU,
    Softmax,
)
from .input_spec import InputSpec
from .parameters import Param
from .rnn import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    Cell,
    GRUCell,
    LSTMCell,
    SimpleRNN,
    SimpleRNNCell,
    StackedRNNCells,
    TimeDistributed,
)

if TYPE_CHECKING:
    from .attention import (
        AdditiveAttention,
        Attention,
        GroupQueryAttention,
        MultiHeadAttention,
    )
    from .convolution import (
        AdaptiveAveragePooling1D,
        AdaptiveMaxPooling1D,
        AveragePooling1D,
        AvgPool1D,
        Conv1D,
        Conv1DTranspose,
        Convolution1D,
        Convolution1DTranspose,
        Cropping1D,
        DepthwiseConv1D,
        GlobalAveragePooling1D,
        GlobalAvgPool1D,
        GlobalMaxPool1D,
        GlobalMaxPooling1D,
        MaxPool1D,
        MaxPooling1D,
        SeparableConv1D,
        SeparableConvolution1D,
        UpSampling1D,
        ZeroPadding1D,
    )
    from .core.crf import (
        CRF,
    )
    from .core.einsum_dense import (
        EinsumDense,
    )
    from .core.lambda_layer import (
        Lambda,
    )
    from .core.reversible_embedding import (
        ReversibleEmbedding,
    )
    from .core.wrapper import (
        Pipeline,
        Wrapper,
    )
    from .merging import (
        Add,
        Average,
        Concatenate,
        Dot,
        Maximum,
        Minimum,
        Multiply,
        Subtract,
        add,
        average,
        concatenate,
        dot,
        maximum,
        minimum,
        multiply,
        subtract,
    )
    from .normalization import (
        BatchNormalization,
        GroupNormalization,
        LayerNormalization,
        RMSNormalization,
        SpectralNormalization,
        UnitNormalization,
    )
    from .preprocessing import (
        CategoryEncoding,
        Discretization,
        HashedCrossing,
        Hashing,
        IntegerLookup,
        MelSpectrogram,
        Normalization,
        Rescaling,
        STFTSpectrogram,
        StringLookup,
        TextVectorization,
    )
    from .regularization import (
        ActivityRegularization,
        AlphaDropout,
        Dropout,
        GaussianDropout,
        GaussianNoise,
        SpatialDropout1D,
    )
    from .reshaping import (
        Flatten,
        GetItem,
        Permute,
        RepeatVector,
        Reshape,
    )
    from .rnn.conv_lstm1d import (
        ConvLSTM1D,
    )
    from .rnn.mut_cells import (
        MUT1Cell,
        MUT2Cell,
        MUT3Cell,
    )

# Imported when one of their names is first used.
LATER = {
    "attention": "AdditiveAttention Attention GroupQueryAttention MultiHeadAttention",
    "convolution": (
        "AdaptiveAveragePooling1D AdaptiveMaxPooling1D AveragePooling1D Conv1D "
        "Conv1DTranspose Cropping1D DepthwiseConv1D GlobalAveragePooling1D "
        "GlobalMaxPooling1D MaxPooling1D SeparableConv1D UpSampling1D ZeroPadding1D "
        "AvgPool1D Convolution1D Convolution1DTranspose GlobalAvgPool1D GlobalMaxPool1D "
        "MaxPool1D SeparableConvolution1D"
    ),
    "core.crf": "CRF",
    "core.einsum_dense": "EinsumDense",
    "core.lambda_layer": "Lambda",
    "core.reversible_embedding": "ReversibleEmbedding",
    "core.wrapper": "Pipeline Wrapper",
    "merging": (
        "Add Average Concatenate Dot Maximum Minimum Multiply Subtract add average "
        "concatenate dot maximum minimum multiply subtract"
    ),
    "normalization": (
        "BatchNormalization GroupNormalization LayerNormalization RMSNormalization "
        "SpectralNormalization UnitNormalization"
    ),
    "preprocessing": (
        "CategoryEncoding Discretization HashedCrossing Hashing IntegerLookup "
        "MelSpectrogram Normalization Rescaling STFTSpectrogram StringLookup "
        "TextVectorization"
    ),
    "regularization": (
        "ActivityRegularization AlphaDropout Dropout GaussianDropout GaussianNoise SpatialDropout1D"
    ),
    "reshaping": "Flatten GetItem Permute RepeatVector Reshape",
    "rnn.conv_lstm1d": "ConvLSTM1D",
    "rnn.mut_cells": "MUT1Cell MUT2Cell MUT3Cell",
}
for _home, _names in LATER.items():
    registry.later(f"{__name__}.{_home}", *(n for n in _names.split() if n[0].isupper()))
registry.later(f"{__name__}.attention", "GroupedQueryAttention")  # Keras's older name

__all__ = [
    "CRF",
    "ELU",
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "ActivityRegularization",
    "AdaptiveAveragePooling1D",
    "AdaptiveMaxPooling1D",
    "Add",
    "AdditiveAttention",
    "AlphaDropout",
    "Attention",
    "Average",
    "AveragePooling1D",
    "AvgPool1D",
    "BatchNormalization",
    "Bidirectional",
    "CategoryEncoding",
    "Cell",
    "Concatenate",
    "Conv1D",
    "Conv1DTranspose",
    "ConvLSTM1D",
    "Convolution1D",
    "Convolution1DTranspose",
    "Cropping1D",
    "Dense",
    "DepthwiseConv1D",
    "Discretization",
    "Dot",
    "Dropout",
    "EinsumDense",
    "Embedding",
    "Flatten",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GetItem",
    "GlobalAveragePooling1D",
    "GlobalAvgPool1D",
    "GlobalMaxPool1D",
    "GlobalMaxPooling1D",
    "GroupNormalization",
    "GroupQueryAttention",
    "HashedCrossing",
    "Hashing",
    "Identity",
    "Input",
    "InputLayer",
    "InputSpec",
    "IntegerLookup",
    "LSTMCell",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "MUT1Cell",
    "MUT2Cell",
    "MUT3Cell",
    "Masking",
    "MaxPool1D",
    "MaxPooling1D",
    "Maximum",
    "MelSpectrogram",
    "Minimum",
    "MultiHeadAttention",
    "Multiply",
    "Normalization",
    "PReLU",
    "Param",
    "Permute",
    "Pipeline",
    "RMSNormalization",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "ReversibleEmbedding",
    "STFTSpectrogram",
    "SeparableConv1D",
    "SeparableConvolution1D",
    "SimpleRNN",
    "SimpleRNNCell",
    "Softmax",
    "SpatialDropout1D",
    "SpectralNormalization",
    "StackedRNNCells",
    "StringLookup",
    "Subtract",
    "TextVectorization",
    "TimeDistributed",
    "UnitNormalization",
    "UpSampling1D",
    "Wrapper",
    "ZeroPadding1D",
    "add",
    "average",
    "concatenate",
    "deserialize",
    "dot",
    "get",
    "maximum",
    "minimum",
    "multiply",
    "registry",
    "serialize",
    "subtract",
]

__getattr__ = attributes(__name__, {home: names.split() for home, names in LATER.items()})
