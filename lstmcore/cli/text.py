"""``lstmcore text``: training of language models, and generation of text."""

from __future__ import annotations

import argparse
import time
from typing import Any

from .common import (
    CommandError,
    Parser,
    add_computing,
    add_output,
    best_model_callback,
    is_silent,
    model_path,
    print_json,
    print_progress,
    read_model,
    real_number,
    table,
    verbose,
    whole_number,
)

DEFAULT_MODEL = "lstmcore-text.safetensors"
MIN_LENGTH = 1000  # characters to train on


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "text",
        help="train a language model of characters or words, and generate text",
        description="Train a language model on a text, and generate text with it.",
        epilog=(
            "examples:\n"
            "  lstmcore text train\n"
            "  lstmcore text train book.txt --level word --model book.safetensors\n"
            "  lstmcore text generate --model book.safetensors --prompt 'The king'"
        ),
    )
    parts = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, parser_class=Parser
    )
    _add_train(parts)
    _add_generate(parts)


def _add_train(parts: Any) -> None:
    parser = parts.add_parser(
        "train",
        help="train on a text",
        description=(
            "Train a language model on a text without its last 10 %, and evaluate it on those:\n"
            "the mean of -log p of a character in nats, compared with counts of characters or\n"
            "words and of their pairs. The model file has the best epoch's weights and the\n"
            "vocabulary; Ctrl-C ends the training and leaves the file."
        ),
        epilog=(
            "examples:\n"
            "  lstmcore text train\n"
            "  lstmcore text train book.txt --epochs 20 --model book.safetensors\n"
            "  lstmcore text train book.txt --level word --units 256 --json"
        ),
    )
    parser.set_defaults(execute=train)
    option, number = parser.add_argument, whole_number(1)
    option(
        *("file",),
        metavar="FILE",
        nargs="?",
        help="a text in UTF-8, or such a file compressed as .gz (default: Python's documentation)",
    )
    option("--level", choices=("char", "word"), default="char", help="tokens (default: char)")
    option("--units", metavar="N", type=number, default=256, help="of each LSTM (default: 256)")
    option("--layers", metavar="N", type=number, default=2, help="number of LSTMs (default: 2)")
    option(
        *("--dropout",),
        metavar="X",
        type=real_number(0, 0.9),
        default=0.1,
        help="dropout rate between layers (default: 0.1)",
    )
    option(
        "--epochs", metavar="N", type=number, default=10, help="passes over the text (default: 10)"
    )
    option("--batch-size", metavar="N", type=number, default=32, help="rows (default: 32)")
    option(
        "--steps", metavar="N", type=number, default=64, help="time steps of a batch (default: 64)"
    )
    option(
        *("--learning-rate",),
        metavar="X",
        type=real_number(0, 1, open_low=True),
        default=4e-3,
        help="of Adam at the beginning (default: 0.004)",
    )
    option(
        *("--max-tokens",),
        metavar="N",
        type=number,
        help="largest size of the vocabulary (default: 10000 words, all characters)",
    )
    option("--model", metavar="PATH", default=DEFAULT_MODEL, help=f"(default: {DEFAULT_MODEL})")
    option(
        *("--sample",),
        metavar="N",
        type=whole_number(0),
        help="tokens to generate after every epoch (default: 120 characters, 30 words)",
    )
    add_computing(parser)
    add_output(parser)


def _add_generate(parts: Any) -> None:
    parser = parts.add_parser(
        "generate",
        help="generate text with a model",
        description="Generate text with a model that `lstmcore text train` has written.",
        epilog=(
            "examples:\n"
            "  lstmcore text generate --prompt 'The list '\n"
            "  lstmcore text generate --model book.safetensors -n 2000 --temperature 0.7 --seed 3\n"
            "  lstmcore text generate --prompt 'ROMEO:' --stop JULIET --top-p 0.9"
        ),
    )
    parser.set_defaults(execute=generate)
    option = parser.add_argument
    option("--model", metavar="PATH", default=DEFAULT_MODEL, help=f"(default: {DEFAULT_MODEL})")
    option("--prompt", metavar="TEXT", default="", help="text to continue (default: a new line)")
    option("-n", metavar="N", type=whole_number(1), default=500, help="tokens (default: 500)")
    option(
        *("--temperature",),
        metavar="X",
        type=real_number(0),
        default=0.8,
        help="0: always the most likely; 1: the model's distribution (default: 0.8)",
    )
    option("--top-k", metavar="N", type=whole_number(1), help="sample from the N most likely only")
    option(
        *("--top-p",),
        metavar="X",
        type=real_number(0, 1, open_low=True),
        help="sample from the fewest tokens that together have this probability",
    )
    option("--stop", metavar="TEXT", action="append", help="end before this; may be repeated")
    add_computing(parser)
    option("--json", action="store_true", help="print the result as JSON, and nothing else")


# --- train ---------------------------------------------------------------------------------------


