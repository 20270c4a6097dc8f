"""Layers that learn from data or look things up, held to Keras's answers.

`tests/keras/make_keras_preprocessing.py` writes what Keras makes of them,
`tests/layers/preprocessing` reads it.
"""

from formulas import wave

TEXTS = [
    "The cat sat on the mat.",
    "the DOG sat -- on the log!",
    "A cat, a dog; and (maybe) a bird?",
    "\u00c9cole d'\u00e9t\u00e9: naïve caf\u00e9, na\u00efve caf\u00e9",
    "  tabs\tand\nnew\x0blines\r\n  no\u00a0break  ",
    "",
]
CALLED = [
    "the bird sat on a flying cat",
    "",
    "  Unknown words!  ",
    "\u00e9t\u00e9 na\u00efve \u00c9COLE",
]
WORDS = [["a", "b", "c", "b"], ["d", "b", "zz", "a"], ["c", "c", "c", "d"]]
NEW = [["a", "x", "b", "b"], ["d", "z", "Wort", "ein-sehr-langes-Wort-aus-vielen-Zeichen-" * 2]]
NUMBERS = [[5, 7, 7, 9], [5, 0, -3, 7], [12, 12, 9, 5]]
OTHERS = [[5, 100, 7, 0], [-3, 101, -102, 12]]


def numbers(*shape):
    return wave(shape, 0.7, 3) + 1


def case(layer, config, x, adapt=None):
    return {"layer": layer, "config": config, "x": x, "adapt": adapt}


def text(x=CALLED, adapt=TEXTS, **config):
    return case("TextVectorization", config, x, adapt)


def strings(x=NEW, adapt=WORDS, **config):
    return case("StringLookup", config, x, None if "vocabulary" in config else adapt)


def integers(x=OTHERS, adapt=NUMBERS, **config):
    return case("IntegerLookup", config, x, None if "vocabulary" in config else adapt)


