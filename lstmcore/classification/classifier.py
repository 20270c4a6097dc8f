"""TextClassifier: vocabulary, network and classes in one object and one file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ..callbacks import Callback, EarlyStopping
from ..data import DataError, split_by_label, warn_if_no_better
from ..layers import (
    LSTM,
    Bidirectional,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    GlobalAveragePooling1D,
    Input,
    TextVectorization,
)
from ..layers.preprocessing.plain_texts import plain_characters, plain_words
from ..models.texts import TextReader
from ..names import nearest
from ..optimizers import Adam
from ..random.generator import generator, seeded
from ..refused.arguments import checked
from ..saving import load_model
from ..text.vectors import embedding_matrix
from ..validation import number, whole
from .evaluation import evaluate_classes
from .floor import NgramFloor
from .multi_label import (
    THRESHOLD,
    MultiLabelEvaluation,
    as_matrix,
    label_sets,
    names_of,
    usual_answers,
)
from .texts import as_labels, as_texts, warn_of_twins

Array = np.ndarray[Any, Any]
# characters are few and their sequences long: more and larger steps, fewer of them left out
DEFAULTS: dict[str, dict[str, Any]] = {
    "word": {"units": 32, "epochs": 10, "learning_rate": 1e-3, "word_dropout": 0.2, "dropout": 0.5},
    "char": {
        "units": 64,
        "epochs": 40,
        "learning_rate": 3e-3,
        "word_dropout": 0.05,
        "dropout": 0.3,
    },
}
STANDARDIZE = {"word": plain_words, "char": plain_characters}
FEWEST = 20  # held-out texts that say anything
ADVICE = "try level='char' or 'word', more texts, more epochs or another learning_rate"


class TextClassifier:
    """Classifier of texts by an LSTM over their words or characters.

    Embeddings of the words are learned with the network. The last output of a bidirectional LSTM
    over them and the mean of the embeddings are the input of a softmax. HTML tags are left out of
    texts, and entities such as ``&amp;`` are read as characters.

    Parameters
    ----------
    level : {"word", "char"}, default "word"
        What a text consists of. Characters suit names, codes, and languages without spaces; read
        "word" below as character then.
    units : int, optional
        Units of the LSTM in each direction; by default 32 for words, 64 for characters.
    embedding : int, default 64
        The length of a word's embedding vector.
    vectors : path-like, optional
        A file of word vectors that others have trained, to begin with: word2vec's, GloVe's or
        fastText's; see `lstmcore.text.read_vectors`. Its vectors' length replaces `embedding`.
    bidirectional : bool, default True
    word_dropout : float, optional
        The share of words whose embeddings are dropped in training; by default 0.2 of words, 0.05
        of characters.
    dropout : float, optional
        The dropout rate before and after the LSTM; by default 0.5 for words, 0.3 for characters.
    max_tokens : int, default 20000
        The largest size of the vocabulary, which has the most frequent words.
    max_words : int, optional
        Truncate texts to this number of words; by default 500.
    epochs : int, optional
        The largest number of epochs; by default 10 for words, 40 for characters.
    batch_size : int, default 32
    learning_rate : float, optional
        The learning rate of Adam; by default 0.001 for words, 0.003 for characters.
    validation_fraction : float, default 0.1
        The share of each class that is held out for early stopping; 0 to train for all epochs.
    patience : int, default 2
        Epochs without a lower validation loss after which training stops. The best weights are
        restored.
    multi_label : bool, default False
        True if a text may have several labels, or none: `labels` are lists or sets, and so are
        predictions, which have the labels of a probability of at least 0.5.
    balanced : bool, default False
        Give all classes the same total weight, whatever their number of texts.
    random_state : int, optional
        Makes training repeatable. By default the library's generator is used (`set_random_seed`).
    verbose : {"auto", 0, 1, 2}
        Progress of training, as in `Model.fit`.

    Attributes
    ----------
    model_ : TextReader
        The network and its vocabulary; its `predict` takes texts.
    classes_ : list
    history_ : dict of str to list of float
        The history of training; empty in a classifier read from a file.
    floor_ : NgramFloor
        Naive Bayes on character n-grams, fitted to the same texts; not in files. A
        `BaselineWarning` is given if the network is no better on the held-out texts.

    Examples
    --------
    >>> from lstmcore.classification import TextClassifier
    >>> texts = ["a good film", "good fun", "a bad film", "too bad"] * 10
    >>> labels = ["pos", "pos", "neg", "neg"] * 10
    >>> model = TextClassifier(units=8, learning_rate=0.01, random_state=0, verbose=0)
    >>> model.fit(texts, labels).predict(["what a good book", "bad"]).tolist()
    ['pos', 'neg']
    """

    @checked
    def __init__(
        self,
        *,
        level: str = "word",
        units: int | None = None,
        embedding: int = 64,
        vectors: str | os.PathLike[str] | None = None,
        bidirectional: bool = True,
        word_dropout: float | None = None,
        dropout: float | None = None,
        max_tokens: int = 20000,
        max_words: int = 500,
        epochs: int | None = None,
        batch_size: int = 32,
        learning_rate: float | None = None,
        validation_fraction: float = 0.1,
        patience: int = 2,
        multi_label: bool = False,
        balanced: bool = False,
        random_state: int | None = None,
        verbose: Any = "auto",
    ) -> None:
        if level not in DEFAULTS:
            raise ValueError(f"level: expected 'word' or 'char', got {level!r}")
        self.level, usual = level, DEFAULTS[level]
        self.units = whole("units", units, usual["units"])
        self.embedding = whole("embedding", embedding, 64)
        self.vectors = vectors
        self.bidirectional = bool(bidirectional)
        self.word_dropout = number(
            "word_dropout", _given(word_dropout, usual["word_dropout"]), 0.999
        )
        self.dropout = number("dropout", _given(dropout, usual["dropout"]), 0.999)
        self.max_tokens = whole("max_tokens", max_tokens, 20000, least=3)
        self.max_words = whole("max_words", max_words, 500)
        self.epochs = whole("epochs", epochs, usual["epochs"])
        self.batch_size = whole("batch_size", batch_size, 32)
        rate = _given(learning_rate, usual["learning_rate"])
        self.learning_rate = number("learning_rate", rate, above=True)
        self.validation_fraction = number("validation_fraction", validation_fraction, 0.999)
        self.patience = whole("patience", patience, 2, least=0)
        self.multi_label = bool(multi_label)
        self.balanced = bool(balanced)
        if self.multi_label and self.balanced:
            raise ValueError("balanced: classes of a text with several labels have no own weights")
        self.random_state = random_state
        self.verbose = verbose
        self.history_: dict[str, list[float]] = {}

    # -- fit -------------------------------------------------------------------------------

    @checked
    def fit(self, texts: Any, labels: Any, *, callbacks: Sequence[Callback] | None = None) -> Self:
        """Build the vocabulary and train the network.

        Parameters
        ----------
        texts : list, array or column of str
        labels : list, array or column of str or int
            With `multi_label` a list of lists or sets of these.
        callbacks : list of Callback, optional

        Returns
        -------
        self

        Raises
        ------
        DataError
            If the texts or labels cannot be used; the message is one line.
        """
        texts = as_texts(texts)
        given: Any = label_sets(labels) if self.multi_label else as_labels(labels)
        if len(given) != len(texts):
            raise DataError(f"labels: expected {len(texts)}, as there are texts, got {len(given)}")
        numbers = self._targets(given)
        with seeded(self.random_state):
            rows, held = self._split(numbers)
            train = [texts[i] for i in rows]
            multi = self.multi_label
            counts = numbers[rows].sum(0).astype(int) if multi else np.bincount(numbers[rows])
            self.model_ = self._build(train, counts)
            all_callbacks = list(callbacks or ())
            validation = None
            if len(held):
                x = self.model_.numbers([texts[i] for i in held])
                validation = (x, numbers[held])
                all_callbacks.append(
                    EarlyStopping(patience=self.patience, restore_best_weights=True)
                )
            try:
                self.model_.fit(
                    self.model_.numbers(train),
                    numbers[rows],
                    batch_size=self.batch_size,
                    epochs=self.epochs,
                    verbose=self.verbose,
                    validation_data=validation,
                    class_weight=self._class_weight(numbers[rows]),
                    callbacks=all_callbacks,
                )
            finally:  # also after an interrupt, which leaves a working classifier
                history = self.model_.history
                self.history_ = {} if history is None else history.history
        if not self.multi_label:
            self.floor_ = NgramFloor().fit(train, numbers[rows], len(self.classes_))
        if len(held) >= FEWEST:
            compare = self._compare_labels if self.multi_label else self._compare
            compare([texts[i] for i in held], numbers[held], numbers[rows])
        return self

    def _targets(self, given: Any) -> Array:
        """Set `classes_`; return the number of each text's class, or with labels a matrix."""
        if self.multi_label:
            self.classes_ = names_of(given)
            return as_matrix(given, self.classes_)
        warn_of_twins(given)
        self.classes_ = np.unique(given).tolist()
        if len(self.classes_) < 2:
            raise DataError(
                f"all texts have the label {self.classes_[0]!r}; a classifier needs two classes "
                "to tell apart"
            )
        return np.asarray(np.searchsorted(self.classes_, given))

    def _split(self, numbers: Array) -> tuple[Array, Array]:
        """Return the rows to train on and those held out, of each class the same share."""
        if not self.multi_label:
            return split_by_label(numbers, self.validation_fraction, generator())
        order = generator().permutation(len(numbers))
        count = round(self.validation_fraction * len(numbers))
        return np.sort(order[count:]), np.sort(order[:count])

    def _compare_labels(self, held: list[str], true: Array, trained: Array) -> None:
        """Warn if the network's labels are no better than each label's more frequent answer."""
        found = self.model_.predict(self.model_.numbers(held), verbose=0) >= THRESHOLD
        usual = {"always the more frequent answer": float((usual_answers(trained) == true).mean())}
        where = f"labels of {len(true)} held-out texts"
        warn_if_no_better("TextClassifier", float((found == true).mean()), usual, where, ADVICE)

    def _compare(self, held: list[str], true: Array, trained: Array) -> None:
        """Warn if the network is no better on held-out texts than its baselines."""
        usual = np.bincount(trained).argmax()
        weight = np.ones(len(true))
        if self.balanced:  # all classes count alike, as in training
            weight = 1 / np.bincount(true)[true]

        def accuracy(found: Array) -> float:
            return float(np.average(found == true, weights=weight))

        baselines = {
            "always the most frequent class": accuracy(np.full(len(true), usual)),
            "naive Bayes on character n-grams": accuracy(self.floor_.predict(held)),
        }
        found = self.model_.predict(self.model_.numbers(held), verbose=0).argmax(axis=1)
        where = f"{len(true)} held-out texts"
        warn_if_no_better("TextClassifier", accuracy(found), baselines, where, ADVICE)

    def _build(self, texts: list[str], counts: Array) -> TextReader:
        vectorization = TextVectorization(
            self.max_tokens,
            standardize=STANDARDIZE[self.level],
            split="character" if self.level == "char" else "whitespace",
            output_sequence_length=self.max_words,
            ragged=True,
        )
        try:
            vectorization.adapt(texts)
        except ValueError:
            raise DataError("texts: expected at least one word in all of them") from None
        x = Input((None,))
        size = vectorization.vocabulary_size()
        weights = None
        if self.vectors is not None:
            weights = embedding_matrix(self.vectors, vectorization.get_vocabulary())[0]
        length = self.embedding if weights is None else weights.shape[1]
        embedding = Embedding(size, length, mask_zero=True)
        words = embedding(x)
        if weights is not None:
            embedding.set_weights([weights])
        if self.word_dropout:
            words = Dropout(self.word_dropout, noise_shape=(None, None, 1))(words)
        lstm = LSTM(self.units)
        encoder = Bidirectional(lstm) if self.bidirectional else lstm
        encoded = encoder(Dropout(self.dropout)(words))
        # the mean weighs all words equally, and learns faster which words indicate a class
        features = Concatenate()([encoded, GlobalAveragePooling1D()(words)])
        activation = "sigmoid" if self.multi_label else "softmax"
        y = Dense(len(self.classes_), activation=activation)(Dropout(self.dropout)(features))
        model = TextReader(
            x, y, vectorization=vectorization, classes=self.classes_, counts=counts.tolist()
        )
        model.compile(
            optimizer=Adam(self.learning_rate),
            loss="binary_crossentropy" if self.multi_label else "sparse_categorical_crossentropy",
            metrics=["binary_accuracy" if self.multi_label else "accuracy"],
        )
        return model

    def _class_weight(self, numbers: Array) -> dict[int, float] | None:
        if not self.balanced:
            return None
        counts = np.bincount(numbers)
        return dict(enumerate((len(numbers) / (len(counts) * counts)).tolist()))

    # -- predict ---------------------------------------------------------------------------

    def predict_proba(self, texts: Any) -> Array:
        """Return the probability of each class, (texts, classes), in the order of `classes_`."""
        if not hasattr(self, "model_"):
            raise ValueError("this TextClassifier knows nothing yet: call fit, or load a file")
        found: Array = self.model_.predict(as_texts(texts), verbose=0)
        return found

    def predict(self, texts: Any) -> Any:
        """Return the most likely class of each text; with `multi_label` the list of its labels."""
        if self.multi_label:
            return [
                [name for name, p in zip(self.classes_, row, strict=True) if p >= THRESHOLD]
                for row in self.predict_proba(texts)
            ]
        most_likely = self.predict_proba(texts).argmax(axis=1)
        found: Array = np.asarray(self.classes_)[most_likely]
        return found

    def evaluate(self, texts: Any, labels: Any) -> Any:
        """Evaluate predictions against the true labels.

        Parameters
        ----------
        texts : list, array or column of str
        labels : list, array or column
            The true labels.

        Returns
        -------
        Evaluation, or with `multi_label` MultiLabelEvaluation

        Raises
        ------
        DataError
            If a label was not seen in training.
        """
        probabilities = self.predict_proba(texts)
        given = label_sets(labels) if self.multi_label else as_labels(labels).tolist()
        if len(given) != len(probabilities):
            count = len(probabilities)
            raise DataError(f"labels: expected {count}, as there are texts, got {len(given)}")
        if self.multi_label:
            true = as_matrix(given, self.classes_) > 0
            return MultiLabelEvaluation(tuple(self.classes_), true, probabilities >= THRESHOLD)
        indices = {name: i for i, name in enumerate(self.classes_)}
        for i, label in enumerate(given):
            if label not in indices:
                hint = nearest(str(label), map(str, self.classes_))
                raise DataError(f"labels: {label!r} (text {i}) was not seen in training; {hint}")
        numbers = np.array([indices[label] for label in given])
        usual = int(np.argmax(self.model_.counts or [0]))
        return evaluate_classes(probabilities, numbers, self.classes_, usual)

    # -- files -----------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write network, vocabulary and classes to one file, which `load_model` can also read."""
        if not hasattr(self, "model_"):
            raise ValueError("this TextClassifier knows nothing yet: call fit before save")
        self.model_.save(path)

    def export(self, path: str | os.PathLike[str], **options: Any) -> None:
        """Write the network and the names of the classes as a C file, which needs no Python.

        It reads the numbers of a text's words, which the vocabulary of ``model_.vectorization``
        has. A file whose name ends in ``.onnx`` is one of ONNX.

        Parameters
        ----------
        path : path-like
            Such as ``"topics.c"``; the header has the same name with ``.h``.
        **options
            ``max_steps``, the words of the longest text, by default `max_words`; the others of
            `lstmcore.interchange.c.export_model`.
        """
        if not hasattr(self, "model_"):
            raise ValueError("this TextClassifier knows nothing yet: call fit before export")
        if os.fspath(path).lower().endswith(".c"):
            options.setdefault("max_steps", self.model_.vectorization.output_sequence_length)
        self.model_.export(path, **options)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a classifier from a file that `save` wrote.

        Raises
        ------
        DataError
            If the model in the file is not a text classifier.
        FileNotFoundError, ValueError
            As for `load_model`.
        """
        found = cls.of(load_model(path), path)
        try:  # a file may say what it likes
            found.predict([" ".join(map(str, found.model_.vectorization.get_vocabulary()[-1:]))])
        except Exception as error:
            raise DataError(f"{path} is no text classifier: {error}") from error
        return found

    @classmethod
    def of(cls, model: Any, path: Any = "the model") -> Self:
        """Return a classifier for a model that is already loaded; see `load`."""
        if not isinstance(model, TextReader) or not model.classes:
            raise DataError(f"{path} is no text classifier but a {type(model).__name__}")
        found = cls()
        found.model_, found.classes_ = model, model.classes
        found.multi_label = model.multi_label
        return found


def _given(value: Any, default: Any) -> Any:
    return default if value is None else value
