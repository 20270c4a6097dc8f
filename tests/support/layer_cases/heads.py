"""MultiHeadAttention over several axes and with gates; GroupQueryAttention; ReversibleEmbedding.

Attention always returns its scores: Keras on JAX makes float32 of float64 where it does not.
"""

import numpy as np

from . import case

SCORES = {"return_attention_scores": True}
HEADS = {"num_heads": 2, "key_dim": 2}
GROUPS = {"head_dim": 2, "num_query_heads": 4, "num_key_value_heads": 2}
Q, V = (2, 3, 4, 3), (2, 3, 2, 3)  # rows, then queries or values
WIDE_Q, WIDE_V = (2, 2, 3, 2), (2, 3, 2, 2)
FLAT_Q, FLAT_V = (3, 4, 3), (3, 5, 2)


def seen(*shape):
    """An attention mask in which no query is blind."""
    mask = np.arange(np.prod(shape)).reshape(shape) % 3 != 1
    mask[..., 0] = True
    return mask


CASES = {
    "one_axis": case("MultiHeadAttention", {**HEADS, "attention_axes": 2}, Q, V, options=SCORES),
    "first_axis": case(
        "MultiHeadAttention",
        {**HEADS, "attention_axes": [1], "value_dim": 3},
        (2, 4, 2, 3),
        (2, 3, 2, 3),
        options=SCORES,
    ),
    "all_axes": case("MultiHeadAttention", HEADS, WIDE_Q, WIDE_V, options=SCORES),
    "last_axis_from_the_end": case(
        "MultiHeadAttention", {**HEADS, "attention_axes": [-2]}, Q, V, options=SCORES
    ),
    "mask_of_steps": case(
        "MultiHeadAttention",
        {**HEADS, "attention_axes": [2]},
        Q,
        V,
        options={"attention_mask": seen(2, 4, 2)} | SCORES,
    ),
    "mask_of_rows": case(
        "MultiHeadAttention",
        {**HEADS, "attention_axes": [2]},
        Q,
        V,
        options={"attention_mask": seen(2, 3, 4, 2)} | SCORES,
    ),
    "mask_of_heads": case(
        "MultiHeadAttention",
        {**HEADS, "attention_axes": [2]},
        Q,
        V,
        options={"attention_mask": seen(2, 3, 2, 4, 2)} | SCORES,
    ),
    "mask_of_two_axes": case(
        "MultiHeadAttention",
        {**HEADS, "attention_axes": [1, 2], "output_shape": 3},
        WIDE_Q,
        WIDE_V,
        options={"attention_mask": seen(2, 2, 3, 3, 2)} | SCORES,
    ),
    "five_axes": case(
        "MultiHeadAttention",
        {**HEADS, "attention_axes": [2, 3]},
        (1, 2, 2, 2, 2),
        (1, 2, 1, 3, 2),
        (1, 2, 1, 3, 3),
        options={"attention_mask": seen(1, 2, 2, 1, 3)} | SCORES,
    ),
    "gate": case("MultiHeadAttention", {**HEADS, "use_gate": True}, FLAT_Q, FLAT_V, options=SCORES),
    "groups": case("GroupQueryAttention", GROUPS, FLAT_Q, FLAT_V, options=SCORES),
    "groups_key": case(
        "GroupQueryAttention",
        {**GROUPS, "use_bias": False, "use_gate": True},
        FLAT_Q,
        FLAT_V,
        (3, 5, 4),
        options=SCORES,
    ),
    "groups_causal": case(
        "GroupQueryAttention",
        {**GROUPS, "num_key_value_heads": 1, "sliding_window": 3},
        FLAT_Q,
        FLAT_Q,
        options={"use_causal_mask": True} | SCORES,
    ),
    "groups_mask": case(
        "GroupQueryAttention",
        GROUPS,
        FLAT_Q,
        FLAT_V,
        options={"attention_mask": seen(3, 4, 5)} | SCORES,
    ),
    "groups_all_masks": case(
        "GroupQueryAttention",
        GROUPS,
        FLAT_Q,
        FLAT_V,
        options=SCORES | {"query_mask": seen(3, 4), "value_mask": seen(3, 5)},
    ),
    "tied": case("ReversibleEmbedding", {"input_dim": 7, "output_dim": 3}, (3, 5), below=7),
    "tied_back": case(
        "ReversibleEmbedding",
        {"input_dim": 5, "output_dim": 3, "logit_soft_cap": 2.0},
        (2, 4, 3),
        options={"reverse": True},
    ),
    "untied_back": case(
        "ReversibleEmbedding",
        {"input_dim": 5, "output_dim": 3, "tie_weights": False},
        (2, 4, 3),
        options={"reverse": True},
    ),
}
