"""Random models of sequences, the same of Keras and of lstmcore, and their data.

`Recipe(keras, seed)` makes a model by its seed: inputs that are series, padded series, ids or
static features, alone or in lists, dicts and nested structures; one to three random layers for each
series, merged; and one to three outputs. All weights are set by the seed.
"""

import random

import numpy as np

SAMPLES, STEPS = 6, 6


class Recipe:
    """A model, its data and its losses.

    Attributes
    ----------
    model : Model
    x, y, weight
        Inputs, targets and sample weights (or None), in the structures of the model.
    loss
        For `compile`, in the structure of the outputs.
    """

    def __init__(self, keras, seed):
        self.keras, self.choice = keras, random.Random(seed)
        self.numbers = np.random.default_rng(seed)
        branches = [self.branch() for _ in range(self.choice.choice([1, 1, 2, 3]))]
        symbols, self.data = [b[0] for b in branches], [b[1] for b in branches]
        trunk = self.merge([b[2] for b in branches])
        heads = [self.head(trunk) for _ in range(self.choice.choice([1, 1, 1, 2, 3]))]
        inputs, self.x = self.structured(symbols, self.data, "in")
        outputs, self.y = self.structured([h[0] for h in heads], [h[1] for h in heads], "out")
        self.model = keras.Model(inputs, outputs)
        loss = {id(h[0]): h[2] for h in heads}
        self.loss = keras.tree.map_structure(lambda t: loss[id(t)], outputs)
        self.weight = self.sample_weight(heads)
        self.set_weights()

    # -- inputs ------------------------------------------------------------------------------

    def branch(self):
        """Return the symbol of an input, its data, and a vector or a sequence made of it."""
        kind = self.choice.choice(["series", "series", "padded", "ids", "ids", "static"])
        keras, numbers = self.keras, self.numbers
        if kind == "static":
            symbol = keras.Input((3,))
            return symbol, numbers.standard_normal((SAMPLES, 3)), self.dense(symbol)
        lengths = numbers.integers(2, STEPS + 1, SAMPLES)
        real = np.arange(STEPS) < lengths[:, None]
        if kind == "ids":
            symbol = keras.Input((STEPS,), dtype="int32")
            data = numbers.integers(1, 9, (SAMPLES, STEPS)) * real
            masked = self.choice.random() < 0.7
            h = keras.layers.Embedding(9, 4, mask_zero=masked)(symbol)
            return symbol, data, self.sequence(h, masked)
        symbol = keras.Input((STEPS, 3))
        data = numbers.standard_normal((SAMPLES, STEPS, 3))
        if kind == "series":
            return symbol, data, self.sequence(symbol, False)
        data *= real[..., None]
        return symbol, data, self.sequence(keras.layers.Masking()(symbol), True)

    def structured(self, symbols, data, prefix):
        """Return symbols and data in the same random structure."""
        form = self.choice.choice(["list", "dict", "nested"]) if len(symbols) > 1 else "one"
        if form == "one":
            return symbols[0], data[0]
        if form == "list":
            return list(symbols), list(data)
        names = [f"{prefix}_{i}" for i in range(len(symbols))]
        if form == "dict":
            return dict(zip(names, symbols, strict=True)), dict(zip(names, data, strict=True))
        if prefix == "in":  # a dict beside a list
            return [symbols[0], {"rest": symbols[1:]}], [data[0], {"rest": data[1:]}]
        return [symbols[0], symbols[1:]], [data[0], data[1:]]

    # -- layers ------------------------------------------------------------------------------

    def dense(self, h):
        units = self.choice.choice([3, 4])
        return self.keras.layers.Dense(units, activation=self.choice.choice(["tanh", "relu"]))(h)

    def recurrent(self, sequences, masked, **more):
        keras, choice = self.keras, self.choice
        cls = choice.choice([keras.layers.LSTM, keras.layers.LSTM, keras.layers.GRU, None])
        options = {"return_sequences": sequences, **more}
        if cls is None:
            return keras.layers.SimpleRNN(3, **options)
        if cls is keras.layers.GRU:
            options["reset_after"] = choice.random() < 0.5
        else:
            options["unit_forget_bias"] = choice.random() < 0.5
        if not masked and choice.random() < 0.2:  # Keras does not turn masks round
            options["go_backwards"] = True
        return cls(choice.choice([3, 4]), use_bias=choice.random() < 0.8, **options)

    def sequence(self, h, masked):
        """Put one to three random layers over a sequence; return a sequence or a vector."""
        keras, choice = self.keras, self.choice
        for _ in range(choice.randint(0, 2)):
            kind = choice.choice(["rnn", "rnn", "bidirectional", "conv", "norm", "dense", "stack"])
            if kind == "rnn":
                h = self.recurrent(True, masked)(h)
            elif kind == "bidirectional":
                merge = choice.choice(["concat", "sum", "mul", "ave"])
                h = keras.layers.Bidirectional(
                    keras.layers.LSTM(3, return_sequences=True), merge_mode=merge
                )(h)
            elif kind == "conv" and not masked:
                padding = choice.choice(["same", "causal"])
                h = keras.layers.Conv1D(3, 2, padding=padding, activation="tanh")(h)
            elif kind == "norm":
                h = keras.layers.LayerNormalization(epsilon=0.1)(h)
            elif kind == "stack":
                cells = [keras.layers.LSTMCell(3), keras.layers.GRUCell(3)]
                h = keras.layers.RNN(cells, return_sequences=True)(h)
            else:
                h = keras.layers.TimeDistributed(keras.layers.Dense(3, activation="tanh"))(h)
        last = choice.choice(["rnn", "rnn", "sequence", "pool", "attention", "ops"])
        if last == "sequence":
            return self.recurrent(True, masked)(h)
        if last == "pool":
            return keras.layers.GlobalAveragePooling1D()(h)
        if last == "attention" and not masked:
            h = keras.layers.MultiHeadAttention(2, 2)(h, h)
            return keras.layers.GlobalMaxPooling1D()(h)
        if last == "ops" and not masked:
            score = keras.ops.softmax(keras.ops.tanh(h), axis=1)
            return keras.ops.sum(score * h, axis=1)
        return self.recurrent(False, masked)(h)

    def merge(self, parts):
        """Return vectors and sequences as one vector, or a single sequence as it is."""
        keras, choice = self.keras, self.choice
        if len(parts) == 1:
            return parts[0]
        vectors = [
            p if len(p.shape) == 2 else keras.layers.GlobalAveragePooling1D()(p) for p in parts
        ]
        if choice.random() < 0.4:
            same = [keras.layers.Dense(3)(v) for v in vectors]
            return choice.choice([keras.layers.Add, keras.layers.Maximum])()(same)
        return keras.layers.Concatenate()(vectors)

    def head(self, h):
        """Return the symbol of an output, its targets and its loss."""
        keras, choice, numbers = self.keras, self.choice, self.numbers
        time = h.shape[1:-1]  # empty for a vector
        kind = choice.choice(["mse", "mae", "classes", "binary", "own", "huber"])
        if kind == "classes":
            y = numbers.integers(0, 3, (SAMPLES, *time))
            symbol = keras.layers.Dense(3, activation="softmax")(h)
            return symbol, y, "sparse_categorical_crossentropy"
        if kind == "binary":
            y = numbers.integers(0, 2, (SAMPLES, *time, 1)).astype(float)
            symbol = keras.layers.Dense(1, activation="sigmoid")(h)
            return symbol, y, "binary_crossentropy"
        y = numbers.standard_normal((SAMPLES, *time, 2))
        own = {"own": own_loss(keras.ops)}
        return keras.layers.Dense(2)(h), y, own.get(kind, kind)

    # -- weights -----------------------------------------------------------------------------

    def sample_weight(self, heads):
        """Return weights, of one output without time: Keras broadcasts them along the time axis."""
        weight = self.numbers.random(SAMPLES)
        alone = len(heads) == 1 and len(heads[0][0].shape) == 2
        return weight if alone and self.choice.random() < 0.4 else None

    def set_weights(self):
        arrays = self.model.get_weights()
        self.model.set_weights([0.4 * self.numbers.standard_normal(a.shape) for a in arrays])


