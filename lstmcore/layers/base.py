"""Layer, base of all layers: weights on one flat array, and a forward that returns its backward.

    y, back = layer.forward(x, grad)
    dx = back(dy)
    mask = layer.compute_mask(x, mask)

A mask, (batch, time), is True at unmasked steps. It is passed from layer to layer beside the
samples; `run` returns both.

A call stores nothing on the layer, so threads cannot interfere and a layer can be used twice.

A user's layer may instead have Keras's ``call(x, mask, training)``, made of `lstmcore.ops` and
other layers: `lstmcore.layers.derived` then derives its `forward` and its backward function.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from .. import activations, config, context, regularizers
from ..autodiff.tensors import mask_of, masks_of, with_mask
from ..config import policies
from ..inspection import inner_layers
from ..quantization.quantize import set_storages, storages
from ..quantization.storage import Product
from ..refused.attributes import refuse
from ..registry import Registry
from ..registry import custom_objects as custom_objects_known
from ..serialization import live_configs, to_json
from ..structure import flatten
from ..validation import STRING, as_mask, entries
from ..validation import Array as Array
from .building import builds_at_once
from .calls import (
    bind,
    check_options,
    convert,
    first_argument,
    gradients_of_outputs,
    masks_of_outputs,
    zero_masked,
)
from .input_spec import check_inputs, check_shapes
from .module import DTYPES as DTYPES
from .module import Module as Module
from .module import shapes_only as shapes_only
from .parameters import Flat as Flat
from .parameters import Param as Param
from .symbolic import Node, SymbolicTensor, has_symbols, is_shape_list, is_symbolic, record

Shape = tuple[int | None, ...]
Back = Callable[..., Any]

registry: Registry = Registry("layer")
registry.later("lstmcore.ops.layer", "Operation")
# Methods of Keras that nothing here calls, with what to override instead.
NEVER_CALLED = {
    "compute_output_spec": "override compute_output_shape(self, input_shape)",
    "stateless_call": "override call(self, x)",
    "make_train_function": "override train_step(self, data)",
    "make_test_function": "override test_step(self, data)",
    "make_predict_function": "override predict_step(self, data)",
}
LARGEST = 1 << 20  # limit of every size in a layer: an untrusted config cannot ask for more


@refuse("layer")
class Layer(Module):
    """Base of all layers: subclass it and write `build`, and `call` or `forward`.

    `call` is Keras's: what it computes with `lstmcore.ops` and other layers is derived. `forward`
    is the fast way: it returns its backward function beside its output, and needs a
    `compute_output_shape`.

    Parameters
    ----------
    name : str, optional
        The default is the class's name in snake case, numbered.
    dtype : {"float32", "float64", "mixed_bfloat16"}, DTypePolicy or dict, optional
        The policy: the type of weights and outputs, and that of products; see
        `lstmcore.config.DTypePolicy`. The default is the model's if that states one, and else
        that of `lstmcore.config.dtype_policy` when the layer was made: float32.
    trainable : bool, default True
        False freezes the weights: `fit` leaves them as they are.
    input_shape : tuple of int or None, optional
        The shape of one sample, for the first layer of a `Sequential`.
    input_dim, batch_input_shape : int, tuple of int or None, optional
        Alternatives to `input_shape`: its only size, and the shape with its batch axis.
    activity_regularizer : str or Regularizer, optional
        Penalty on the output; divided by the number of samples, it is added to the loss.
    """

    registry = registry
    init_only: ClassVar[tuple[str, ...]] = ("input_dim", "batch_input_shape")
    single_output: ClassVar[bool] = True
    # the names of a call's other arguments by place, in Keras's order
    call_order: ClassVar[tuple[str, ...]] = ("training", "mask")
    uses_mask: ClassVar[bool] = False  # `forward` takes a mask
    several_inputs: ClassVar[bool] = False  # x, its shapes and its masks are lists
    takes_whole: ClassVar[bool] = False  # whole numbers stay what they are, in a graph, too
    never_called: ClassVar[Mapping[str, str]] = {}  # as `NEVER_CALLED`, for subclasses of the class
    # arguments of a call that have gradients: with any of them `back` returns (dx, their gradients)
    differentiable_options: ClassVar[tuple[str, ...]] = ("initial_state",)
    mixes_rows: ClassVar[bool] = False  # a row's output depends on other rows of its batch
    builds_itself: ClassVar[bool] = False  # `build` gives memory to weights, without `build_for`
    is_building: bool = False  # within `build_for`
    owner: Any = None  # a weak reference to the first Sequential that has the layer
    supports_masking: bool = False  # of a layer with `call`: the output has the input's mask
    # True for a class with a `call` of its own, from which the rest is derived
    input_spec: Any = None  # an `InputSpec`, or a list of them, that users' layers set
    overrides_call: ClassVar[bool] = False
    overrides_compute_mask: ClassVar[bool] = False
    finds_mask_with_output: ClassVar[bool] = False  # the class has a `forward_with_mask`
    overrides_output_shape: ClassVar[bool] = False
    output_structure: Any = None  # the structure of the outputs of `call`, None for a single one
    warned_of_mask = False
    stateful: bool = False  # the states of a call are those that the next begins with
    # how weights of products are stored for inference: None, as float32, or one of
    # `lstmcore.quantization.storage.FORMATS`, which `Model.quantize` sets
    storage: str | None = None
    stored_entries: Mapping[str, Any] = MappingProxyType({})  # of `lstmcore.layers.stored`
    # of a class with `call`: the `run` and the `forward` of its base
    _base_run: ClassVar[Callable[..., Any]]
    _base_forward: ClassVar[Callable[..., Any]]
    trial_kind: str | None = None  # the dtype of the inputs of trials of `call`

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = cls.__dict__
        for name, instead in {**NEVER_CALLED, **cls.never_called}.items():
            if name in own and "never_called" not in own:
                raise TypeError(f"{cls.__name__}.{name} is never called: {instead}")
        if "call" in own and "forward" in own:
            raise TypeError(
                f"{cls.__name__}: expected call (derived) or forward (with its backward function), "
                "got both"
            )
        if "forward_with_mask" in own:
            cls.finds_mask_with_output = True
        if "compute_mask" in own:
            cls.overrides_compute_mask = True
        if "build" in own and not cls.builds_itself:
            cls.build = builds_at_once(own["build"])  # type: ignore[method-assign]
        if "compute_output_shape" in own:
            cls.overrides_output_shape = True
        if "call" in own:
            _derive(cls)
        elif "forward" in own:
            cls.overrides_call = False

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        name: str | None = None,
        input_shape: Sequence[int | None] | None = None,
        input_dim: int | None = None,
        batch_input_shape: Sequence[int | None] | None = None,
    ) -> None:
        self.name = registry.automatic_name(type(self)) if name is None else name
        if not isinstance(self.name, str) or not self.name or "/" in self.name:
            raise ValueError(
                f"{type(self).__name__}: name: expected a str without '/', got {name!r}"
            )
        self.dtype: str | None = None
        self._policy: config.DTypePolicy | None = None  # stated, or the model's
        if dtype is not None:
            self._state_dtype(dtype)
        self._default_policy = config.dtype_policy()
        self._trainable = bool(trainable)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        if input_dim is not None:
            input_shape = (input_dim,)
        self._batch_size: int | None = None
        if batch_input_shape is not None and input_dim is None:
            size, *input_shape = entries("batch_input_shape", batch_input_shape, "sizes") or [None]
            self._batch_size = None if size is None else self.check_size("batch_input_shape", size)
        self._sample_shape = None if input_shape is None else self.check_shape(input_shape)
        self._params: list[Param] = []
        self._built_for: Shape | None = None
        self.built = False
        self.nodes: list[Node] = []  # the calls in graphs
        self.trials: dict[Any, Any] = {}  # shapes of the outputs of `call`, by those of the inputs
        self._losses: list[Any] = []  # of `add_loss`, in the last call

    # -- what a subclass writes ------------------------------------------------------------

    @builds_at_once
    def build(self, input_shape: Shape) -> None:
        """Check the input's shape and declare the weights with `add_weight`.

        Users call it, too: then the weights get memory at once. A second call changes nothing.
        """

    def forward(self, x: Any, grad: bool = False) -> tuple[Any, Back | None]:
        """Compute the output and the backward function.

        Parameters
        ----------
        x : ndarray
            Has the layer's dtype; its last axis is contiguous.
        grad : bool, default False
            A backward function is wanted. A layer that behaves differently in training, such as
            dropout, asks `lstmcore.context.in_training(grad)`.

        Returns
        -------
        y : ndarray
        back : callable or None
            ``back(dy, need_dx=True)`` adds to the gradients of the weights and returns dx, which
            may be None without `need_dx`. Call it at most once, before the weights change. None
            unless `grad`.
        """
        raise NotImplementedError(
            f"{self.describe()}: write call(self, x), made of lstmcore.ops and other layers; or, "
            "the fast way, forward(self, x, grad) -> (y, back) with back(dy, need_dx) -> dx"
        )

    def call(self, x: Any, *args: Any, training: Any = None, mask: Any = None, **kw: Any) -> Any:
        """Compute the output as the layer's base does, for a subclass with a `call` of its own."""
        x, training, mask, kw = bind(self, x, args, {"training": training, "mask": mask, **kw})
        current = context.current()
        if current.tape is not None or current.trial:
            from . import derived

            if current.trial:
                return derived.call_in_trial(self, x, mask, kw, of_base=True)
            return derived.call_on_tape(self, x, training, mask, kw, type(self)._base_run)
        mask = mask_of(x) if mask is None else mask
        array, mask = convert(self, x, mask)
        behaves = bool(current.training if training is None else training)
        with context.changed(training=behaves):
            y, _, out_mask = self._base_run(array, behaves, mask, **kw)
        return with_mask(y, out_mask)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output, batch axis included; None stands for any size."""
        if self.overrides_call:
            shape: Shape = self.call_output_shape(input_shape)
            return shape
        return input_shape

    def call_output_shape(self, input_shape: Any, **options: Any) -> Any:
        """Return the shape of the output of a call with these other arguments."""
        if self.overrides_call and not self.overrides_output_shape:
            from . import derived

            shapes = [shape for shape, _ in derived.output_shapes(self, input_shape, options)]
            return shapes[0] if self.output_structure is None else tuple(shapes)
        return self.compute_output_shape(input_shape)

    def compute_mask(self, x: Any, mask: Any) -> Any:
        """Return the mask of the output, given the mask of the input.

        A layer that drops or changes the time axis must override this.

        Parameters
        ----------
        x : ndarray
            The input.
        mask : ndarray of bool, (batch, time), or None
            True for unmasked steps; None if all are unmasked.

        Returns
        -------
        ndarray or None
            For several outputs a tuple of masks, or the mask of the first.
        """
        return mask

    def warn_of_lost_mask(self, instead: str) -> None:
        """Warn, once, that the mask of the input ends here; `instead` says how to keep it."""
        if self.warned_of_mask or context.current().trial:
            return
        self.warned_of_mask = True
        warnings.warn(
            f"{self.describe()}: its input has a mask, which is dropped here as Keras does: masked "
            f"steps count like any others, here and in the layers that follow; {instead}",
            stacklevel=2,
        )

    def run(
        self, x: Any, grad: bool = False, mask: Any = None, **options: Any
    ) -> tuple[Any, Back | None, Any]:
        """Return the output, the backward function and the mask of the output."""
        if not (isinstance(x, np.ndarray) and x.dtype.kind == "f"):
            x = self._as_reals(x)
        if self.input_spec is not None:
            check_inputs(self, x)
        if self.finds_mask_with_output:
            y, back, out_mask = self.forward_with_mask(x, grad, mask, **options)
        else:  # what that does, without a call more
            if mask is not None and self.uses_mask:
                options["mask"] = mask
            y, back = self.forward(x, grad, **options)
            out_mask = self.compute_mask(x, mask)
        if self.activity_regularizer is not None:
            back = self.penalize(y, back, out_mask)
        observer = context.current().observer
        if observer is not None:
            back = observer(self, x, mask, y, back)
        return y, back, out_mask

    def _as_reals(self, x: Any) -> Any:
        """Return whole numbers and truth values of a graph in the layer's dtype, if it is real.

        A layer that takes them gets them as they are, unless there are reals beside them.
        """
        parts = x if isinstance(x, list) else [x]
        whole = [isinstance(part, np.ndarray) and part.dtype.kind in "biu" for part in parts]
        if not any(whole) or (self.takes_whole and all(whole)) or self.input_dtype not in DTYPES:
            return x
        cast = [p.astype(self.dtype) if w else p for p, w in zip(parts, whole, strict=True)]
        return cast if isinstance(x, list) else cast[0]

    def forward_with_mask(
        self, x: Any, grad: bool = False, mask: Any = None, **options: Any
    ) -> tuple[Any, Back | None, Any]:
        """Return what `run` returns, before penalties and observers.

        A layer whose mask is known only once its output is overrides this; `forward` is called
        here.
        """
        if mask is not None and self.uses_mask:
            options["mask"] = mask
        # below a `call` of the user's, `forward` is the derived one
        forward = self._base_forward if self.overrides_call else self.forward
        y, back = forward(x, grad, **options)
        return y, back, self.compute_mask(x, mask)

    def penalize(self, y: Any, back: Back | None, mask: Any) -> Back | None:
        """Add the activity regularizer's penalty to the loss, its gradient to `back`.

        Masked steps have no penalty.
        """
        regularizer, several = self.activity_regularizer, isinstance(y, tuple)
        assert regularizer is not None
        pairs = zip(flatten(y), masks_of_outputs(y, mask), strict=True)
        parts = [zero_masked(part, m) for part, m in pairs]
        collected = context.current().penalties
        if collected is not None:
            collected.append(sum(regularizer(part) / len(part) for part in parts))
        if back is None:
            return None
        inner_back = back

        def add_gradient(dy: Any, part: Array) -> Array:
            own: Array = regularizer.gradient(part) / len(part)
            return own if dy is None else dy + own

        def penalized(dy: Any, need_dx: bool = True) -> Any:
            dys = gradients_of_outputs(dy, y) if several else [dy]
            total = [add_gradient(d, part) for d, part in zip(dys, parts, strict=True)]
            return inner_back(tuple(total) if several else total[0], need_dx=need_dx)

        return penalized

    def add_loss(self, loss: Any) -> None:
        """Add a number to the loss of the training step, within `call`.

        Parameters
        ----------
        loss : scalar, or list of scalars
            Made of `lstmcore.ops`.
        """
        current = context.current()
        if current.trial:
            return
        for value in flatten(loss):
            if isinstance(value, SymbolicTensor):
                raise TypeError(
                    f"{self.describe()}: add_loss: expected a number computed in a call, got the "
                    "symbolic tensor of a graph, which no file would keep: give it to a layer "
                    "whose call(self, x) calls self.add_loss(...) and returns x, with the output "
                    "of the model"
                )
            self._losses.append(value)
            if current.tape is not None:
                current.tape.losses.append(value)
            elif current.penalties is not None:
                current.penalties.append(float(value))

    def forget_losses(self) -> None:
        """Forget what `add_loss` was given in an earlier call."""
        if self._losses:
            self._losses = []

    @property
    def losses(self) -> list[Any]:
        """The penalties of weight regularizers, and what `add_loss` was given in the last call."""
        from . import derived

        return derived.losses(self)

    def locate_nonfinite(self, x: Any, mask: Any) -> str:
        """Return the place in the layer where values became NaN or Inf; "" if unknown."""
        return ""

    def describe_gradients(self, bad: list[Param]) -> str:
        """Describe the non-finite gradients `bad` for an error message."""
        return f"gradient of {bad[0].name!r}"

    def stream_part(self) -> tuple[Any, ...] | None:
        """Return the layer's part in a stream, or None if it does nothing at inference.

        ``(packed, return_sequences)`` for a recurrent layer, ``(kernel, bias, activation)`` for
        a dense one; see `lstmcore.streaming`.

        Raises
        ------
        ValueError
            If an output depends on later inputs, or the core cannot compute the layer.
        """
        raise unstreamable(self, "the core does not run it step by step")

    def stored_products(self) -> Sequence[Product]:
        """Return the weights that the layer stores in its `storage`, by their products."""
        return ()

    @property
    def keeps_floats(self) -> str:
        """Why the layer and those inside it are never quantized; "" if they can be."""
        return ""

    # -- what a subclass uses --------------------------------------------------------------

    def sequence_error(self, features: object, shape: Shape) -> ValueError:
        """Return the error for an x that is not a batch of sequences with these features."""
        wanted = f"an array of shape (batch, time, {features})"
        hint = " (a recurrent layer before it needs return_sequences=True)"
        return self.error("x", wanted, f"shape {shape}{hint if len(shape) == 2 else ''}")

    def check_size(self, argument: str, value: Any) -> int:
        """Return a size as an int; raise ValueError unless it is from 1 to `LARGEST`."""
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or not 1 <= value <= LARGEST:
            raise self.error(argument, f"a whole number from 1 to {LARGEST}", repr(value))
        return int(value)

    def check_activation(
        self, argument: str, value: Any, halves: bool = False
    ) -> activations.Activation:
        """Return the activation of a name or function; ValueError for one the layer cannot have.

        `halves`: the layer's output may be half as wide as its input, as glu makes it.
        """
        found = activations.get(value)
        lacks = found.lacks()
        if lacks:
            name, options = found.__name__, ", ".join(f"{option}=..." for option in lacks)
            wanted = f"{name} with its options, activations.{name}.using({options})"
            raise self.error(argument, wanted, repr(value))
        if found.halves and not halves:
            wanted = f"one that keeps the shape (Activation({found.__name__!r}) is a layer)"
            raise self.error(argument, wanted, repr(value))
        return found

    def check_shape(self, shape: Sequence[int | None]) -> Shape:
        """Return the shape of one sample as a tuple of sizes, None for any size."""
        if not isinstance(shape, tuple | list) or not shape:
            raise self.error("input_shape", "a tuple of sizes without the batch axis", repr(shape))
        return tuple(None if n is None else self.check_size("input_shape", n) for n in shape)

    def _state_dtype(self, dtype: Any) -> None:
        """Take the policy that was given as `dtype`."""
        self._policy = self.check_policy("dtype", dtype)
        self.dtype = self._policy.variable_dtype

    def check_policy(self, argument: str, value: Any) -> config.DTypePolicy:
        """Return the policy that an argument stands for; raise ValueError if there is none."""
        wanted = policies.instead_of(policies.name_of(value))
        if wanted is not None:
            raise self.error(argument, wanted, f"{value!r:.80}")
        return policies.get(value)

    # -- the rest --------------------------------------------------------------------------

    @property
    def default_dtype(self) -> str:  # type: ignore[override]
        """The dtype if none is stated: that of the layer in whose `call` this one is called.

        Otherwise that of the default policy when the layer was made.
        """
        return (context.current().policy or self._default_policy).variable_dtype

    def constructor_argument(self, name: str) -> Any:
        """Return a constructor argument, to make the same layer again."""
        if name == "dtype" and self.dtype is not None and self._policy is not None:
            return self._policy.name
        return self._sample_shape if name == "input_shape" else getattr(self, name)

    @property
    def input_shape(self) -> Shape | None:
        """The shape that the constructor was given, or None: of a sample, or with its batch axis.

        The batch axis is there if `batch_input_shape` was given with a number of samples.
        """
        if self._batch_size is None or self._sample_shape is None:
            return self._sample_shape
        return (self._batch_size, *self._sample_shape)

    def get_config(self) -> dict[str, Any]:
        """Return the present constructor arguments, ready for JSON."""
        config = super().get_config()
        if "dtype" in config:
            config["dtype"] = self.constructor_argument("dtype")
        if self._batch_size is not None and "input_shape" in config:
            config["batch_input_shape"], config["input_shape"] = config["input_shape"], None
        return config

    @property
    def input_dtype(self) -> str:
        """The dtype that input arrays are converted to."""
        return self.dtype or self.default_dtype

    @property
    def compute_dtype(self) -> str:
        """The dtype of the operands of products, by the layer's policy."""
        return self.dtype_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype of the weights, and of the output."""
        return self.dtype or self.default_dtype

    @property
    def dtype_policy(self) -> config.DTypePolicy:
        """The policy: what types weights and the operands of products have.

        It can be set: from ``"float32"`` to ``"mixed_bfloat16"`` and back at any time, to
        ``"float64"`` before the layer is built. That of layers inside is theirs.
        """
        return self._policy_for(self.variable_dtype)

    @dtype_policy.setter
    def dtype_policy(self, value: Any) -> None:
        policy = self.check_policy("dtype_policy", value)
        if self.built and policy.variable_dtype != self.dtype:
            wanted = f"a policy of {self.dtype} weights, for the layer is built"
            raise self.error("dtype_policy", wanted, f"{value!r:.80}")
        self._policy, self.dtype = policy, policy.variable_dtype

    def _policy_for(self, dtype: str) -> config.DTypePolicy:
        """Return the policy with weights of this dtype: the layer's own, or the model's."""
        wanted = self._policy or context.current().policy or self._default_policy
        if wanted.variable_dtype == dtype or dtype not in DTYPES:
            return wanted
        return config.DTypePolicy(dtype)

    @property
    def product_storage(self) -> str | None:
        """What the core rounds the operands of a built layer's products to; None for nothing."""
        policy = self._policy  # asked for in every call, so not by way of `compute_dtype`
        return "bfloat16" if policy is not None and policy.name == policies.MIXED else None

    @property
    def packed_storage(self) -> str | None:
        """The format of the weights as the core reads them: quantized ones', or the policy's."""
        return self.storage or self.product_storage

    @property
    def output_dtype(self) -> str | None:
        """The dtype of the output in a graph."""
        return self.dtype

    def takes_strings(self, position: int = 0) -> bool | None:
        """Return True if the input at this position is an array of texts; None if it may be."""
        return self.input_dtype == STRING

    def build_for(self, input_shape: Any, dtype: str) -> None:
        """Build the layer, once, for inputs of this shape in a model of this dtype.

        A layer that is built already, elsewhere in a graph, must accept this shape too. A `call`
        is tried on zeros, which builds the layers that it calls.
        """
        self.declare(input_shape, dtype)
        if self.overrides_call:
            from . import derived

            derived.output_shapes(self, input_shape, {})

    def declare(self, input_shape: Any, dtype: str) -> None:
        """Call `build`, once, for inputs of this shape in a model of this dtype."""
        if self.built and not self.overrides_call:
            self._check_fits(input_shape, dtype)
        if self.dtype is not None and self.dtype != dtype:
            raise self.error("dtype", f"{dtype}, as the model has", self.dtype)
        if self.built:
            return
        if self.input_spec is not None:
            check_shapes(self, input_shape)
        self.dtype, self._policy = dtype, self._policy_for(dtype)
        if not self.overrides_call:  # then its weights may be of the constructor
            self._params.clear()
        count = len(self._params)
        self.is_building = True
        try:
            with context.changed(policy=self._policy):
                self.build(input_shape)
        except BaseException:
            del self._params[count:]
            raise
        finally:
            self.is_building = False
        self._built_for, self.built = input_shape, True

    def _check_fits(self, input_shape: Any, dtype: str) -> None:
        """Raise ValueError unless the built layer accepts inputs of this shape.

        It does if the same layer, built for this shape, has weights of the same shapes.
        """
        if self._built_for is None or sample_shapes(input_shape) == sample_shapes(self._built_for):
            return
        with shapes_only():
            other = recreate(self)
            other.build_for(input_shape, dtype)
        if [p.shape for p in other.weights] != [p.shape for p in self.weights]:
            raise self.error("x", f"shape {self._built_for}, as it was built for", input_shape)

    def __call__(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Compute the output for an array; build the layer if it is not built.

        Parameters
        ----------
        x : array_like, (batch, ...), or list of sequences of different lengths
            Such a list is padded with zeros to the longest and masked accordingly. A list of
            these for a layer of several inputs. Symbolic tensors (`Input`) record the call in a
            graph.
        training : bool, default False
            True for the behaviour in training, such as dropout.
        mask : array_like of bool, (batch, time), optional
            True for unmasked steps; ignored by layers without a notion of steps. A mask (batch,
            time, parts) says which parts of steps are unmasked. The default is the mask with
            which another layer returned x.
        *args, **kwargs
            Other arguments of the layer's `forward` or `call`. By place they come in Keras's
            order, which is that of `call_order`.

        Returns
        -------
        ndarray
            Its mask goes with it to the next layer that it is given to. A tuple for several.
        """
        if self.overrides_call:
            return self._call_derived(x, args, kwargs)
        x, training, mask, options = bind(self, x, args, kwargs)
        if is_symbolic(x):
            return record(self, x, {"training": training, "mask": mask, **options})
        check_options(self, options)
        current = context.current()
        if current.tape is not None or current.trial:
            from . import derived

            if current.trial:
                return derived.call_in_trial(self, x, mask, options)
            return derived.call_on_tape(self, x, training, mask, options, type(self).run)
        behaves = bool(current.training if training is None else training)
        return self.call_on_arrays(x, behaves, mask, options)

    def call_on_arrays(self, x: Any, training: bool, mask: Any, options: dict[str, Any]) -> Any:
        """Return the output for arrays, with its mask; models have their own."""
        if mask is None:
            mask = masks_of(x) if self.several_inputs else mask_of(x)
        array, mask = self.prepare_call(x, mask)
        y, _, out_mask = self.run(array, training, mask, **options)
        return with_mask(y, out_mask)

    def _call_derived(self, x: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        from . import derived

        kwargs = {key: value for key, value in kwargs.items() if value is not None}
        x = first_argument(self, kwargs) if x is None else x
        call = derived.record if has_symbols([x, args, kwargs]) else derived.call
        return call(self, x, args, kwargs)

    def pack_inputs(self, x: Any) -> Any:
        """Return the input or the list of inputs in the structure that the layer is called with."""
        return x

    def prepare_call(self, x: Any, mask: Any) -> tuple[Any, Any]:
        """Convert arrays and masks for a call; build the layer if it is not built."""
        x, mask = convert(self, x, mask)
        if not self.built:  # otherwise `forward` checks the shape
            shapes = [part.shape for part in x] if self.several_inputs else x.shape
            self.build_for(shapes, self.dtype or self.default_dtype)
        if self.sublayers() or any(p.flat is None for p in self._params):
            self.materialize()
        return x, mask

    def convert_mask(self, mask: Any, x: Array, what: str) -> Array:
        """Convert a caller's mask for an array to bools; raise an error if it does not fit."""
        return as_mask(mask, x.shape, f"{what}: mask", x.dtype.kind in "iu")

    # -- in graphs ---------------------------------------------------------------------------

    @property
    def input(self) -> Any:
        """The symbolic input, or list of inputs, of the layer's first call in a graph."""
        node = self._first_node()
        return node.inputs if node.several else node.inputs[0]

    @property
    def output(self) -> Any:
        """The symbolic output, or list of outputs, of the layer's first call in a graph."""
        node = self._first_node()
        return node.outputs[0] if node.single else list(node.outputs)

    def _first_node(self) -> Node:
        model = None if self.nodes or self.owner is None else self.owner()
        if model is not None and self in model.layers:
            _ = model.output  # a Sequential makes its graph when it is first asked for
        if not self.nodes:
            raise AttributeError(f"layer {self.name!r} was never called in a graph")
        return self.nodes[0]

    def __reduce__(self) -> Any:
        """Copy and pickle the config and the weights, never raw memory."""
        weights = self.get_weights() if self.built else []
        with live_configs():
            config = self.get_config()
        classes, storage = own_classes(self), storages(self)
        return _restore, (type(self), config, self._built_for, weights, classes, storage)


def _derive(cls: type[Layer]) -> None:
    """Give a class whose `call` users wrote the `run`, `forward` and `sublayers` that follow."""
    inherited, base_run = cls.forward, cls.run
    base_sublayers, base_named = cls.sublayers, cls.named_sublayers

    def run(
        self: Layer, x: Any, grad: bool = False, mask: Any = None, **options: Any
    ) -> tuple[Any, Back | None, Any]:
        from . import derived

        y, back, out_mask = derived.run(self, x, grad, mask, options)
        if self.activity_regularizer is not None:
            back = self.penalize(y, back, out_mask)
        return y, back, out_mask

    def forward(self: Layer, x: Any, grad: bool = False, **options: Any) -> Any:
        mask = options.pop("mask", None)
        return self.run(x, grad, mask, **options)[:2]

    def named_sublayers(self: Layer) -> Sequence[tuple[str, Any]]:
        from . import derived

        if base_named is not Module.named_sublayers:
            return derived.named_sublayers(self, base_named(self))
        return derived.named_sublayers(self, [(of.name, of) for of in base_sublayers(self)])

    def sublayers(self: Layer) -> Sequence[Any]:
        return [inner for _, inner in named_sublayers(self)]

    cls.overrides_call, cls.uses_mask = True, True
    cls.run, cls.forward = run, forward  # type: ignore[method-assign]
    if not hasattr(cls, "_base_run"):  # for super().call(x) in the first class with a `call`
        cls._base_run = Layer.forward_with_mask if base_run is Layer.run else base_run
        cls._base_forward = inherited
        cls.sublayers = sublayers  # type: ignore[method-assign,assignment]
        cls.named_sublayers = named_sublayers  # type: ignore[method-assign,assignment]


def sample_shapes(shape: Any) -> Any:
    """Return a shape, or each of a list of shapes, without its batch axis."""
    return [tuple(s[1:]) for s in shape] if is_shape_list(shape) else tuple(shape[1:])


def recreate(value: Any, **changes: Any) -> Any:
    """Construct a layer, or each of a list, again from its arguments, without weights."""
    if isinstance(value, list | tuple):
        made = {id(entry): recreate(entry) for entry in value}  # one layer may come twice
        return [made[id(entry)] for entry in value]
    if not isinstance(value, Layer):
        return value
    kept = (name for name in type(value).arguments if name not in value.init_only)
    arguments = {name: recreate(value.constructor_argument(name)) for name in kept}
    return type(value)(**{**arguments, **changes})


def unstreamable(layer: Layer, why: str) -> ValueError:
    """Return the error for a layer that cannot be part of a stream."""
    return ValueError(f"layer {layer.name!r} ({type(layer).__name__}) cannot be streamed: {why}")


def own_classes(layer: Layer) -> dict[str, type]:
    """Return the classes of a layer and those in it that users wrote, by name."""
    classes = {type(inner) for inner in (layer, *(inner for _, inner in inner_layers(layer)))}
    built_in = set(registry.classes())
    return {cls.__name__: cls for cls in classes if cls not in built_in}


def _restore(
    cls: type[Layer],
    config: dict[str, Any],
    built_for: Shape | None,
    weights: list[Array],
    classes: Mapping[str, type] | None = None,
    storage: Mapping[str, str] = {},
) -> Layer:
    # no weights are drawn: copying must not advance the random generator
    with shapes_only(), custom_objects_known(classes):
        layer = cls.from_config(config)
    if built_for is not None:
        layer.build_for(built_for, layer.dtype or layer.default_dtype)
        layer.materialize(initialize=False)
        layer.set_weights(weights)
        set_storages(layer, storage)
    return layer


def get(identifier: Any) -> Layer:
    """Return the layer that a config or an instance stands for."""
    return registry.get(identifier, Layer)


def serialize(layer: Layer) -> Any:
    """Return the config of a layer or model, for `deserialize` and `get`."""
    return to_json(layer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Layer:
    """Build a layer or model, with new weights, from the result of `serialize`."""
    with custom_objects_known(custom_objects):
        return get(config)
