"""Makes keras_loss_signatures.json: arguments and defaults of Keras's losses and metrics.

python tests/data/make_keras_loss_signatures.py      (in any environment with Keras 3)
"""

import inspect
import json
from pathlib import Path

import keras


def arguments(call):
    """Names and defaults in order; what has no default stands alone."""
    parameters = list(inspect.signature(call).parameters.values())
    return [
        [p.name] if p.default is p.empty else [p.name, p.default]
        for p in parameters
        if p.kind is p.POSITIONAL_OR_KEYWORD
    ]


def main():
    out = {}
    for module in (keras.losses, keras.metrics):
        found = out.setdefault(module.__name__.rpartition(".")[2], {})
        for name, thing in sorted(vars(module).items()):
            if callable(thing) and not name.startswith("_"):
                found[name] = arguments(thing)
    text = json.dumps(out).replace("]], ", "]],\n")  # a line for each
    Path(__file__).with_name("keras_loss_signatures.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
