"""Learn to write from a text, see how well it is predicted, and write on from a prompt.

    python examples/generate_text.py                # Python's own documentation, minutes
    python examples/generate_text.py book.txt --level word --epochs 20

The model is saved with its vocabulary to one file, which `LanguageModel.load` reads.
"""

import argparse
import math

from lstmcore.text import LanguageModel, count_baselines, python_documentation, read_text
from lstmcore.utils import set_random_seed

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("file", nargs="?", help="a text in UTF-8")
parser.add_argument("--level", choices=("char", "word"), default="char")
parser.add_argument("--units", type=int, default=256)
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--characters", type=int, help="use only the first N characters")
parser.add_argument("--prompt", default="The ")
parser.add_argument("--model", default="writer.safetensors")


def main(argv: list[str] | None = None) -> float:
    """Train, evaluate and generate; return the nats per character of the held-out text."""
    args = parser.parse_args(argv)
    set_random_seed(0)
    text = read_text(args.file) if args.file else python_documentation()
    text = text[: args.characters]
    cut = round(len(text) * 0.9)
    learned, held_out = text[:cut], text[cut:]

    model = LanguageModel(args.level, units=args.units, layers=2)
    model.fit(learned, epochs=args.epochs, validation_text=held_out)
    model.save(args.model)

    # How well does it predict a text it has not seen, and how well do counts?
    found = model.evaluate(held_out, context=learned[-1000:])
    known = model.vocabulary
    counts = count_baselines(known.encode(learned), known.encode(held_out), len(known))
    print(f"\nheld-out text: {found['nats_per_character']:.3f} nats per character")
    print(f"perplexity of a token: {found['perplexity']:.2f}", end="")
    print(f"; by pairs of tokens alone: {math.exp(counts['bigram']):.2f}\n")

    again = LanguageModel.load(args.model)
    for temperature in (0.3, 0.8, 1.2):
        print(f"--- temperature {temperature}")
        print(args.prompt + again.generate(args.prompt, 200, temperature, seed=1))
    print("--- the 20 likeliest tokens, up to the end of a sentence")
    print(args.prompt + again.generate(args.prompt, 200, top_k=20, seed=1, stop=[".", "\n"]))
    return found["nats_per_character"]


if __name__ == "__main__":
    main()
