"""Standardization of texts from the web: without HTML, in lower case, for words or characters."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from ...validation import Array
from .text_vectorization import functions, lower_words

_TAGS = (
    "a|abbr|address|article|aside|b|big|blockquote|body|br|button|center|cite|code|dd|del|div|dl|dt|"
    "em|figcaption|figure|font|footer|form|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|label|"
    "li|link|main|meta|nav|ol|option|p|pre|q|s|section|select|small|source|span|strike|strong|sub|"
    "sup|svg|table|tbody|td|textarea|tfoot|th|thead|title|tr|tt|u|ul|video|wbr"
)
# A tag has no attributes or some with values, so that "a <b and c> d" is no tag.  What comments,
# scripts and styles hold is no text; compiled when first used.
_HTML = (
    r"(?is)<!--.*?-->|<!doctype[^>]*>|<(script|style)\b[^>]*>.*?</\1\s*>"
    rf"|</?(?:{_TAGS})(?:\s[^<>]*=[^<>]*)?\s*/?>"
)


def strip_html(text: str) -> str:
    """Return a text without tags, comments, scripts and styles, and with entities as characters.

    A tag becomes a space, ``&amp;`` becomes ``&``. Text that only looks like a tag, such as
    ``x <y> z``, stays.

    Examples
    --------
    >>> from lstmcore.layers.preprocessing.plain_texts import strip_html
    >>> strip_html("a<br/>b &lt; c")
    'a b < c'
    """
    if "<" in text:
        text = re.sub(_HTML, " ", text)
    if "&" not in text:
        return text
    import html  # its table of entities

    return html.unescape(text).replace("\xa0", " ")


def _each(texts: Array, function: Callable[[str], str]) -> Array:
    out = np.empty(texts.shape, object)
    out.reshape(-1)[:] = [function(text) for text in texts.reshape(-1).tolist()]
    return out


@functions.add()
def plain_words(texts: Array) -> Any:
    """Standardize texts for words: `strip_html`, then `lower_words`."""
    return lower_words(_each(texts, strip_html))


@functions.add()
def plain_characters(texts: Array) -> Any:
    """Standardize texts for characters: `strip_html`, lower case, one space for any white space.

    A space stands before and after each text, so that its ends can be told.
    """
    return _each(texts, _with_ends)


def _with_ends(text: str) -> str:
    words = strip_html(text).lower().split()
    return f" {' '.join(words)} " if words else ""
