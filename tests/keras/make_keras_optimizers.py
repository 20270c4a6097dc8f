"""Makes keras_optimizers.json: what Keras's optimizers and schedules do, for the tests of ours.

    python tests/keras/make_keras_optimizers.py      (in any environment with Keras 3 and JAX)

All in float64. Weights and gradients are made by a formula, which test_optimizers.py has too.
"""

import inspect
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import numpy as np
from formulas import wave32
from keras64 import keras

STEPS = 20
SHOWN = (1, 2, 3, STEPS)
SHAPES = {"kernel": (3, 4), "bias": (4,), "gate": (5,)}
SIZE = 21
# as many numbers: a tall matrix, a matrix of one row that is an embedding, and one of one column
TALL = {"kernel": (4, 3), "embeddings": (1, 4), "gate": (5, 1)}
CUBE = {"kernel": (2, 2, 3), "bias": (2, 2), "gate": (5,)}

EXPONENTIAL = {"initial_learning_rate": 0.02, "decay_steps": 7, "decay_rate": 0.5}
COSINE = {"initial_learning_rate": 0.001, "decay_steps": 9, "warmup_target": 0.02}

COMMON = [
    {"weight_decay": 0.3},
    {"clipnorm": 1.1},
    {"clipvalue": 0.4},
    {"global_clipnorm": 2.0},
    {"use_ema": True, "ema_momentum": 0.7},
    {"use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 3},
    {"gradient_accumulation_steps": 3},
    {
        "gradient_accumulation_steps": 2,
        "weight_decay": 0.3,
        "global_clipnorm": 2.0,
        "use_ema": True,
        "ema_momentum": 0.7,
        "ema_overwrite_frequency": 2,
    },
    {"learning_rate": {"class_name": "ExponentialDecay", "config": EXPONENTIAL}},
    {
        "learning_rate": {"class_name": "CosineDecay", "config": {**COSINE, "warmup_steps": 5}},
        "gradient_accumulation_steps": 2,
    },
]
OWN = {
    "SGD": [{"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}],
    "RMSprop": [
        {"rho": 0.8},
        {"momentum": 0.5},
        {"centered": True},
        {"rho": 0.8, "momentum": 0.5, "centered": True, "epsilon": 1e-3},
    ],
    "Adam": [{"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3}, {"amsgrad": True, "beta_2": 0.6}],
    "AdamW": [{"weight_decay": 0.1, "amsgrad": True, "beta_2": 0.6}],
    "Adamax": [{"beta_1": 0.8, "beta_2": 0.7, "epsilon": 1e-3}],
    "Nadam": [{"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3}],
    "Adagrad": [{"initial_accumulator_value": 0.0, "epsilon": 1e-3}],
    "Adadelta": [{"rho": 0.8, "epsilon": 1e-3, "learning_rate": 1.0}],
    "Lion": [{"beta_1": 0.6, "beta_2": 0.8, "weight_decay": 0.2}],
}
OWN |= {
    "Lamb": [{"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3, "weight_decay": 0.3}],
    "Adafactor": [
        {"beta_2_decay": -0.5, "epsilon_1": 1e-3, "epsilon_2": 0.5, "clip_threshold": 0.7},
        {"learning_rate": 0.5, "relative_step": False, "weight_decay": 0.01},
    ],
    "Ftrl": [
        {"l1_regularization_strength": 0.2, "l2_regularization_strength": 0.1, "beta": 0.3},
        {"learning_rate_power": -0.8, "l2_shrinkage_regularization_strength": 0.2},
        {"learning_rate_power": 0.0, "initial_accumulator_value": 0.0, "weight_decay": 0.1},
    ],
    "Muon": [
        {"nesterov": False, "ns_steps": 3, "rms_rate": None, "weight_decay": 0.1},
        {"momentum": 0.6, "adam_lr_ratio": 0.5, "adam_weight_decay": 0.2, "weight_decay": None},
        {"exclude_layers": ["ker"], "muon_a": 3.0, "muon_b": -4.0, "muon_c": 2.0},
    ],
    "ScheduleFreeAdamW": [
        {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3, "warmup_steps": 7},
        {"weight_decay": 0.1},
    ],
}
SCHEDULES = [
    ("ExponentialDecay", EXPONENTIAL),
    ("ExponentialDecay", {**EXPONENTIAL, "staircase": True}),
    ("InverseTimeDecay", EXPONENTIAL),
    ("InverseTimeDecay", {**EXPONENTIAL, "staircase": True, "decay_rate": 2.5}),
    ("PiecewiseConstantDecay", {"boundaries": [3, 10, 11], "values": [1.0, 0.5, 0.25, 0.1]}),
    ("PiecewiseConstantDecay", {"boundaries": [5], "values": [1.0, 0.5]}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 8}),
    (
        "PolynomialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 8, "power": 0.5, "cycle": True},
    ),
    (
        "PolynomialDecay",
        {
            "initial_learning_rate": 0.1,
            "decay_steps": 30,
            "end_learning_rate": 0.02,
            "power": 3.0,
        },
    ),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 20}),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 20, "alpha": 0.2}),
    ("CosineDecay", {**COSINE, "warmup_steps": 5, "alpha": 0.1}),
    ("CosineDecay", {**COSINE, "warmup_steps": 0}),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 20, "warmup_steps": 5}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 4}),
    (
        "CosineDecayRestarts",
        {
            "initial_learning_rate": 0.1,
            "first_decay_steps": 6,
            "t_mul": 1.0,
            "m_mul": 0.8,
            "alpha": 0.1,
        },
    ),
    (
        "CosineDecayRestarts",
        {"initial_learning_rate": 0.1, "first_decay_steps": 7, "t_mul": 1.5, "m_mul": 0.9},
    ),
]
AT = [*range(36), 50, 59, 99, 100, 101, 1000, 12345]


def numbers(k):
    return wave32(SIZE, k).astype(np.float64)


def windows(flat, shapes):
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])[:-1]
    parts = np.split(flat, ends)
    return [part.reshape(shape) for part, shape in zip(parts, shapes.values(), strict=True)]


