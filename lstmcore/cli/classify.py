"""``lstmcore classify train | predict | evaluate``: classification of texts."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any

from .common import (
    CommandError,
    add_computing,
    add_output,
    add_plot,
    best_model_callback,
    is_silent,
    model_path,
    plot_path,
    print_json,
    print_progress,
    read_model,
    real_number,
    table,
    verbose,
    whole_number,
)

if TYPE_CHECKING:
    from ..classification import Evaluation, TextClassifier
    from ..data import LabelledTexts

DEFAULT_MODEL = "lstmcore-classifier.safetensors"
DATA = (
    "DATA is a CSV or TSV file in UTF-8 whose first line names the columns, or a folder that has\n"
    "a folder of .txt files for each class."
)


def add(commands: Any) -> None:
    """Add the parsers of the command."""
    parser = commands.add_parser(
        "classify",
        help="classify texts: train, predict, evaluate",
        description=f"Classify texts with an LSTM over their words or characters.\n\n{DATA}",
        epilog=(
            "examples:\n"
            "  lstmcore classify train reviews.tsv --model reviews.safetensors\n"
            '  lstmcore classify predict "what a film" --model reviews.safetensors'
        ),
    )
    parts = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_train(parts)
    _add_predict(parts)
    _add_evaluate(parts)


def _add_train(parts: Any) -> None:
    parser = parts.add_parser(
        "train",
        help="train on labelled texts",
        description=f"Train on labelled texts, and test on some that are held out.\n\n{DATA}",
        epilog=(
            "examples:\n"
            "  lstmcore classify train reviews.tsv\n"
            "  lstmcore classify train reviews.csv --text-column comment --label-column stars\n"
            "  lstmcore classify train aclImdb/train --test aclImdb/test --plot confusion.png"
        ),
    )
    parser.set_defaults(execute=train)
    option = parser.add_argument
    option("data", metavar="DATA", help="a CSV or TSV file, or a folder")
    _add_columns(parser)
    option("--model", metavar="PATH", default=DEFAULT_MODEL, help="where to write the classifier")
    test = parser.add_mutually_exclusive_group()
    test.add_argument("--test", metavar="DATA", help="test on these instead of a part of DATA")
    test.add_argument(
        *("--test-share",),
        metavar="X",
        type=real_number(0, 0.9),
        default=0.1,
        help="share of each class that is held out for the test, 0 for none (default: 0.1)",
    )
    option(
        "--level",
        choices=("word", "char"),
        help="what a text consists of: words, or characters as for names (default: word)",
    )
    number = whole_number(1)
    rate = real_number(0, 0.99)
    option(
        "--units",
        metavar="N",
        type=number,
        help="units of the LSTM per direction (default: 32; char: 64)",
    )
    option("--vectors", metavar="FILE", help="word vectors to begin with: .vec, .txt or .bin")
    option("--embedding", metavar="N", type=number, help="size of a word's vector (default: 64)")
    option("--dropout", metavar="X", type=rate, help="0 to 0.99 (default: 0.5; char: 0.3)")
    option(
        "--max-tokens",
        metavar="N",
        type=whole_number(3),
        help="size of the vocabulary (default: 20000)",
    )
    option("--max-words", metavar="N", type=number, help="words read of each text (default: 500)")
    option("--epochs", metavar="N", type=number, help="at most (default: 10; char: 40)")
    option("--batch-size", metavar="N", type=number, help="texts in a batch (default: 32)")
    option("--balanced", action="store_true", help="give all classes the same weight")
    add_computing(parser)
    add_plot(parser)
    add_output(parser)


def _add_predict(parts: Any) -> None:
    parser = parts.add_parser(
        "predict",
        help="predict the classes of texts",
        description=(
            "Print the class of each text, its probability and the text, separated by tabs.\n"
            "Without TEXT and --data each line of the standard input is a text."
        ),
        epilog=(
            "examples:\n"
            '  lstmcore classify predict "what a film"\n'
            "  lstmcore classify predict --data new.csv --json\n"
            "  cat comments.txt | lstmcore classify predict"
        ),
    )
    parser.set_defaults(execute=predict)
    option = parser.add_argument
    option("texts", metavar="TEXT", nargs="*", help="texts")
    option("--data", metavar="DATA", help="a CSV or TSV file, or a folder")
    _add_columns(parser, label=False)
    _add_model(parser)
    add_computing(parser, seed=False)
    option("--json", action="store_true", help="print as JSON, with all classes' probabilities")


def _add_evaluate(parts: Any) -> None:
    parser = parts.add_parser(
        "evaluate",
        help="test on labelled texts",
        description=f"Test a classifier on labelled texts.\n\n{DATA}",
        epilog="example:\n  lstmcore classify evaluate more.tsv --plot confusion.png",
    )
    parser.set_defaults(execute=evaluate)
    parser.add_argument("data", metavar="DATA", help="a CSV or TSV file, or a folder")
    _add_columns(parser)
    _add_model(parser)
    add_computing(parser, seed=False)
    add_plot(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _add_columns(parser: argparse.ArgumentParser, label: bool = True) -> None:
    add = parser.add_argument
    add("--text-column", metavar="NAME", help="the column of texts (default: text, review, ...)")
    if label:
        add(
            "--label-column",
            metavar="NAME",
            help="the column of labels (default: label, class, ...)",
        )


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        *("--model",),
        metavar="PATH",
        default=DEFAULT_MODEL,
        help=f"the trained classifier (default: {DEFAULT_MODEL})",
    )


# --- commands ------------------------------------------------------------------------------------


def train(args: argparse.Namespace) -> None:
    """Execute ``classify train``."""
    from ..classification import TextClassifier
    from ..data import read_labelled_texts

    path, plot = model_path(args.model), plot_path(args)
    data = read_labelled_texts(args.data, args.text_column, args.label_column)
    labels = data.check_labels()
    test = None
    if args.test:
        test = read_labelled_texts(args.test, args.text_column, args.label_column)
        test.check_labels(sorted(set(labels)))
    else:
        data, test = _hold_out(data, args.test_share)
    if plot and test is None:
        raise CommandError("--plot shows a test; give --test DATA or a --test-share above 0")
    names = (
        "level",
        "units",
        "embedding",
        "vectors",
        "dropout",
        "max_tokens",
        "max_words",
        "epochs",
        "batch_size",
    )
    given = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    classifier = TextClassifier(**given, balanced=args.balanced, verbose=verbose(args))
    print_progress(args, *_introduce(data, test))
    start = time.perf_counter()
    with best_model_callback(lambda: classifier.save(path), path) as best_model:
        classifier.fit(data.texts, data.check_labels(), callbacks=[best_model])
    seconds = time.perf_counter() - start
    classifier.save(path)
    tested = None if test is None else _evaluate(classifier, test, plot)
    floor = _floor_accuracy(classifier, test)
    if args.json:
        found = _training_to_json(classifier, data, tested, seconds, path, plot)
        print_json({**found, "floor_accuracy": floor})
        return
    lines = [f"training  {seconds:.1f} s, {len(classifier.history_['loss'])} epochs"]
    lines += [f"model     {path}"] + ([f"plot      {plot}"] if plot else [])
    if tested is not None:
        lines = [
            *_report(tested),
            f"floor     {floor:.4f} by naive Bayes on character n-grams",
            "",
            *lines,
        ]
    print(*([] if is_silent(args) else [""]), *lines, sep="\n")


def _floor_accuracy(classifier: TextClassifier, test: LabelledTexts | None) -> float | None:
    """Return the accuracy of naive Bayes on character n-grams on the test."""
    if test is None:
        return None
    names = [str(name) for name in classifier.classes_]
    found = [names[i] for i in classifier.floor_.predict(test.texts)]
    labels = test.check_labels(names)
    return sum(map(str.__eq__, found, labels)) / len(labels)


def _hold_out(data: LabelledTexts, share: float) -> tuple[LabelledTexts, LabelledTexts | None]:
    from ..data import split_by_label
    from ..random.generator import generator

    rows, held = split_by_label(data.labels or [], share, generator())
    return data.part(rows), data.part(held) if len(held) else None


def predict(args: argparse.Namespace) -> None:
    """Execute ``classify predict``."""
    from ..data import read_labelled_texts

    if args.texts and args.data:
        raise CommandError("give either TEXT or --data, not both")
    if args.data:
        texts = read_labelled_texts(args.data, args.text_column, labels=False).texts
    else:
        texts = args.texts or [line.strip() for line in _standard_input() if line.strip()]
    if not texts:
        raise CommandError("there are no texts; give TEXT, --data FILE, or lines on standard input")
    classifier = _read(args.model)
    probabilities = classifier.predict_proba(texts)
    best = probabilities.argmax(axis=1)
    names = [str(name) for name in classifier.classes_]
    if args.json:
        rows = zip(texts, best, probabilities.astype(float).tolist(), strict=True)
        print_json(
            [
                {"text": text, "class": names[i], "probabilities": dict(zip(names, p, strict=True))}
                for text, i, p in rows
            ]
        )
        return
    for text, i, row in zip(texts, best, probabilities, strict=True):
        print(f"{names[i]}\t{row[i]:.3f}\t{' '.join(text.split())}")


def _standard_input() -> list[str]:
    if sys.stdin.isatty():
        return []
    try:
        return sys.stdin.read().splitlines()
    except UnicodeDecodeError as error:
        raise CommandError(
            f"standard input is not UTF-8 text (byte {error.start}); convert it first"
        ) from None


def evaluate(args: argparse.Namespace) -> None:
    """Execute ``classify evaluate``."""
    from ..data import read_labelled_texts

    plot = plot_path(args)
    data = read_labelled_texts(args.data, args.text_column, args.label_column)
    tested = _evaluate(_read(args.model), data, plot)
    if args.json:
        print_json({**tested.to_json(), "plot": plot})
        return
    print(*_report(tested), *([f"\nplot      {plot}"] if plot else []), sep="\n")


def _read(path: str) -> TextClassifier:
    from ..classification import TextClassifier

    found = TextClassifier.of(read_model(path), path)
    if found.multi_label:
        raise CommandError(
            f"{path} gives several labels to a text; in Python TextClassifier.load reads it"
        )
    return found


def _evaluate(classifier: TextClassifier, data: LabelledTexts, plot: str | None) -> Evaluation:
    names = [str(name) for name in classifier.classes_]
    labels = data.check_labels(names)
    known = dict(zip(names, classifier.classes_, strict=True))
    tested: Evaluation = classifier.evaluate(data.texts, [known[label] for label in labels])
    if plot:
        from ..plotting import plot_confusion

        numbers = [names.index(label) for label in labels]
        found = classifier.predict_proba(data.texts)
        plot_confusion(numbers, found, names, title=data.source, to_file=plot)
    return tested


# --- reports -------------------------------------------------------------------------------------


def _introduce(data: LabelledTexts, test: LabelledTexts | None) -> list[str]:
    labels = data.labels or []
    counts = sorted(((labels.count(name), name) for name in set(labels)), reverse=True)
    shown = ", ".join(f"{name} ({count})" for count, name in counts[:8])
    more = f" and {len(counts) - 8} more" if len(counts) > 8 else ""
    lines = [f"texts     {len(data)} from {data.source}: {shown}{more}"]
    if test is not None:
        where = "set apart" if test.source == data.source else f"from {test.source}"
        lines.append(f"test      {len(test)} {where}")
    return [*lines, ""]


def _report(tested: Evaluation) -> list[str]:
    rows = zip(
        tested.classes, tested.precision, tested.recall, tested.f1, tested.support, strict=True
    )
    numbers = [[str(name), f"{p:.3f}", f"{r:.3f}", f"{f:.3f}", str(n)] for name, p, r, f, n in rows]
    lines = table(["class", "precision", "recall", "F1", "texts"], numbers)
    if len(tested.classes) <= 12:
        names = [str(name) for name in tested.classes]
        counts = [[name, *map(str, row)] for name, row in zip(names, tested.confusion, strict=True)]
        lines += ["", *table(["true \\ predicted", *names], counts)]
    return [
        *lines,
        "",
        f"accuracy  {tested.accuracy:.4f} on {int(tested.support.sum())} texts; always saying "
        f"{str(tested.classes[tested.usual])!r}: {tested.majority:.4f}",
    ]


def _training_to_json(
    classifier: TextClassifier,
    data: LabelledTexts,
    tested: Evaluation | None,
    seconds: float,
    path: str,
    plot: str | None,
) -> dict[str, Any]:
    return {
        "model": path,
        "texts": len(data),
        "classes": classifier.classes_,
        "vocabulary": classifier.model_.vectorization.vocabulary_size(),
        "epochs": len(classifier.history_["loss"]),
        "history": classifier.history_,
        "seconds": seconds,
        "test": None if tested is None else tested.to_json(),
        "plot": plot,
    }
