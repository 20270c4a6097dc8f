"""Model: the base class of all models."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

from ..autodiff.tensors import mask_of, with_mask
from ..layers.base import Layer
from ..layers.parameters import Flat, Param
from ..names import nearest
from ..refused.arguments import METHODS, checked
from ..refused.attributes import refuse
from ..saving import load_weights, save_model, save_weights
from ..saving.formats import PYTORCH, exported_as
from ..saving.stored_weights import rounded_floats
from ..serialization import to_json
from ..training.compiled import Compiled
from ..training.predictor import Predictor
from ..training.trainer import Trainer
from ..validation import Array
from .own_call import OwnCall
from .quantizable import Quantizable
from .summary import summary_html, summary_lines


@refuse("model", METHODS)
class Model(OwnCall, Quantizable, Trainer, Predictor, Layer):
    """The base class of all models: training, prediction, saving, summary.

    ``Model(inputs, outputs)`` makes a `Functional` model; so does a subclass that is given them. A
    subclass with a ``call(self, x, training=None, mask=None)`` computes what that does, with its
    layers and `lstmcore.ops`.

    Parameters
    ----------
    inputs, outputs : SymbolicTensor, or list or dict of SymbolicTensor, optional
        The ends of a graph.
    **kwargs
        `name`, `trainable`, `dtype`: see `Layer`.

    Examples
    --------
    >>> from lstmcore import Model, layers
    >>> class Forecaster(Model):
    ...     def __init__(self, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.lstm = layers.LSTM(8)
    ...         self.dense = layers.Dense(1)
    ...     def call(self, x):
    ...         return self.dense(self.lstm(x))
    >>> Forecaster().predict([[[1.0], [2.0]]], verbose=0).shape
    (1, 1)
    """

    takes_whole: ClassVar[bool] = True

    init_only = (*Layer.init_only, "inputs", "outputs")
    uses_mask: ClassVar[bool] = True
    _of_graph: ClassVar[type[Model]]  # Functional, which registers itself here

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Make a `Functional` model for ``Model(inputs, outputs)``."""
        if cls is Model:
            if "input" in kwargs or "output" in kwargs:
                raise TypeError("Model: write inputs=..., outputs=..., as they are called now")
            if not args and "inputs" not in kwargs:
                raise TypeError(
                    "Model: expected inputs and outputs, Model(inputs, outputs); to compute "
                    "something of your own write a subclass with call(self, x)"
                )
            return super().__new__(cls._of_graph, *args, **kwargs)  # type: ignore[return-value]
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, inputs: Any = None, outputs: Any = None, **kwargs: Any) -> None:
        if inputs is not None:
            self._become_functional()
            self.__init__(inputs, outputs, **kwargs)  # type: ignore[misc]
            return
        super().__init__(**kwargs)
        if type(self).forward is Layer.forward and not self.own("train_step"):
            raise TypeError(
                f"{type(self).__name__}: expected a subclass of Model with call(self, x), or "
                "inputs and outputs, got neither"
            )

    def _become_functional(self) -> None:
        """Give a subclass without `call` the methods of `Functional` behind its own."""
        cls, graph = type(self), Model._of_graph
        if issubclass(cls, graph):
            raise TypeError(f"{cls.__name__}: inputs: expected them once")
        if "_variant" not in cls.__dict__:
            names = {"__module__": cls.__module__, "__doc__": cls.__doc__}
            cls._variant = type(cls.__name__, (cls, graph), names)  # type: ignore[attr-defined]
        self.__class__ = cls._variant  # type: ignore[attr-defined]

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Build a model from the result of `get_config`."""
        if cls is Model:
            return cls._of_graph.from_config(config)  # type: ignore[return-value]
        return super().from_config(config)

    def named_sublayers(self) -> Sequence[tuple[str, Any]]:
        """Return the layers in attributes, with their names: there is no graph."""
        from ..layers import derived

        return derived.named_sublayers(self)

    def sublayers(self) -> Sequence[Any]:
        """Return the layers in attributes: there is no graph."""
        return [layer for _, layer in Model.named_sublayers(self)]

    def common_dtype(self) -> str:
        """Return the first dtype set on the model or one of its layers, or else the default."""
        stated = [self.dtype, *(layer.dtype for layer in self.layers)]
        return next((dtype for dtype in stated if dtype is not None), self.default_dtype)

    @property
    def layers(self) -> list[Layer]:
        """The layers, in order."""
        return list(self.sublayers())

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return a layer by its name or its position.

        Raises
        ------
        ValueError
            If there is none; the message suggests the nearest name.
        """
        if (name is None) == (index is None):
            raise ValueError("get_layer: expected either a name or an index")
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ValueError(f"get_layer: no layer {index}: there are {len(self.layers)}")
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        hint = nearest(str(name), [layer.name for layer in self.layers])
        raise ValueError(f"get_layer: no layer named {name!r}: {hint}")

    def call_on_arrays(self, x: Any, training: bool, mask: Any, options: dict[str, Any]) -> Any:
        """Return the output for samples, computed as one batch, in the structure of the outputs."""
        array, masks = self.padded(x, mask_of(x) if mask is None else mask)
        y, _, out_mask = self.run(array, training, masks)
        out = self.pack_outputs(list(y) if isinstance(y, tuple) else [y])
        return with_mask(out, out_mask)

    def prepare_call(self, x: Any, mask: Any) -> tuple[Any, Any]:
        """Convert arrays and masks for a call; see `Layer.prepare_call`."""
        return self.padded(x, mask)

    def to_json(self, **kwargs: Any) -> str:
        """Return the architecture as JSON; `kwargs` go to ``json.dumps``."""
        return json.dumps(to_json(self), **kwargs)

    @checked
    def save(
        self,
        filepath: str | os.PathLike[str],
        overwrite: bool = True,
        zipped: bool | None = None,
    ) -> None:
        """Write architecture, weights and training state to one file.

        Parameters
        ----------
        filepath : path-like
            ``"model.keras"`` is written as Keras 3 writes it (needs ``lstmcore[keras]``), any
            other name as this library's file, a safetensors file.
        overwrite : bool, default True
            Replace an existing file. The write is atomic: there is always a complete file.
        zipped : bool, optional
            Accepted for compatibility with Keras: it is always one file.

        Raises
        ------
        FileExistsError
            If the file exists and `overwrite` is False.
        ValueError
            If the model has no weights yet, or the name asks for another format.
        """
        save_model(self, filepath, overwrite=overwrite)

    @checked
    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write only the weights to one file; see `save`.

        ``"model.weights.h5"`` is written as Keras 3 writes it (needs ``lstmcore[keras]``), any
        other name as this library's file, a safetensors file.
        """
        save_weights(self, filepath, overwrite=overwrite)

    @checked
    def load_weights(
        self,
        filepath: str | os.PathLike[str],
        skip_mismatch: bool = False,
        *,
        by_name: bool = False,
        keras_version: str | None = None,
    ) -> None:
        """Load weights from a file written by `save_weights` or `save`, or by Keras 1 to 3.

        Parameters
        ----------
        filepath : path-like
        skip_mismatch : bool, default False
            Skip weights that the file lacks or has in another shape. Otherwise they are an error,
            and no weight changes.
        by_name : bool, default False
            Load into the layers that have a name in common with the file, and leave the others as
            they are.
        keras_version : str, optional
            The version of Keras that wrote the file, such as ``"2.2.4"``, if the file does not
            say it.
        """
        options: dict[str, Any] = {"skip_mismatch": skip_mismatch, "by_name": by_name}
        load_weights(self, filepath, **options, keras_version=keras_version)

    def load_torch(
        self, weights: str | os.PathLike[str] | Mapping[str, Any], mapping: Mapping[str, Any]
    ) -> None:
        """Load weights of PyTorch's into layers of this model; PyTorch itself is not needed.

        Parameters
        ----------
        weights : path-like, or dict of str to array_like
            A file of ``torch.save(module.state_dict(), path)`` or a safetensors file; or arrays
            by PyTorch's names of them, as `lstmcore.read_torch` returns them.
        mapping : dict of str to str, layer, or list of these
            By prefix of the names the layer, or the layers of a stack: ``{"lstm.": ("lstm",
            "lstm_1"), "fc.": "dense"}``. A layer inside a model that is a layer is
            ``"inner/dense"``. None for tensors that are not wanted.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If a tensor is left over, a weight of the layers named is not there or has another
            shape, or a layer computes something else than PyTorch's module. The model is then
            unchanged.
        """
        PYTORCH.function("load_torch")(self, weights, mapping)

    @checked
    def export(
        self,
        filepath: str | os.PathLike[str],
        format: str | None = None,
        verbose: Any = None,
        input_signature: Any = None,
        **kwargs: Any,
    ) -> None:
        """Write the model as it computes at inference for other programs: as ONNX, or for C.

        An ONNX file needs ``pip install 'lstmcore[onnx]'``. The graph is made of standard
        operators, with one node for each recurrent layer, for batches and sequences of any size.
        A C file, with its header, needs nothing: it computes one row at a time, with the same
        bits on every machine. A file of ``.lcm`` is for liblstmcore, which runs it without
        Python, with the bits of `stream`; it holds the models that `stream` takes.

        Parameters
        ----------
        filepath : path-like
            Its name ends in ``.onnx``, ``.c`` or ``.lcm``, or `format` says so.
        format : {"onnx", "c", "lcm"}, optional
            The default follows from the name.
        verbose : bool, optional
            Accepted for compatibility with Keras; nothing is printed.
        input_signature : None
            The inputs are those of the model.
        **kwargs
            Of C: ``name``, the prefix of all names; ``weights="int8"``; ``arithmetic="fma"``;
            ``calibrate``; ``max_steps``. See `lstmcore.interchange.c.export_model`. Of ONNX:
            ``opset=17``; ``stateful=True``: states of recurrent layers go in and come out, for
            sequences that come in chunks; ``lengths=True``: an input with the number of steps of
            each row; ``padding="trailing"``: masked steps come last in every row; ``metadata``:
            a dict of texts. See `lstmcore.interchange.onnx.exporting.export_model`.

        Raises
        ------
        ValueError
            If the format cannot say what a layer or one of its options does; the message names
            both.

        Examples
        --------
        >>> from lstmcore import Input, Sequential, layers
        >>> model = Sequential([Input((None, 3)), layers.LSTM(8), layers.Dense(1)])
        >>> model.export("model.onnx")  # doctest: +SKIP
        """
        if input_signature is not None:
            raise ValueError("export: input_signature: expected None: the inputs are the model's")
        kind = exported_as(filepath, format)
        model = self if kind.quantized else rounded_floats(self, "export", kind.name)
        kind.function("export_model")(model, filepath, **kwargs)

    @checked
    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], object] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
    ) -> None:
        """Print the layers with their output shapes and numbers of weights.

        Parameters
        ----------
        line_length : int, optional
            Widen the table to this many characters.
        positions : list of float, optional
            Accepted for compatibility with Keras; no effect: columns are as wide as their content.
        expand_nested : bool, default False
            Show the layers of nested models.
        show_trainable : bool, default False
            Add a column that says whether a layer is trained.
        layer_range : (str, str), optional
            Names of the first and the last layer to show.
        print_fn : callable, default print
            Called with one line at a time.
        """
        write = print if print_fn is None else print_fn
        lines = summary_lines(self, line_length, expand_nested, show_trainable, layer_range)
        for line in lines:
            write(line)

    def _repr_html_(self) -> str:
        """Return the summary as notebooks show it."""
        return summary_html(self)

    def _materialize(self, params: list[tuple[Param, bool]], initialize: bool) -> None:
        """Give all weights memory in flat arrays, the trainable ones first.

        If weights were added, frozen, unfrozen or taken over by another model since the last call,
        all move to new arrays, with the optimizer's state of those that stay trainable.
        """
        old = self._flat
        if old is not None and old.holds(params):
            return
        self._flat = new = Flat(params, self.dtype or self.default_dtype, initialize)
        if old is not None and self.optimizer is not None:
            kept = [p for p in new.order[: new.count] if p in old.order[: old.count]]
            self.optimizer.move([(old.windows[p], new.windows[p]) for p in kept], new.size)

    def get_compile_config(self) -> dict[str, Any] | None:
        """Return the arguments of `compile`, ready for JSON; None before it was called."""
        return None if self._compiled is None else self._compiled.get_config()

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile with the result of `get_compile_config`."""
        self.set_training({"compile": config, "iterations": 0}, {})

    def get_training(self) -> dict[str, Any] | None:
        """Return the arguments of `compile` and the optimizer's progress, ready for JSON."""
        if self._compiled is None:
            return None
        optimizer = self._compiled.optimizer
        training = {"compile": self._compiled.get_config(), "iterations": optimizer.iterations}
        state = optimizer.state()
        return {**training, "state": state} if state else training

    def set_training(self, training: dict[str, Any] | None, slots: dict[str, Array]) -> Self:
        """Compile and restore the optimizer, from the result of `get_training` and its slots."""
        self._compiled = None
        if training is not None:
            self._compiled = Compiled(**training["compile"])
            self._compiled.bind(self.output_names, self.output_form)
            self._compiled.optimizer.iterations = training["iterations"]
            self._compiled.optimizer.set_state(training.get("state", {}))
            self._compiled.optimizer.slots.update(slots)
        return self

    def __reduce__(self) -> Any:
        restore, arguments = super().__reduce__()
        slots = {} if self.optimizer is None else self.optimizer.slots
        return _restore, (restore, arguments, self.get_training(), slots)


def _restore(
    restore: Callable[..., Model],
    arguments: tuple[Any, ...],
    training: dict[str, Any] | None,
    slots: dict[str, Array],
) -> Model:
    copies = {name: slot.copy() for name, slot in slots.items()}
    return restore(*arguments).set_training(training, copies)