def flat(variables):
    return np.concatenate([np.asarray(v.value, np.float64).ravel() for v in variables]).tolist()


def run(name, config, exclude=None, shapes=None):
    """The weights after some steps, after the last one the finished ones, and the last rate."""
    given = dict(config)
    given.setdefault("learning_rate", 0.05)
    if isinstance(given["learning_rate"], dict):
        schedule = given["learning_rate"]
        made = getattr(keras.optimizers.schedules, schedule["class_name"])(**schedule["config"])
        given["learning_rate"] = made
    optimizer = getattr(keras.optimizers, name)(**given)
    shapes = shapes or SHAPES
    starts = zip(shapes, windows(numbers(0.7), shapes), strict=True)
    variables = [keras.Variable(start, name=n, dtype="float64") for n, start in starts]
    if exclude:
        optimizer.exclude_from_weight_decay(var_names=exclude)
    out = {"class": name, "config": config, "exclude": exclude, "weights": {}}
    if shapes is not SHAPES:
        out["shapes"] = shapes
    for i in range(1, STEPS + 1):
        optimizer.apply(windows(numbers(0.37 + 0.11 * i) * (1 + i % 5), shapes), variables)
        if i in SHOWN:
            out["weights"][i] = flat(variables)
    out["learning_rate"] = float(optimizer.learning_rate)
    out["iterations"] = int(optimizer.iterations)
    if config.get("use_ema"):
        optimizer.finalize_variable_values(variables)
        out["final"] = flat(variables)
    return out


def schedule(name, config):
    made = getattr(keras.optimizers.schedules, name)(**config)
    values = [float(made(step)) for step in AT]
    return {"class": name, "config": config, "values": values, "full": made.get_config()}


def main():
    out = {"schedule_steps": AT, "schedules": [schedule(*case) for case in SCHEDULES]}
    out["signatures"], out["configs"], out["steps"] = {}, {}, []
    for name, own in OWN.items():
        cls = getattr(keras.optimizers, name)
        parameters = list(inspect.signature(cls.__init__).parameters.values())[1:-1]
        out["signatures"][name] = [[p.name, p.default] for p in parameters]
        out["configs"][name] = keras.optimizers.serialize(cls())
        for config in [{}, *own]:
            out["steps"].append(run(name, config))
    for name in ("SGD", "Adam", "Nadam", "Adadelta"):
        out["steps"] += [run(name, config) for config in COMMON]
    out["steps"].append(run("AdamW", {"weight_decay": 0.3}, ["bias", "ga.e"]))
    for name in ("Lamb", "Adafactor", "Muon", "Ftrl", "ScheduleFreeAdamW"):
        cases = COMMON[:-1] if name == "Ftrl" else COMMON  # with a rate of 0 it makes NaN
        out["steps"] += [run(name, config) for config in cases]
        out["steps"].append(run(name, {"weight_decay": 0.3}, ["ker"]))
    for shapes in (TALL, CUBE):
        out["steps"] += [run(name, {}, None, shapes) for name in ("Lamb", "Adafactor", "Muon")]
    out["steps"].append(run("Muon", {"exclude_embeddings": False}, ["gate"], TALL))
    text = json.dumps(out)
    for part in ('{"class"', '"signatures"', '"configs"', '"steps"'):
        text = text.replace(part, "\n" + part)  # a line for each case
    (Path(__file__).parent / "data" / "keras_optimizers.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
