"""Files that say what they like, with a checksum that is right, and files that were damaged."""

import json

import numpy as np

from lstmcore.saving.safetensors_file import checksum
from lstmcore.saving.safetensors_format import make_header, open_tensors, write_arrays


def parts(path):
    """The format, the config and the tensors of a file."""
    with open_tensors(path, 1 << 20) as reader:
        tensors = {name: reader.read(name) for name in reader.entries}
        return reader.metadata["format"], json.loads(reader.metadata["config"]), tensors


def forge(source, target, change):
    """Write a file as another one is, but for a change of its config and tensors."""
    kind, config, tensors = parts(source)
    change(config, tensors)
    text = json.dumps(config)
    metadata = {"format": kind, "config": text, "crc32": checksum(text, tensors)}
    with open(target, "wb") as file:
        file.write(make_header(metadata, tensors))
        write_arrays(file, tensors)
    return target


def to(value, *keys):
    """A change that sets the entry of a config at these keys; a function maps the old value."""

    def change(config, tensors):
        for key in keys[:-1]:
            config = config[key]
        config[keys[-1]] = value(config[keys[-1]]) if callable(value) else value

    return change


def without(*keys):
    """A change that deletes an entry of a config."""

    def change(config, tensors):
        for key in keys[:-1]:
            config = config[key]
        del config[keys[-1]]

    return change


# -- at random -----------------------------------------------------------------------------

_VALUES = (
    *(None, -1, 0, 1, 2, 3, 7, 10**6, 2**40, 1.5, -2.5, 1e308, 1e-308, True, False),
    *("x", "", "os.system", [], {}, [1], ["a"], [[1, 2]], {"a": 1}, {"class_name": "LSTM"}),
)


def damaged(content, rng):
    """Bytes with a few of them changed, lost, doubled, moved or cut off."""
    data = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        a, b = sorted(rng.integers(0, len(data), 2))
        b = min(b, a + 200)
        match rng.integers(8):
            case 0:
                data[a] = rng.integers(256)
            case 1:
                data[a] ^= 1 << rng.integers(8)
            case 2:
                del data[a:b]
            case 3:
                data[a:a] = data[a:b]
            case 4:
                data[a:b] = bytes(b - a)
            case 5:
                data[a:a] = rng.bytes(rng.integers(1, 9))
            case 6:
                data[: 1 + a % 8] = rng.bytes(1 + a % 8)  # the length of the header
            case 7:
                data = data[: max(a, 8)]
    return bytes(data)


def places(node, keys=()):
    """Yield the keys of all entries of a config, of long lists those of the first six."""
    if keys:
        yield keys
    inside = node.items() if isinstance(node, dict) else enumerate(node[:6])
    for key, value in inside:
        if isinstance(value, dict | list):
            yield from places(value, (*keys, key))
        else:
            yield (*keys, key)


def at_random(rng, within=()):
    """A change of one entry of a config, or of one array, whatever it may be.

    Entries below one of the keys `within` are changed more often than others.
    """

    def change(config, tensors):
        if rng.random() < 0.2:
            _change_array(config, tensors, rng)
            return
        found = list(places(config))
        chosen = [keys for keys in found if set(keys) & set(within)]
        found = chosen if chosen and rng.random() < 0.8 else found
        *keys, last = found[rng.integers(len(found))]
        for key in keys:
            config = config[key]
        old, way = config[last], rng.random()
        if way < 0.15:
            del config[last]
        elif way < 0.4 and isinstance(old, list) and old:
            config[last] = old[:-1] if way < 0.28 else [*old, old[0]]
        else:
            config[last] = _VALUES[rng.integers(len(_VALUES))]

    return change


def _change_array(config, tensors, rng):
    names = sorted(name for name in tensors if name.startswith("extra/")) or sorted(tensors)
    name = names[rng.integers(len(names))]
    old = tensors[name]
    ways = (old[:-1], np.concatenate([old, old]), old * 0, old.T, old.reshape(-1)[:, None])
    tensors[name] = np.ascontiguousarray(ways[rng.integers(len(ways))])
    if name.startswith("extra/"):
        config["extra"]["arrays"][name[6:]] = tensors[name].shape
