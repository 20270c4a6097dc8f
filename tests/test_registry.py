"""What is true of every loss, metric, optimizer, schedule, initializer, regularizer and so on."""

import copy
import inspect
import json
import pickle
import re

import loss_cases
import metric_cases
import numpy as np
import pytest
from helpers import X, Y, small
from loss_cases import LOSSES, MASK, WEIGHT

from lstmcore import (
    activations,
    callbacks,
    constraints,
    initializers,
    losses,
    metrics,
    optimizers,
    regularizers,
)
from lstmcore.optimizers import schedules
from lstmcore.serialization import to_json
from lstmcore.utils import set_random_seed

MODULES = {
    "losses": losses,
    "metrics": metrics,
    "optimizers": optimizers,
    "schedules": schedules,
    "initializers": initializers,
    "regularizers": regularizers,
    "constraints": constraints,
}
CLASSES = {
    f"{kind}.{cls.__name__}": (module, cls)
    for kind, module in MODULES.items()
    for cls in module.registry.classes()
}


def absolute(y_true, y_pred):
    return np.abs(y_true - y_pred).mean(-1), np.sign(y_pred - y_true) / y_pred.shape[-1]


def absolute_sum(w):
    return np.abs(w).sum()


NEEDS = {  # arguments without which there is nothing
    "losses.FunctionLoss": {"function": absolute},
    "regularizers.FunctionRegularizer": {"function": absolute_sum},
    "metrics.LossMean": {"loss": "mse"},
    "metrics.MeanMetricWrapper": {"fn": losses.mean_squared_error},
    "metrics.PrecisionAtRecall": {"recall": 0.5},
    "metrics.RecallAtPrecision": {"precision": 0.5},
    "metrics.SensitivityAtSpecificity": {"specificity": 0.5},
    "metrics.SpecificityAtSensitivity": {"sensitivity": 0.5},
    "schedules.CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 10},
    "schedules.CosineDecayRestarts": {"initial_learning_rate": 0.1, "first_decay_steps": 10},
    "schedules.ExponentialDecay": {
        "initial_learning_rate": 0.1,
        "decay_steps": 10,
        "decay_rate": 0.5,
    },
    "schedules.InverseTimeDecay": {
        "initial_learning_rate": 0.1,
        "decay_steps": 10,
        "decay_rate": 0.5,
    },
    "schedules.PiecewiseConstantDecay": {"boundaries": [3, 6], "values": [0.1, 0.05, 0.01]},
    "schedules.PolynomialDecay": {"initial_learning_rate": 0.1, "decay_steps": 10},
}
OF_FUNCTIONS = {
    "losses.FunctionLoss",
    "metrics.MeanMetricWrapper",
    "regularizers.FunctionRegularizer",
}  # which take any argument
every_class = pytest.mark.parametrize("name", CLASSES)


def made(name, **more):
    return CLASSES[name][1](**{**NEEDS.get(name, {}), **more})


# -- what is configured ----------------------------------------------------------------------------


