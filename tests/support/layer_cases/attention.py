"""Attention, AdditiveAttention, MultiHeadAttention.

Several heads always return their scores: Keras on JAX makes float32 of float64 where they do not.
"""

import numpy as np

from . import case

Q, V, K = (3, 4, 5), (3, 6, 2), (3, 6, 5)
SELF = (3, 5, 4)
MASKS = [[4, 2, 3], [6, 1, 3]]
SCORES = {"return_attention_scores": True}
CAUSAL = {"use_causal_mask": True}
HEADS = {"num_heads": 2, "key_dim": 3}
SEEN = (np.arange(24).reshape(4, 6) % 5 != 0) & (np.arange(4) != 2)[:, None]

CASES = {
    "dot": case("Attention", {}, Q, K),
    "dot_key": case("Attention", {}, Q, V, K),
    "dot_scale": case("Attention", {"use_scale": True}, Q, V, K, options=SCORES),
    "dot_masks": case("Attention", {}, Q, V, K, options=SCORES, lengths=[*MASKS, None]),
    "dot_query_mask": case("Attention", {}, Q, K, lengths=MASKS[0]),
    "dot_causal": case("Attention", {}, SELF, SELF, options=CAUSAL | SCORES),
    "dot_causal_masks": case(
        "Attention", {"use_scale": True}, SELF, SELF, options=CAUSAL, lengths=[[5, 2, 3]] * 2
    ),
    "concat": case("Attention", {"score_mode": "concat"}, Q, V, K, options=SCORES),
    "concat_scale": case(
        "Attention",
        {"score_mode": "concat", "use_scale": True},
        Q,
        K,
        options=CAUSAL,
        lengths=MASKS,
    ),
    "additive": case("AdditiveAttention", {}, Q, V, K, options=SCORES),
    "additive_masks": case(
        "AdditiveAttention", {"use_scale": False}, Q, K, options=CAUSAL, lengths=MASKS
    ),
    "heads": case("MultiHeadAttention", HEADS, Q, V, options=SCORES),
    "heads_key": case(
        "MultiHeadAttention", {**HEADS, "value_dim": 4}, Q, V, (3, 6, 3), options=SCORES
    ),
    "heads_no_bias": case(
        "MultiHeadAttention",
        {**HEADS, "use_bias": False, "output_shape": 7},
        Q,
        V,
        options=SCORES,
    ),
    "heads_output": case(
        "MultiHeadAttention", {**HEADS, "output_shape": (2, 3)}, Q, V, options=SCORES
    ),
    "heads_masks": case(
        "MultiHeadAttention", HEADS, Q, V, K, options=SCORES, lengths=[*MASKS, [5, 6, 2]]
    ),
    "heads_causal_masks": case(
        "MultiHeadAttention", HEADS, SELF, SELF, options=CAUSAL | SCORES, lengths=[[5, 2, 3]] * 2
    ),
    "heads_attention_mask": case(
        "MultiHeadAttention", HEADS, Q, V, options={"attention_mask": SEEN} | SCORES
    ),
    "heads_window": case(
        "MultiHeadAttention", {**HEADS, "sliding_window": 2}, SELF, SELF, options=CAUSAL | SCORES
    ),
}
