"""Language models: they learn, are saved, repeat themselves, keep the best epoch."""

import math

import pytest
from forged_files import forge, to, without
from sample_texts import RHYME

import lstmcore
from lstmcore import Sequential, layers, text
from lstmcore.callbacks import Callback
from lstmcore.utils import set_random_seed


@pytest.fixture(autouse=True)
def seeded():
    set_random_seed(0)


@pytest.mark.parametrize("level", ["char", "word"])
def test_a_model_learns_a_rhyme_and_says_it(level):
    model = text.LanguageModel(level, units=48, layers=1, embedding=16, dropout=0)
    history = model.fit(RHYME, 30, batch_size=4, steps=32, learning_rate=0.02, verbose=0).history
    assert history["val_loss"][-1] < 0.2
    assert history["val_perplexity"][-1] == pytest.approx(math.exp(history["val_loss"][-1]))
    said = model.generate("Jack and Jill went", 60, temperature=0)
    assert said.startswith(" up the hill\nto fetch a pail of water.\n"[: len(said)])
    assert model.evaluate(RHYME)["nats_per_character"] < 0.2


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("language_model") / "m.safetensors"
    model = text.LanguageModel(units=4, layers=1, embedding=3)
    model.fit(RHYME[:300], 1, batch_size=2, steps=16, verbose=0)
    model.save(path)
    return path


CONFIG = ("model", "config")
TOKENS = (*CONFIG, "vocabulary", "config", "tokens")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (to(lambda t: t[1:], *TOKENS), "writes no texts: .* as many as the vocabulary has tokens"),
        (to(lambda t: [*t, "#"], *TOKENS), "vocabulary: expected .* tokens at most"),
        (to([], *TOKENS), "writes no texts"),
        (to(["a", "a"], *TOKENS), "'a' is there twice"),
        (to("abc", *TOKENS), "expected a sequence of texts"),
        (to(None, *CONFIG, "vocabulary"), "has no vocabulary"),
        (without(*CONFIG, "layers", 2, "config", "return_sequences"), "outputs after each token"),
        (to(True, *CONFIG, "layers", 2, "config", "go_backwards"), "cannot be streamed"),
        (to(True, *CONFIG, "layers", 1, "config", "mask_zero"), "cannot be streamed"),
    ],
)
def test_forged_files_are_refused_when_they_are_read(file, tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        text.LanguageModel.load(forge(file, tmp_path / "m", change))


def test_an_embedding_has_a_vector_for_each_token():
    vocabulary = text.CharacterVocabulary(list("abcd"))
    parts = [layers.Embedding(5, 2), layers.LSTM(3, return_sequences=True), layers.Dense(5)]
    text.TextModel(parts, vocabulary=vocabulary).build((None, 7))
    for given in ([layers.Embedding(4, 2)], [layers.Input((None,)), layers.Embedding(4, 2)]):
        with pytest.raises(ValueError, match=r"vocabulary: expected 4 tokens at most.*got 5"):
            text.TextModel(given, vocabulary=vocabulary).build((None, 7))


def test_one_file_is_all(tmp_path):
    model = text.LanguageModel("word", units=8, layers=2, max_tokens=9)
    model.fit(RHYME, 2, verbose=0)
    path = tmp_path / "rhyme.safetensors"
    model.save(path)
    again = text.LanguageModel.load(path)
    assert again.level == "word"
    assert again.vocabulary.tokens == model.vocabulary.tokens
    assert again.generate("Jill", 40, seed=3) == model.generate("Jill", 40, seed=3)
    assert again.evaluate(RHYME) == model.evaluate(RHYME)
    loaded = lstmcore.load_model(path)  # a model like others
    assert text.generate(loaded, "Jill", 40, seed=3) == model.generate("Jill", 40, seed=3)
    again.fit(RHYME, 1, verbose=0)  # goes on


def test_training_repeats_itself():
    def trained():
        set_random_seed(5)
        model = text.LanguageModel(units=8, layers=2, dropout=0.3)
        losses = model.fit(RHYME, 2, verbose=0).history["val_loss"]
        return losses, model.generate("J", 30, seed=1)

    assert trained() == trained()


def test_the_best_epoch_is_kept_after_an_interrupt():
    class Stop(Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:  # and make it worse than the first
                self.model.set_weights([w * 10 for w in self.model.get_weights()])
            if epoch == 2:
                raise KeyboardInterrupt

    model = text.LanguageModel(units=8, layers=1)
    with pytest.raises(KeyboardInterrupt):
        model.fit(RHYME, 5, learning_rate=1e-4, verbose=0, callbacks=[Stop()])
    history = model.model.history.history["val_loss"]
    held = RHYME[round(len(RHYME) * 0.9) :]
    start = RHYME[: round(len(RHYME) * 0.9)][-2000:]
    assert model.evaluate(held, start)["nats_per_token"] == pytest.approx(min(history), abs=1e-6)


def test_language_models_refuse_what_they_cannot_do(tmp_path):
    model = text.LanguageModel()
    with pytest.raises(RuntimeError, match="fit it first"):
        model.generate("a")
    with pytest.raises(ValueError, match="'char' or 'word'"):
        text.LanguageModel("words")
    with pytest.raises(ValueError, match="2 tokens"):
        model.fit("a", validation_split=0, verbose=0)
    with pytest.raises(ValueError, match="a TextModel"):
        text.LanguageModel(model=Sequential([layers.Dense(1)]))
    plain = Sequential([layers.Input((None, 1)), layers.Dense(1)])
    plain.save(tmp_path / "plain.safetensors")
    with pytest.raises(ValueError, match="has no vocabulary"):
        text.LanguageModel.load(tmp_path / "plain.safetensors")