@every_class
def test_configs_and_copies(name):
    module, cls = CLASSES[name]
    one = made(name)
    config = one.get_config()
    if name in OF_FUNCTIONS:  # a function of one's own is no JSON, but its name
        with_names = {"custom_objects": {"absolute": absolute, "absolute_sum": absolute_sum}}
        found = module.deserialize(json.loads(json.dumps(to_json(one))), **with_names)
        assert type(found) is cls
        return
    again = cls.from_config(json.loads(json.dumps(config)))
    kept = module.get(json.loads(json.dumps(to_json(one))))
    for other in (again, kept, copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert type(other) is cls
        assert other.get_config() == config
    assert set(config) == set(cls.arguments) - set(cls.init_only)


@every_class
def test_an_unknown_argument_is_an_error_that_names_the_nearest(name):
    cls = CLASSES[name][1]
    if name in OF_FUNCTIONS:
        return
    for right in cls.arguments:
        wrong = right[:-1] + right[-1] * 2
        with pytest.raises(TypeError, match=f"{cls.__name__} has no argument '{wrong}'") as raised:
            cls(**{wrong: 1})
        assert f"did you mean '{right}'" in str(raised.value)
    with pytest.raises(TypeError, match=f"{cls.__name__} has no argument"):
        cls(something=1)


@pytest.mark.parametrize("kind", MODULES)
def test_a_name_that_there_is_not_is_an_error_with_the_nearest(kind):
    module = MODULES[kind]
    for name in module.registry.names():
        with pytest.raises(ValueError, match=f"unknown .* '{name}x'.*did you mean") as raised:
            module.get(name + "x")
        assert repr(name)[:4].lower() in str(raised.value).lower()
    for nonsense in (3.5, object()):
        with pytest.raises(TypeError, match=r"expected an? .*, got "):
            module.get(nonsense)


@every_class
def test_docstrings_name_the_arguments(name):
    cls = CLASSES[name][1]
    text = inspect.getdoc(cls)
    own = vars(cls).get("__init__")
    if own is None:
        return
    named = [
        p.name
        for p in inspect.signature(own).parameters.values()
        if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    ]
    common = {"self", "name", "dtype", "reduction", "fn"}  # of all of a kind
    missing = [n for n in named if n not in common and not re.search(rf"\b{n}\b", text)]
    assert not missing


# -- losses ----------------------------------------------------------------------------------------

LOSS_CASES = [*LOSSES, ("Quantile", {"quantiles": 0.3}, "numbers"), ("GaussianNLL", {}, "numbers")]
every_loss = pytest.mark.parametrize(
    ("name", "arguments", "kind"),
    LOSS_CASES,
    ids=[f"{c}-{'-'.join(map(str, a.values()))}-{k}" for c, a, k in LOSS_CASES],
)


def loss_case(name, arguments, kind, dtype="float64", **more):
    loss = losses.get({"class_name": name, "config": {**arguments, **more}})
    y, p = loss_cases.inputs(kind)
    if name == "GaussianNLL":
        y, p = y[..., :1], p[..., :2]
    p = p.astype(dtype)
    return loss, loss.align(y, p.shape, p.dtype), p


def test_every_loss_has_a_case():
    named = {name for name, *_ in LOSS_CASES}
    elsewhere = {"FunctionLoss", "CRF", "StudentTNLL", "NegativeBinomialNLL", "PoissonNLL"}
    assert {cls.__name__ for cls in losses.registry.classes()} == named | elsewhere


@every_loss
def test_gradients_of_losses(name, arguments, kind):
    loss, y, p = loss_case(name, arguments, kind)
    _, dp = loss.forward(y, p)
    assert dp.shape == p.shape
    eps, checked = 1e-6, 0
    for place in range(0, p.size, 7):
        values = []
        for step in (eps, -eps, 0, 2 * eps, -2 * eps):
            moved = p.copy()
            moved.flat[place] += step
            values.append(loss.forward(y, moved, grad=False)[0])
        up, down, here, far, low = values
        # where the loss has a corner (a limit, a kink) both sides differ
        if abs((up - here) - (here - down)) > 1e-8 or abs((far - low) - 2 * (up - down)) > 1e-8:
            continue
        numeric = (up - down) / (2 * eps)
        checked += 1
        assert abs(dp.flat[place] - numeric) < 1e-6 * max(1, abs(numeric))
    assert checked or kind in ("saturated", "signs")


@every_loss
def test_types_of_losses(name, arguments, kind):
    wide, gradient = (loss := loss_case(name, arguments, kind))[0].forward(*loss[1:])
    narrow, dp = (loss := loss_case(name, arguments, kind, "float32"))[0].forward(*loss[1:])
    assert (gradient.dtype, dp.dtype) == (np.float64, np.float32)
    if kind == "saturated":  # 1 less what probabilities are kept from it is rounded in float32
        return
    assert abs(wide - narrow) < 2e-5 * max(1, abs(wide))
    np.testing.assert_allclose(dp, gradient, rtol=2e-4, atol=2e-4 * np.abs(gradient).max())


@every_loss
def test_reductions_and_weights_of_losses(name, arguments, kind):
    mean, y, p = loss_case(name, arguments, kind)
    added = loss_case(name, arguments, kind, reduction="sum")[0]
    each = loss_case(name, arguments, kind, reduction="none")[0](y, p)
    assert added.forward(y, p)[0] == pytest.approx(each.sum(), rel=1e-12)
    if "ignore_class" not in arguments:
        counted = each[each > 0] if name == "Circle" else each
        assert mean.forward(y, p)[0] == pytest.approx(counted.mean(), rel=1e-12)
    with pytest.raises(ValueError, match=r"sample_weight: expected .* got"):
        added.forward(y, p, np.ones(17))
    if each.ndim == 0:  # one value for the whole batch
        return
    weight = np.resize(WEIGHT, each.shape).astype("f8")
    weight[0] = 0
    value, dp = added.forward(y, p, weight)
    assert value == pytest.approx((each * weight).sum(), rel=1e-12)
    assert not dp[0].any() or name == "Circle"  # a sample is in the pairs of others, too


@every_loss
def test_masked_steps_count_in_no_loss(name, arguments, kind):
    if not loss_cases.masked(name, arguments):
        return
    loss, y, p = loss_case(name, arguments, kind)
    wild = p.copy()
    wild[~MASK] = np.nan
    value, dp = loss.forward(y, wild, mask=MASK)
    right, gradient = loss.forward(y[MASK], p[MASK])
    assert value == pytest.approx(right, rel=1e-12)
    np.testing.assert_allclose(dp[MASK], gradient, rtol=1e-12)
    assert not dp[~MASK].any()
    assert loss.forward(y, wild, mask=np.zeros_like(MASK))[0] == 0


@every_loss
def test_a_loss_says_what_does_not_fit(name, arguments, kind):
    loss, _, p = loss_case(name, arguments, kind)
    with pytest.raises(ValueError, match=r"expected .*got|expected .*for") as raised:
        loss.align(np.ones((7, 5, 9, 2)), p.shape, p.dtype)
    assert loss.name in str(raised.value)


# -- metrics ---------------------------------------------------------------------------------------

OTHERS = [
    ("Perplexity", {}, "classes"),
    ("BitsPerCharacter", {}, "classes"),
    ("LossMean", {"loss": "huber"}, "numbers"),
    ("MeanMetricWrapper", {"fn": losses.mean_squared_error}, "numbers"),
]
METRIC_CASES = [*metric_cases.METRICS, *OTHERS]
every_metric = pytest.mark.parametrize(
    ("name", "arguments", "kind"),
    METRIC_CASES,
    ids=[f"{i}-{c}" for i, (c, *_) in enumerate(METRIC_CASES)],
)


def metric(name, arguments, **more):
    return getattr(metrics, name)(**arguments, **more)


def fed(one, kind, which=None, dtype="float64", weight="none", keep=None):
    """The metric after these batches."""
    for i, (y, p, w) in enumerate(metric_cases.batches(kind, metric_cases.WEIGHTS[weight])):
        if which is None or i in which:
            one.update_state(y, p.astype(dtype), w)
            if keep is not None:
                one = keep(one)
    return one


def same(a, b, tolerance=1e-12):
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def test_every_metric_has_a_case():
    named = {name for name, *_ in METRIC_CASES} | {"Mean", "Sum"}
    assert {cls.__name__ for cls in metrics.registry.classes()} == named


@every_metric
@pytest.mark.parametrize("weight", ["none", "step"])
def test_metrics_go_on_where_they_were(name, arguments, kind, weight):
    one = fed(metric(name, arguments), kind, weight=weight)
    result = one.result()
    assert not np.isnan(result).any()

    def through_json(now):
        after = metric(name, arguments)
        if type(now) is not metrics.MeanMetricWrapper:
            after = type(now).from_config(json.loads(json.dumps(now.get_config())))
        after.set_state(json.loads(json.dumps(now.get_state())))
        return after

    for keep in (through_json, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))):
        same(fed(metric(name, arguments), kind, weight=weight, keep=keep).result(), result)
    one.reset_state()
    same(one.result(), metric(name, arguments).result())
    same(fed(one, kind, weight=weight).result(), result)