def own_loss(ops):
    """A loss of five ops: the logarithm of cosh, and a little of the absolute error."""

    def log_cosh(y_true, y_pred):
        d = ops.abs(y_true - y_pred)
        return ops.mean(d + ops.log(1 + ops.exp(-2 * d)) + 0.1 * ops.sqrt(d + 0.01), axis=-1)

    return log_cosh


def play(keras, seed):
    """Return the numbers that are compared: outputs, losses, and outputs after two steps."""
    recipe = Recipe(keras, seed)
    model = recipe.model
    model.compile(keras.optimizers.SGD(0.1), recipe.loss)
    options = {} if recipe.weight is None else {"sample_weight": recipe.weight}
    first = model.predict(recipe.x, verbose=0)
    losses = [
        float(np.ravel(model.test_on_batch(recipe.x, recipe.y, **options))[0]),
        *(
            float(np.ravel(model.train_on_batch(recipe.x, recipe.y, **options))[0])
            for _ in range(2)
        ),
    ]
    last = model.predict(recipe.x, verbose=0)
    leaves = [np.asarray(a) for y in (first, last) for a in keras.tree.flatten(y)]
    return {
        "shapes": [list(a.shape) for a in leaves],
        "losses": losses,
        "outputs": [float(v) for a in leaves for v in (np.abs(a).sum(), *np.ravel(a)[[0, 1, -1]])],
    }