def train(args: argparse.Namespace) -> None:
    """Execute ``text train``."""
    path = model_path(args.model)
    from ..data import DataError
    from ..text import LanguageModel, python_documentation, read_text

    text = read_text(args.file) if args.file else python_documentation()
    name = args.file or "Python's documentation"
    if len(text) < MIN_LENGTH:
        raise DataError(
            f"{name} has {len(text)} characters; {MIN_LENGTH} are the least to learn from"
        )
    cut = round(len(text) * 0.9)
    learned, held = text[:cut], text[cut:]
    model = LanguageModel(
        args.level, args.units, args.layers, dropout=args.dropout, max_tokens=args.max_tokens
    )
    print_progress(args, f"{name}: {len(text):,} characters, the last {len(held):,} held out", "")
    start = time.perf_counter()
    with best_model_callback(lambda: model.save(path), path) as best_model:
        history = model.fit(
            learned,
            args.epochs,
            batch_size=args.batch_size,
            steps=args.steps,
            learning_rate=args.learning_rate,
            validation_text=held,
            verbose=verbose(args),
            callbacks=[best_model, *_sample_callbacks(args, model)],
        )
    seconds = time.perf_counter() - start
    found = {"file": args.file, "model": path, "seconds": seconds}
    found |= _result(model, learned, held)
    found |= {"epochs": len(history.epoch), "best_epoch": best_model.best_epoch + 1}
    if args.json:
        print_json(found | {"history": history.history})
    else:
        print(*([] if is_silent(args) else [""]), *_report(found), sep="\n")


def _sample_callbacks(args: argparse.Namespace, model: Any) -> list[Any]:
    """Return a callback that prints generated text after every epoch, unless suppressed."""
    length = {"char": 120, "word": 30}[args.level] if args.sample is None else args.sample
    if is_silent(args) or not length:
        return []
    from ..callbacks import LambdaCallback
    from ..callbacks.base import message

    def show(epoch: int, logs: Any) -> None:
        nats = f"{logs['val_bits_per_character'] * 0.6931471805599453:.4f} nats per character"
        text = model.generate("", length, 0.8, seed=args.seed + epoch)
        message(f"  held out: {nats}; it writes: {' / '.join(text.split(chr(10)))}")

    return [LambdaCallback(on_epoch_end=show)]


def _result(model: Any, learned: str, held: str) -> dict[str, Any]:
    """Evaluate the best model and count baselines on the held-out text."""
    from ..text import count_baselines

    vocabulary = model.vocabulary
    found = model.evaluate(held, learned[-2000:])
    train, test = vocabulary.encode(learned), vocabulary.encode(held)
    counts = count_baselines(train, [train[-1], *test], len(vocabulary))
    share = found["tokens"] / len(held)
    return {
        "level": model.level,
        "vocabulary": len(vocabulary),
        "parameters": model.model.count_params(),
        "held_out": {**found, "characters": len(held)},
        "baselines": {name: {"nats_per_character": v * share} for name, v in counts.items()},
    }


def _report(found: dict[str, Any]) -> list[str]:
    held, counts = found["held_out"], found["baselines"]
    what = {"char": "characters", "word": "words"}[found["level"]]
    rows = [("LSTM", held), (f"pairs of {what}", counts["bigram"]), (what, counts["unigram"])]
    lines = table(
        ("last 10 %, held out", "nats", "bits per character"),
        [
            (name, f"{v['nats_per_character']:.4f}", f"{v['nats_per_character'] / 0.693147:.4f}")
            for name, v in rows
        ],
    )
    unknown = f", {held['unknown']:,} of {held['tokens']:,} held-out tokens unknown"
    return [
        *lines,
        "",
        f"perplexity per token {held['perplexity']:.4g}; {found['vocabulary']:,} tokens{unknown}",
        f"{found['parameters']:,} weights; best of {found['epochs']} epochs: number "
        f"{found['best_epoch']}; {found['seconds']:.0f} s",
        f"model: {found['model']}",
    ]


# --- generate ------------------------------------------------------------------------------------


def generate(args: argparse.Namespace) -> None:
    """Execute ``text generate``."""
    from ..text import LanguageModel, Sampling

    inner = read_model(args.model)
    if getattr(inner, "vocabulary", None) is None:
        raise CommandError(f"{args.model} has no vocabulary; make a model with lstmcore text train")
    model = LanguageModel(model=inner)
    sampling = Sampling(args.temperature, args.top_k, args.top_p)
    start = time.perf_counter()
    try:
        pieces = model.write(args.prompt, args.n, sampling, stop=args.stop)
        if not args.json:
            print(args.prompt, end="")
            for piece in pieces:
                print(piece, end="", flush=True)
            print()
            return
        text = "".join(pieces)
    except ValueError as error:
        raise CommandError(str(error)) from None
    seconds = time.perf_counter() - start
    print_json({"prompt": args.prompt, "text": text, "seconds": seconds, "model": args.model})