@every_metric
def test_metrics_of_both_types(name, arguments, kind):
    wide = fed(metric(name, arguments), kind).result()
    same(fed(metric(name, arguments), kind, dtype="float32").result(), wide, 2e-5)
    forced = metric(name, arguments, dtype="float64")
    same(fed(forced, kind, dtype="float32").result(), wide, 2e-5)
    scalar = fed(metric(name, arguments), kind).result()
    assert isinstance(scalar, float | np.ndarray)


@every_metric
def test_masked_steps_count_in_no_metric(name, arguments, kind):
    if kind.startswith("flat"):
        return
    masked, alone = metric(name, arguments), metric(name, arguments)
    for y, p, mask in metric_cases.batches(kind, MASK):
        wild = p.astype("f8")
        wild[~mask] = np.nan
        masked.update_state(y, wild, mask=mask)
        alone.update_state(y[mask], p[mask].astype("f8"))
    same(masked.result(), alone.result())


# -- optimizers and schedules ----------------------------------------------------------------------

OPTIMIZERS = [cls.__name__ for cls in optimizers.registry.classes()]
CLIPS = [{"clipnorm": 0.5}, {"clipvalue": 0.1}, {"global_clipnorm": 0.5}, {}]
WINDOWS = [slice(0, 5), slice(5, 12)]


