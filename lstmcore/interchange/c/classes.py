"""The classes that a model's outputs stand for, as constants of the C file."""

from __future__ import annotations

from typing import Any

from .source import Addition


def classes_of(model: Any) -> Addition:
    """Return the names, or the numbers, of a model's classes; nothing for one without."""
    classes = getattr(model, "classes", None)
    if not classes:
        return Addition()
    texts = isinstance(classes[0], str)
    kind = "char *const" if texts else "int64_t"
    names = [_string(c) if texts else str(int(c)) for c in classes]
    array = f"const {kind} @classes[{len(names)}]"
    lines = ",\n".join(f"    {name}" for name in names)
    return Addition(
        macros=f"#define @@_CLASSES {len(names)}\n",
        prototypes=f"/* What the outputs stand for. */\nextern {array};\n",
        code=f"{array} = {{\n{lines},\n}};\n",
    )


def _string(text: str) -> str:
    """Return a text as a C literal of its UTF-8 bytes."""
    plain = {ord(c) for c in " !#$%&'()*+,-./:;<=>@[]^_`{|}~"} - {ord("@")}
    return (
        '"'
        + "".join(
            chr(b) if b in plain or (b < 128 and chr(b).isalnum()) else f"\\{b:03o}"
            for b in text.encode("utf-8")
        )
        + '"'
    )
