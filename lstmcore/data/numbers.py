"""Numbers as people write them: one notation for a whole column."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

NO_VALUE = ("", "na", "n/a", "nan", "null", "none", "-", ".", "?")
_AROUND = re.compile(r"[$€£¥%\s']|\b(?:USD|EUR|GBP|CHF)\b")
_THOUSANDS = {",": re.compile(r"[+-]?\d{1,3}(,\d{3})+"), ".": re.compile(r"[+-]?\d{1,3}(\.\d{3})+")}
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE)


class NumberError(ValueError):
    """Text that is no number; `row` is where."""

    def __init__(self, message: str, row: int) -> None:
        super().__init__(message)
        self.row = row


def is_number(field: str) -> bool:
    """Return True if a field is a number, in whatever notation."""
    bare = _bare(field)
    return bool(_PLAIN.fullmatch(bare) or _PLAIN.fullmatch(bare.replace(",", "")))


def read_numbers(fields: Sequence[str], delimiter: str = ",") -> np.ndarray:
    """Return the numbers of a column as float64, with NaN for fields that have none.

    Signs of currencies, `%`, blanks and apostrophes are left out; ``(12)`` is -12. Whether a comma
    or a point is the decimal sign is what the whole column says: the one that comes last in a
    field, or that does not stand before groups of three digits.

    Parameters
    ----------
    fields : sequence of str
    delimiter : str, default ","
        What separates the file's fields: where that is a comma, ``"1,234"`` has thousands.

    Raises
    ------
    NumberError
        If a field is no number, or the decimal sign cannot be told.
    """
    missing = [field.strip().lower() in NO_VALUE for field in fields]
    bare = ["nan" if no else _bare(field) for field, no in zip(fields, missing, strict=True)]
    sign = _decimal_sign(fields, bare, delimiter)
    numbers = np.full(len(fields), np.nan)
    for row, text in enumerate(bare):
        if missing[row]:
            continue
        other = "." if sign == "," else ","
        if other in text:
            if not _THOUSANDS[other].fullmatch(text.split(sign)[0]) or text.count(sign) > 1:
                raise NumberError(_not_a_number(fields[row]), row)
            text = text.replace(other, "")
        text = text.replace(sign, ".")
        if not _PLAIN.fullmatch(text):
            raise NumberError(_not_a_number(fields[row]), row)
        numbers[row] = float(text)
    return numbers


def _not_a_number(field: str) -> str:
    return f"holds {field[:40]!r}, not a number; write it like 1234.5"


def _bare(field: str) -> str:
    """Return a field without what stands around its digits."""
    text = _AROUND.sub("", field).replace("\N{MINUS SIGN}", "-")
    return f"-{text[1:-1]}" if text.startswith("(") and text.endswith(")") else text


def _decimal_sign(fields: Sequence[str], bare: Sequence[str], delimiter: str) -> str:
    """Return the decimal sign of a column."""
    with_comma = [i for i, text in enumerate(bare) if "," in text]
    if not with_comma:
        several = any(text.count(".") > 1 for text in bare)
        return "," if several and all(_grouped(text, ".") for text in bare if "." in text) else "."
    for i in with_comma:
        text = bare[i]
        if "." in text:
            return "," if text.rfind(",") > text.rfind(".") else "."
        if not _grouped(text, ","):
            return ","
        if text.count(",") > 1:
            return "."
    with_point = [text for text in bare if "." in text]
    if delimiter == "," or any(not _grouped(text, ".") for text in with_point):
        return "."
    row = with_comma[0]
    raise NumberError(
        f"holds {fields[row][:40]!r}, and no row tells whether the comma is the decimal sign; "
        "write numbers like 1234.5",
        row,
    )


def _grouped(text: str, sign: str) -> bool:
    return bool(_THOUSANDS[sign].fullmatch(text))