def stepped(optimizer, param, steps, keep=lambda o: o):
    for i in steps:
        grad = np.sin(np.arange(param.size) * (0.3 + 0.1 * i) + i).astype(param.dtype)
        optimizer.step(param, grad, WINDOWS, ["kernel", "bias"])
        optimizer = keep(optimizer)
    return param


def kept(optimizer):
    """The optimizer out of all that a file has of it."""
    again = optimizers.get(json.loads(json.dumps(to_json(optimizer))))
    again.iterations = optimizer.iterations
    again.set_state(json.loads(json.dumps(optimizer.state())))
    again.slots.update({name: slot.copy() for name, slot in optimizer.slots.items()})
    return again


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("clip", CLIPS, ids=lambda c: next(iter(c), "plain"))
def test_optimizers_go_on_where_they_were(name, clip, dtype):
    options = {
        **clip,
        "learning_rate": schedules.ExponentialDecay(0.1, 3, 0.5),
        "weight_decay": 0.01,
        "gradient_accumulation_steps": 2,
    }
    start = np.cos(np.arange(12.0)).astype(dtype)
    right = stepped(optimizers.get(name).__class__(**options), start.copy(), range(9))
    assert right.dtype == dtype
    assert np.isfinite(right).all()
    assert (right != start).all()
    for keep in (kept, copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))):
        again = stepped(optimizers.get(name).__class__(**options), start.copy(), range(9), keep)
        np.testing.assert_array_equal(again, right)
    if clip:
        free = stepped(
            optimizers.get(name).__class__(**{**options, next(iter(clip)): None}),
            start.copy(),
            range(9),
        )
        assert (free != right).any() or name == "Lion"  # whose steps have one size


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_of_both_types(name):
    wide, narrow = (
        stepped(optimizers.get(name), np.cos(np.arange(12)).astype(t), range(9))
        for t in ("float64", "float32")
    )
    np.testing.assert_allclose(narrow, wide, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", [c.__name__ for c in schedules.registry.classes()])
def test_schedules(name):
    one = made(f"schedules.{name}")
    rates = [one(step) for step in range(31)]
    assert all(isinstance(rate, float) and 0 <= rate <= 0.1 for rate in rates)
    assert rates[0] == 0.1
    assert len(set(rates)) > 2
    again = type(one).from_config(json.loads(json.dumps(one.get_config())))
    assert [again(np.int64(step)) for step in range(31)] == rates
    assert optimizers.SGD(one).learning_rate == 0.1


# -- what weights begin with, cost and may be ------------------------------------------------------


@pytest.mark.parametrize("name", [c.__name__ for c in initializers.registry.classes()])
def test_initializers(name, dtype):
    one = initializers.get(name)
    shapes = [(4, 6)] if name == "Identity" else [(4, 6), (3, 4, 5), (6, 4)]
    shapes += [] if name in ("Identity", "Orthogonal") else [(7,), (0, 3)]
    if name == "STFT":  # (frame length, 1, its frequencies)
        shapes = [(8, 1, 5)]
    for shape in shapes:
        set_random_seed(1)
        values = one(shape, dtype)
        assert values.shape == shape
        assert values.dtype == dtype
        assert np.isfinite(values).all()
        set_random_seed(1)
        np.testing.assert_array_equal(type(one)()(shape, dtype), values)
    if "seed" in one.get_config():
        first, second = (type(one)(seed=5)((4, 4), dtype) for _ in range(2))
        np.testing.assert_array_equal(first, second)
        assert (type(one)(seed=6)((4, 4), dtype) != first).any()


@pytest.mark.parametrize("name", [c.__name__ for c in regularizers.registry.classes()])
def test_regularizers(name, dtype):
    one = regularizers.get(absolute_sum if name == "FunctionRegularizer" else name)
    w = np.sin(np.arange(20) * 0.7 + 0.3).reshape(4, 5)
    gradient = one.gradient(w)
    for place in (0, 7, 19):
        sides = []
        for step in (1e-6, -1e-6):
            moved = w.copy()
            moved.flat[place] += step
            sides.append(one(moved))
        assert gradient.flat[place] == pytest.approx((sides[0] - sides[1]) / 2e-6, abs=1e-8)
    grad = np.ones(w.shape, dtype)
    value = one.add_to(w.astype(dtype), grad)
    assert value == pytest.approx(one(w), rel=1e-6)
    assert grad.dtype == one.gradient(w.astype(dtype)).dtype == dtype
    np.testing.assert_allclose(grad, 1 + gradient, rtol=1e-6)


@pytest.mark.parametrize("name", [c.__name__ for c in constraints.registry.classes()])
def test_constraints(name, dtype):
    one = constraints.get(name)
    w = (3 * np.sin(np.arange(20) * 0.7 + 0.3)).reshape(4, 5).astype(dtype)
    before = w.copy()
    held = one(w)
    np.testing.assert_array_equal(w, before)
    assert held.shape == w.shape
    assert held.dtype == dtype
    np.testing.assert_allclose(one(held), held, rtol=1e-6)
    assert np.isfinite(one(np.zeros((4, 5), dtype))).all()


ACTIVATIONS = sorted({activations.get(n).__name__ for n in activations.registry.names()})


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name, dtype):
    one = plain = activations.get(name)
    if one.lacks():
        given = {"threshold": 0.3, "default_value": -0.2, "function": "tanh", "limit": 2.5}
        one = one.using(**{name: given[name] for name in one.lacks()})
    x = np.array([[-3.1, -0.72, -0.2, 0.13], [0.41, 0.8, 2.2, 7.7]])
    y = one(x.astype(dtype))
    assert y.dtype == dtype
    assert y.shape == ((2, 2) if one.halves else x.shape)
    np.testing.assert_allclose(y, one(x), rtol=1e-5, atol=1e-6)
    assert activations.get(activations.serialize(plain)) is plain
    with np.errstate(over="ignore"):  # of the exponential
        far = one(np.array([[-1e3, 1e3, 0.0, 1.0]], dtype))
    assert not np.isnan(far).any()
    dy = np.cos(np.arange(float(y.size))).reshape(y.shape)
    dx = one.gradient(dy, x, one(x))
    for place in range(8):
        sides = []
        for step in (1e-6, -1e-6):
            moved = x.copy()
            moved.flat[place] += step
            sides.append((one(moved) * dy).sum())
        assert dx.flat[place] == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-7, abs=1e-7)
    assert one.gradient(dy.astype(dtype), x.astype(dtype), y).dtype == dtype


