"""Files of the UCR and UEA archives."""

import gzip

import numpy as np
import pytest

from lstmcore.data import DataError, read_ts

HEAD = """# any text
@problemName Two Movements
@timeStamps false
@univariate false
@classLabel true up down
"""


def written(tmp_path, text, name="some.ts"):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def test_variables_classes_and_missing_values(tmp_path):
    text = HEAD + "@data\n1,2.5,?:4,5,-6e-1:up\n\n# between\n NaN, 2,1:0,0,0: down \n"
    for name in ("some.ts", "some.ts.gz"):
        found = read_ts(written(tmp_path, text, name), "float32")
        assert found.x.dtype == np.float32
        np.testing.assert_array_equal(
            found.x,
            np.array([[[1, 4], [2.5, 5], [np.nan, -0.6]], [[np.nan, 0], [2, 0], [1, 0]]], "f4"),
        )
        assert found.y.tolist() == ["up", "down"]
        assert (found.classes, found.name, len(found)) == (("up", "down"), "Two Movements", 2)


def test_series_of_different_lengths_are_a_list(tmp_path):
    found = read_ts(written(tmp_path, HEAD + "@equalLength false\n@data\n1:2:up\n1,2:3,4:up\n"))
    assert [one.tolist() for one in found.x] == [[[1, 2]], [[1, 3], [2, 4]]]
    assert found.classes == ("up", "down")  # the second has no series


def test_targets_of_regression_and_no_labels(tmp_path):
    path = written(tmp_path, "@targetlabel true\r\n@data\r\n1,2:0.5\r\n3,4:-7\r\n")
    assert read_ts(path).y.tolist() == [0.5, -7]
    found = read_ts(written(tmp_path, "@classLabel false\n@data\n1,2\n3,4\n"))
    assert found.y is None
    assert found.x.shape == (2, 2, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD, "no line @data"),
        (HEAD + "1,2:up\n", "line 6: expected a line that begins with @"),
        (HEAD + "@data\n", "no series below @data"),
        ("@timeStamps true\n@data\n(1,2)\n", "line 2: the header says @timeStamps true"),
        ("@univariate maybe\n@data\n1\n", "line 1: @univariate: expected true or false, got 'm"),
        ("@dimensions two\n@data\n1\n", "line 1: @dimensions: expected a whole number"),
        (HEAD + "@data\n1,2:sideways\n", "line 7: the class 'sideways' is not in the header"),
        (HEAD + "@data\n1,2:1,x:up\n", "line 7: variable 2, step 2: .* got 'x'"),
        (HEAD + "@data\n1,,2:up\n", "line 7: variable 1, step 2: .* got ''"),
        (HEAD + "@data\n1,2:3:up\n", "line 7: variable 2 has 1 steps, variable 1 has 2"),
        (HEAD + "@data\n1:2:up\n1:up\n", "line 8: expected 2 variables, got 1"),
        (HEAD + "@data\nup\n", "line 7: expected some variables, got 0"),
        (HEAD + "@seriesLength 3\n@data\n1,2:up\n", "line 8: expected 3 steps, got 2"),
        (HEAD + "@equalLength true\n@data\n1:up\n1,2:up\n", "line 9: expected 1 steps, got 2"),
        ("@univariate true\n@data\n1:2\n", "line 3: expected 1 variables, got 2"),
        ("@targetLabel true\n@data\n1:big\n", "line 3: expected a number as target, got 'big'"),
    ],
)
def test_errors_name_file_and_line(tmp_path, text, message):
    with pytest.raises(DataError, match=rf"some\.ts.*{message}"):
        read_ts(written(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match=r"none\.ts cannot be read"):
        read_ts(tmp_path / "none.ts")