ABC = ["a", "b", "c", "d"]
IDF = {"output_mode": "tf_idf", "idf_weights": [0.25, 0.75, 0.6, 0.4], "vocabulary": ABC}
CASES = {
    # texts
    "text": text(),
    "text_one": text(x="the cat"),
    "text_column": text(x=[[t] for t in CALLED]),
    "text_few": text(max_tokens=6, output_sequence_length=4),
    "text_long": text(output_sequence_length=12),
    "text_characters": text(split="character", max_tokens=20),
    "text_as_it_is": text(standardize=None),
    "text_lower": text(standardize="lower"),
    "text_strip": text(standardize="strip_punctuation"),
    "text_pairs": text(ngrams=2),
    "text_threes": text(ngrams=[1, 3]),
    "text_whole": text(split=None, x=["", "The cat sat on the mat", "other"]),
    "text_rows": text(
        split=None, x=[["a", "b", "x"]], adapt=WORDS, output_sequence_length=2, standardize=None
    ),
    "text_binary": text(output_mode="binary"),
    "text_count": text(output_mode="count", max_tokens=40, pad_to_max_tokens=True),
    "text_idf": text(output_mode="tf-idf", ngrams=2),
    "text_idf_padded": text(output_mode="tf_idf", max_tokens=40, pad_to_max_tokens=True),
    "text_idf_rows": text(
        split=None, output_mode="tf_idf", x=[["a", "b", "x"]], adapt=WORDS, standardize=None
    ),
    "text_given": text(adapt=None, vocabulary=["cat", "the", "sat"]),
    "text_given_special": text(adapt=None, vocabulary=["", "[UNK]", "cat", "the"]),
    # strings
    "strings": strings(),
    "strings_few": strings(max_tokens=3),
    "strings_flat": strings(x=["a", "q", "b"], adapt=["b", "a", "b", "c"]),
    "strings_given": strings(vocabulary=ABC),
    "strings_mask": strings(mask_token="b"),
    "strings_mask_counts": strings(mask_token="b", output_mode="count"),
    "strings_buckets": strings(vocabulary=ABC, num_oov_indices=7),
    "strings_salt": strings(vocabulary=ABC, num_oov_indices=7, salt=[133, 137]),
    "strings_none_unknown": strings(vocabulary=ABC, num_oov_indices=0, x=[["a", "d"]]),
    "strings_one_hot": strings(vocabulary=ABC, output_mode="one_hot"),
    "strings_one_hot_column": strings(vocabulary=ABC, output_mode="one_hot", x=[["a"], ["z"]]),
    "strings_multi_hot": strings(output_mode="multi_hot"),
    "strings_count": strings(output_mode="count", max_tokens=9, pad_to_max_tokens=True),
    "strings_idf": strings(output_mode="tf_idf"),
    "strings_idf_given": strings(**IDF),
    "strings_idf_special": strings(
        **{**IDF, "vocabulary": ["[UNK]", *ABC[1:]], "max_tokens": 6, "pad_to_max_tokens": True}
    ),
    "strings_back": strings(x=[[1, 0, 4], [9, 2, 2]], vocabulary=ABC, invert=True),
    "strings_back_mask": strings(
        x=[[1, 0, 4]], vocabulary=ABC, invert=True, mask_token="", oov_token="?"
    ),
    # whole numbers
    "integers": integers(),
    "integers_few": integers(max_tokens=3, mask_token=0),
    "integers_given": integers(vocabulary=[12, 5, 7]),
    "integers_buckets": integers(num_oov_indices=3, mask_token=0),
    "integers_hash": integers(num_oov_indices=5, oov_method="farmhash"),
    "integers_salt": integers(num_oov_indices=5, oov_method="farmhash", salt=11),
    "integers_multi_hot": integers(output_mode="multi_hot", num_oov_indices=2),
    "integers_idf": integers(output_mode="tf_idf", mask_token=0),
    "integers_back": integers(x=[[0, 1, 2, 9]], vocabulary=[12, 5], invert=True),
    # numbers
    "normalization": case(
        "Normalization", {}, numbers(2, 3, 2).tolist(), numbers(5, 3, 2).tolist()
    ),
    "normalization_all": case(
        "Normalization", {"axis": None}, numbers(2, 3).tolist(), numbers(5, 3).tolist()
    ),
    "normalization_axes": case(
        "Normalization", {"axis": [1, 2]}, numbers(2, 3, 2).tolist(), numbers(5, 3, 2).tolist()
    ),
    "normalization_back": case(
        "Normalization", {"invert": True}, numbers(2, 3).tolist(), numbers(5, 3).tolist()
    ),
    "normalization_constant": case("Normalization", {}, [[3.0, 1.0]], [[2.0, 1.0], [2.0, 5.0]]),
    "categories": case("CategoryEncoding", {"num_tokens": 4}, [[0, 1], [2, 2]]),
    "categories_count": case(
        "CategoryEncoding", {"num_tokens": 4, "output_mode": "count"}, [[0, 1], [2, 2]]
    ),
    "categories_one_hot": case(
        "CategoryEncoding", {"num_tokens": 4, "output_mode": "one_hot"}, [3, 1, 2]
    ),
    "categories_column": case(
        "CategoryEncoding", {"num_tokens": 4, "output_mode": "one_hot"}, [[3], [1]]
    ),
    "ranges": case(
        "Discretization", {"bin_boundaries": [0.0, 0.7, 2.0]}, [[-1.5, 1.0, 0.7], [0.0, 2.0, 9.0]]
    ),
    "ranges_count": case(
        "Discretization", {"bin_boundaries": [0.0, 1.0], "output_mode": "count"}, [[-1.5, 1.0, 3]]
    ),
    "ranges_learned": case(
        "Discretization", {"num_bins": 4}, numbers(3, 5).tolist(), numbers(40, 25).tolist()
    ),
    "ranges_few": case(
        "Discretization",
        {"num_bins": 4, "epsilon": 0.01},
        [[-1.5, 1.0, 3.4, 0.5]],
        [[-1.5, 1.0, 3.4, 0.5], [0.0, 3.0, 1.3, 0.0]],
    ),
}