# -- callbacks -------------------------------------------------------------------------------------

CALLBACKS = {
    name: entry
    for name, entry in vars(callbacks).items()
    if inspect.isclass(entry)
    and issubclass(entry, callbacks.Callback)
    and entry is not callbacks.Callback
}
GIVEN = {
    "BackupAndRestore": lambda at: {"backup_dir": str(at / "backup")},
    "CSVLogger": lambda at: {"filename": str(at / "log.csv")},
    "LearningRateScheduler": lambda at: {"schedule": lambda epoch, rate: rate / 2},
    "ModelCheckpoint": lambda at: {"filepath": str(at / "best.safetensors"), "monitor": "loss"},
    "EarlyStopping": lambda at: {"monitor": "loss"},
    "ReduceLROnPlateau": lambda at: {"monitor": "loss"},
    "TensorBoard": lambda at: {"log_dir": str(at / "logs")},
}


TRACKERS = {"TensorBoard": "tensorboardX", "MLflowCallback": "mlflow", "WandbCallback": "wandb"}


@pytest.mark.parametrize("name", CALLBACKS)
def test_callbacks_keep_their_arguments_and_do_no_harm(name, tmp_path):
    if name in TRACKERS:
        pytest.importorskip(TRACKERS[name])
    cls = CALLBACKS[name]
    given = GIVEN.get(name, lambda at: {})(tmp_path)
    one = cls(**given)
    for argument, value in given.items():
        assert getattr(one, argument) == value
    for p in inspect.signature(cls).parameters.values():
        if p.kind is p.POSITIONAL_OR_KEYWORD:
            assert hasattr(one, p.name), p.name
    text = inspect.getdoc(cls)
    assert all(
        re.search(rf"\b{p}\b", text) for p in inspect.signature(cls).parameters if p != "kwargs"
    )
    set_random_seed(1)
    model = small()
    if name == "SwapEMAWeights":
        model.compile(optimizers.Adam(use_ema=True), "mse")
    history = model.fit(X, Y, epochs=2, verbose=0, callbacks=[one])
    assert len(history.history["loss"]) == 2
    with pytest.raises(TypeError, match=r"unexpected keyword|no argument"):
        cls(**given, something=1)
