"""Numbers as people write them."""

import numpy as np
import pytest

from lstmcore.data.numbers import NumberError, is_number, read_numbers

NAN = float("nan")


@pytest.mark.parametrize(
    ("fields", "delimiter", "numbers"),
    [
        (["1", "-2.5", "+3e2", ".5", "7."], ",", [1, -2.5, 300, 0.5, 7]),
        (["1,234", "12,345,678", "5"], ",", [1234, 12345678, 5]),
        (["1,234.5", "-2.25"], ";", [1234.5, -2.25]),
        (["1.234,5", "-2,25", "3"], ";", [1234.5, -2.25, 3]),
        (["1.234.567", "12.000"], ";", [1234567, 12000]),
        (["1,5", "2,25"], ",", [1.5, 2.25]),
        (["1 234,5", "1'234,5", "1\N{NO-BREAK SPACE}234,5"], ";", [1234.5] * 3),
        (
            ["$1,200", "€ 3", "4 USD", "(5)", "$(6.50)", "\N{MINUS SIGN}7"],
            ",",
            [1200, 3, 4, -5, -6.5, -7],
        ),
        (["12 %", "3.5%"], ",", [12, 3.5]),
        (["", "n/a", "NaN", "-", "?", "null", "1"], ",", [NAN] * 6 + [1]),
        (["inf", "1"], ",", [float("inf"), 1]),
    ],
)
def test_notations(fields, delimiter, numbers):
    np.testing.assert_array_equal(read_numbers(fields, delimiter), numbers)


@pytest.mark.parametrize(
    ("fields", "row"),
    [
        (["1", "x"], 1),
        (["1.5", "2,5,6"], 0),
        (["1.234,5", "1,234.5"], 1),
        (["1", "2 kg"], 1),
        (["1_000"], 0),
        (["1", "--2"], 1),
        (["1", "1.2.3"], 1),
    ],
)
def test_what_is_no_number_names_its_row(fields, row):
    with pytest.raises(NumberError, match="not a number") as error:
        read_numbers(fields, ";")
    assert error.value.row == row


def test_groups_or_decimals_are_asked_for():
    with pytest.raises(NumberError, match="whether the comma is the decimal sign"):
        read_numbers(["1,234", "5,678"], ";")


@pytest.mark.parametrize("field", ["", "a", "2024-01-01", "1-2", "12:30", "$"])
def test_fields_that_are_no_numbers(field):
    assert not is_number(field)
