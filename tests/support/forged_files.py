"""Files that say what they like, with a checksum that is right: only a vandal's is wrong."""

import json

from lstmcore.saving import safetensors_file
from lstmcore.saving.safetensors_format import open_tensors


def parts(path):
    """The format, the config and the tensors of a file."""
    with open_tensors(path, 1 << 20) as reader:
        tensors = {name: reader.read(name) for name in reader.entries}
        return reader.metadata["format"], json.loads(reader.metadata["config"]), tensors


def forge(source, target, change):
    """Write a file as another one is, but for a change of its config and tensors."""
    kind, config, tensors = parts(source)
    change(config, tensors)
    safetensors_file.write(str(target), kind, json.dumps(config), tensors)
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
