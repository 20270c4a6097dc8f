"""Files for liblstmcore: which models they hold; what runs them is in tests/core/test_models.py."""

import struct
import zlib

import pytest

import lstmcore
from lstmcore import Input, Model, Sequential, layers


class Own(layers.Dense):
    """A layer that streams what it likes."""

    def stream_part(self):
        return self.kernel.value, None, "linear"


def made(*chain):
    return Sequential([Input((None, 3)), *chain])


def test_what_stands_at_the_beginning(tmp_path):
    made(layers.LSTM(4), layers.Dropout(0.5), layers.Dense(2)).export(tmp_path / "m.bin", "lcm")
    data = (tmp_path / "m.bin").read_bytes()
    version, crc, size, wide, count = struct.unpack_from("<IIQii", data, 8)
    assert data[:8] == b"\x89LCM\r\n\x1a\n"
    assert (version, crc, size, wide, count) == (1, zlib.crc32(data[64:]), len(data), 0, 2)


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (layers.Bidirectional(layers.LSTM(4)), "bidirectional"),
        (layers.Rescaling(2.0), "rescaling"),
        (layers.Dense(4, "gelu"), "gelu"),
        (Own(4), "layer 'own.*expected a recurrent layer, Dense or Embedding.*got Own"),
    ],
)
def test_a_layer_that_is_not_held_is_named(layer, reason, tmp_path):
    with pytest.raises(ValueError, match=reason):
        made(layer).export(tmp_path / "m.lcm")
    assert not list(tmp_path.iterdir())


def test_a_graph_is_refused(tmp_path):
    x = Input((None, 3))
    model = Model(x, layers.LSTM(4)(x))
    with pytest.raises(ValueError, match="a stream runs a Sequential"):
        model.export(tmp_path / "m.lcm")


def test_it_is_not_read_as_layers(tmp_path):
    model = made(layers.LSTM(4))
    model.export(tmp_path / "m.lcm")
    with pytest.raises(ValueError, match="model file of liblstmcore"):
        lstmcore.load_model(tmp_path / "m.lcm")
    with pytest.raises(ValueError, match="model file of liblstmcore"):
        model.load_weights(tmp_path / "m.lcm")
