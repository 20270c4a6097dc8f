"""Names of Keras 1 and 2 for what is called otherwise today, as tables."""

from __future__ import annotations

from typing import Any

# Classes that changed their name, or that are another class with certain arguments.
CLASSES = {
    "Convolution1D": "Conv1D",
    "AtrousConvolution1D": "Conv1D",
    "TimeDistributedDense": "Dense",
    "UnifiedLSTM": "LSTM",
    "UnifiedGRU": "GRU",
    "LSTMV1": "LSTM",
    "LSTMV2": "LSTM",
    "GRUV1": "GRU",
    "GRUV2": "GRU",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "MaxPool1D": "MaxPooling1D",
    "AvgPool1D": "AveragePooling1D",
    "GlobalMaxPool1D": "GlobalMaxPooling1D",
    "GlobalAvgPool1D": "GlobalAveragePooling1D",
    "GroupedQueryAttention": "GroupQueryAttention",
}
# Layers of several inputs; those of Keras 1's modes of Merge are in MERGES.
MERGING = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")
MERGES = {
    "concat": "Concatenate",
    "sum": "Add",
    "mul": "Multiply",
    "ave": "Average",
    "max": "Maximum",
    "dot": "Dot",
}
_AGE_1 = {
    "output_dim": "units",
    "init": "kernel_initializer",
    "inner_init": "recurrent_initializer",
    "inner_activation": "recurrent_activation",
    "W_regularizer": "kernel_regularizer",
    "U_regularizer": "recurrent_regularizer",
    "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint",
    "U_constraint": "recurrent_constraint",
    "b_constraint": "bias_constraint",
    "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout",
    "bias": "use_bias",
    "p": "rate",
    "sigma": "stddev",
    "nb_filter": "filters",
    "filter_length": "kernel_size",
    "subsample_length": "strides",
    "atrous_rate": "dilation_rate",
    "border_mode": "padding",
    "pool_length": "pool_size",
    "stride": "strides",
    "length": "size",
    "gamma_init": "gamma_initializer",
    "beta_init": "beta_initializer",
}
# Arguments of Keras 1 by their names today, by layer; "" is all others.
RENAMED = {
    "": _AGE_1,
    "Embedding": {
        "init": "embeddings_initializer",
        "W_regularizer": "embeddings_regularizer",
        "W_constraint": "embeddings_constraint",
        "dropout": "word_dropout",
    },
    "PReLU": {"init": "alpha_initializer"},
}
# Arguments that Keras 2 or 3 still called otherwise, by layer.
RENAMED_IN: dict[str, dict[str, str]] = {
    "LeakyReLU": {"alpha": "negative_slope"},
}
# Arguments without an effect on what is computed.
DEAD = (
    "consume_less",
    "implementation",
    "shared_object_id",
    "_keras_history",
    "autocast",
    "fused",
    "input_length",
    "word_dropout",
    "build_input_shape",
    "query_shape",
    "key_shape",
    "value_shape",
    "flash_attention",
    "is_legacy_optimizer",
    "experimental_autocast",
)
# Layers whose inputs are whole numbers or words.
ENCODING = (
    "CategoryEncoding",
    "HashedCrossing",
    "Hashing",
    "IntegerLookup",
    "StringLookup",
    "TextVectorization",
)
# Arguments that layers got from a base class and never used.
DEAD_IN = {
    "DepthwiseConv1D": (
        "filters",
        "groups",
        "kernel_initializer",
        "kernel_regularizer",
        "kernel_constraint",
    ),
    "Conv1DTranspose": ("groups",),
    "IntegerLookup": ("vocabulary_size", "vocabulary_dtype"),
    "StringLookup": ("vocabulary_size", "vocabulary_dtype"),
    "SeparableConv1D": (
        "groups",
        "kernel_initializer",
        "kernel_regularizer",
        "kernel_constraint",
    ),
}
# Arguments that have one value only, by that value, unless the layer takes them.
NEUTRAL: dict[str, Any] = {
    "time_major": False,
    "sparse": False,
    "ragged": False,
    "optional": False,
    "quantization_config": None,
    "lora_rank": None,
    "noise_shape": None,
    "virtual_batch_size": None,
    "adjustment": None,
    "renorm": False,
    "rms_scaling": False,
    "causal": False,
    "mode": 0,
    "input_dim": None,
    "name_scope": None,
    "oov_method": "floormod",
    "softmax_robust_masking": False,
    "salt": None,
}
INITIALIZERS = {
    "uniform": "random_uniform",
    "normal": "random_normal",
    "zero": "zeros",
    "one": "ones",
}
