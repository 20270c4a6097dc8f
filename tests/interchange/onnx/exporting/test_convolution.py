"""Layers over windows of time: what depends on the number of steps, masks, channels first."""

import numpy as np
import pytest
from onnx_exports import exported, same

from lstmcore import Input, Model, Sequential, layers
from lstmcore.utils import set_random_seed

X = np.random.default_rng(3).normal(size=(2, 9, 4)).astype("float32")
TOKENS = np.array([[3, 1, 0, 2, 0, 0, 0], [4, 1, 2, 3, 5, 6, 1], [5, 2, 1, 0, 0, 0, 0]])
WINDOWED = {
    "conv": layers.Conv1D(6, 3, 2, "same", groups=2),
    "strided": layers.Conv1D(3, 4, 3),
    "dilated": layers.Conv1D(3, 2, padding="causal", dilation_rate=3),
    "same": layers.Conv1D(3, 4, padding="same", dilation_rate=2),
    "depthwise": layers.DepthwiseConv1D(3, 2, "same", 2),
    "separable": layers.SeparableConv1D(3, 4, 3, "same", depth_multiplier=2),
    "transposed": layers.Conv1DTranspose(3, 2, 3, output_padding=1),
    "transposed_same": layers.Conv1DTranspose(3, 5, 2, "same", output_padding=1),
    "transposed_dilated": layers.Conv1DTranspose(3, 3, dilation_rate=2, padding="same"),
    "max": layers.MaxPooling1D(3, 2, "same"),
    "average": layers.AveragePooling1D(4, 3, "same"),
    "average_of_all": layers.AveragePooling1D(3, 1, "same"),
    "global": layers.GlobalAveragePooling1D(keepdims=True),
    "padded": layers.ZeroPadding1D((2, 0)),
    "cropped": layers.Cropping1D((1, 0)),
    "repeated": layers.UpSampling1D(3),
    "many_windows": layers.AdaptiveAveragePooling1D(70),
    "adaptive": layers.AdaptiveMaxPooling1D(4),
}


def remade(layer, **changes):
    return type(layer).from_config({**layer.get_config(), **changes})


@pytest.mark.slow
@pytest.mark.parametrize("layer", WINDOWED.values(), ids=WINDOWED)
def test_any_number_of_steps(layer):
    set_random_seed(1)
    graphs = [Sequential([Input((n, 4)), remade(layer)]) for n in (None, 8)]
    runs = [exported(model) for model in graphs]
    for steps in (9, 8, 5):
        x = X[:, :steps]
        same(runs[0].run([x]), [graphs[0].predict(x, verbose=0)])
    same(runs[1].run([X[:, :8]]), [graphs[1].predict(X[:, :8], verbose=0)])


@pytest.mark.slow
@pytest.mark.parametrize("layer", WINDOWED.values(), ids=WINDOWED)
def test_channels_first(layer):
    set_random_seed(1)
    model = Sequential([Input((4, None)), remade(layer, data_format="channels_first")])
    x = np.ascontiguousarray(X.swapaxes(1, 2))
    same(exported(model).run([x]), [model.predict(x, verbose=0)])


def test_padding_that_depends_on_the_number_of_steps():
    set_random_seed(1)
    names = ("conv", "separable", "max", "average", "adaptive")
    x = Input((None, 4))
    model = Model(x, [remade(WINDOWED[name])(x) for name in names])
    graph = exported(model)
    for steps in (9, 8):
        same(graph.run([X[:, :steps]]), model.predict(X[:, :steps], verbose=0))


@pytest.mark.parametrize("layer", WINDOWED.values(), ids=WINDOWED)
def test_masks(layer):
    set_random_seed(1)
    x = Input((None,), dtype="int32")
    h = remade(layer, use_mask=True)(layers.Embedding(7, 4, mask_zero=True)(x))
    pooled = layers.GlobalAveragePooling1D()(h)  # of the steps that are left unmasked
    model = Model(x, [h, pooled])
    same(exported(model).run([TOKENS]), model.predict(TOKENS, verbose=0))
