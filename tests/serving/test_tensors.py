"""Arrays from what clients send, and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from lstmcore.serving.errors import BadRequestError
from lstmcore.serving.protocol import parse_json
from lstmcore.serving.tensors import from_bytes, from_data, to_bytes, to_json_text

DTYPES = {"FP32": np.float32, "FP64": np.float64, "INT32": np.int32, "INT64": np.int64}


@pytest.mark.parametrize("datatype", DTYPES)
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_numbers_go_there_and_back(datatype, data):
    elements = {"allow_nan": False, "allow_infinity": False} if datatype.startswith("FP") else {}
    array = data.draw(arrays(DTYPES[datatype], array_shapes(max_side=3), elements=elements or None))
    raw = b"1" + to_bytes(array)  # at an odd address
    found = from_bytes(memoryview(raw)[1:], datatype, array.shape, "x")
    np.testing.assert_array_equal(found, array)
    found = from_data(parse_json(to_json_text(array, "x").encode()), datatype, array.shape, "x")
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype


@settings(max_examples=20, deadline=None)
@given(texts=st.lists(st.text(max_size=5), max_size=4))
def test_texts_go_there_and_back(texts):
    array = np.array([*texts, None], object)[:-1]
    found = from_bytes(memoryview(to_bytes(array)), "BYTES", (len(texts),), "x")
    assert found.tolist() == texts
    text = to_json_text(array, "x").encode()
    assert from_data(parse_json(text), "BYTES", found.shape, "x").tolist() == texts


def test_no_memory_is_taken_for_what_is_only_claimed():
    for datatype in (*DTYPES, "BYTES"):
        with pytest.raises(BadRequestError, match=r"expected 4611686014132420609 |bytes"):
            from_bytes(memoryview(b"\0" * 8), datatype, (2**31 - 1, 2**31 - 1), "x")
