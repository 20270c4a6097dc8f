# Recurrent layers: the cell, its weights as the kernels read them, forward and backward.

cdef dict ACTIVATIONS = {
    "tanh": LC_TANH, "sigmoid": LC_SIGMOID, "hard_sigmoid": LC_HARD_SIGMOID, "relu": LC_RELU,
    "linear": LC_LINEAR, "softsign": LC_SOFTSIGN, "elu": LC_ELU,
}
activations = tuple(ACTIVATIONS)

# The architectures of Greff et al. 2017: what each has or lacks, beside its peepholes, and which of
# the activations of the cell's input and output it leaves out.
cdef dict VARIANTS = {
    "vanilla": 0, "peephole": LC_PEEPHOLE, "NP": 0,
    "NIG": LC_PEEPHOLE | LC_NO_INPUT_GATE, "NFG": LC_PEEPHOLE | LC_NO_FORGET_GATE,
    "NOG": LC_PEEPHOLE | LC_NO_OUTPUT_GATE, "NIAF": LC_PEEPHOLE, "NOAF": LC_PEEPHOLE,
    "CIFG": LC_PEEPHOLE | LC_COUPLED, "FGR": LC_PEEPHOLE | LC_FULL_GATES,
}
variants = tuple(VARIANTS)


cdef dict NORMS = {None: LC_NORM_NONE, "both": LC_NORM_BOTH, "sum": LC_NORM_SUM}


cdef int one_of(dict names, str argument, object name) except -1:
    try:
        return names[name]
    except (KeyError, TypeError):
        raise ValueError(f"{argument}: expected one of {', '.join(map(str, names))}, got {name!r}") from None


cdef int take_activation(str argument, object given, lc_ramp *ramp) except -1:
    """The number of an activation: of a name, or of a hard sigmoid (name, slope, offset)."""
    if not isinstance(given, tuple):
        ramp.slope = ramp.offset = 0  # Keras 3's, whatever was there
        return one_of(ACTIVATIONS, argument, given)
    if len(given) != 3 or given[0] != "hard_sigmoid":
        raise ValueError(f"{argument}: expected a name or ('hard_sigmoid', slope, offset), got {given!r}")
    ramp.slope, ramp.offset = given[1], given[2]
    if not (ramp.slope != 0 and abs(ramp.slope) <= 1e30 and abs(ramp.offset) <= 1e30):
        raise ValueError(f"{argument}: expected a slope other than 0 and an offset, within 1e30, got {given!r}")
    return LC_HARD_SIGMOID


cdef lc_cell_info describe(const lc_spec *cell, int64_t inputs, int64_t units) except *:
    cdef lc_spec spec = cell[0]
    cdef lc_cell_info info
    spec.inputs, spec.units = inputs, units
    check(lc_cell_describe(&spec, &info))
    return info


cdef class Cell:
    """The computation of each step; see the stub for the arguments."""

    cdef lc_spec spec
    cdef readonly str kind, variant
    cdef readonly object activation, recurrent_activation, output_activation
    cdef readonly bint peephole, reset_after
    cdef readonly double clip
    cdef readonly tuple gates
    cdef readonly int states, peepholes
    cdef readonly int64_t projection
    cdef readonly object layer_norm
    cdef readonly double epsilon

    def __init__(self, str kind="lstm", *, str variant="vanilla", bint peephole=False,
                 object activation="tanh", object recurrent_activation="sigmoid",
                 bint reset_after=True, double clip=0.0, object output_activation=None,
                 int64_t projection=0, object layer_norm=None, double epsilon=1e-5):
        cdef uint32_t v = one_of(VARIANTS, "variant", variant)
        self.kind, self.variant, self.clip = kind, variant, clip
        self.activation, self.recurrent_activation = activation, recurrent_activation
        self.output_activation, self.reset_after = output_activation, reset_after
        memset(&self.spec, 0, sizeof(lc_spec))
        self.spec.cell = one_of({"lstm": LC_LSTM, "gru": LC_GRU, "rnn": LC_RNN}, "kind", kind)
        if kind != "lstm" and (v or peephole or clip or output_activation is not None or projection
                               or layer_norm is not None):
            raise ValueError("variant, peephole, clip, output_activation, projection, layer_norm: only an LSTM "
                             f"has them, and this is {kind!r}")
        if projection < 0:
            raise ValueError(f"projection: expected a number >= 0, got {projection}")
        if projection and variant == "FGR":
            raise ValueError(f"projection: expected 0 with FGR, whose gates are states, got {projection}")
        if layer_norm is not None and variant == "FGR":
            raise ValueError(f"layer_norm: expected None with FGR, got {layer_norm!r}")
        if layer_norm == "both" and (v & LC_PEEPHOLE or peephole):
            raise ValueError("layer_norm: expected None or 'sum' with peepholes, got 'both'")
        if not 0 < epsilon <= 1e30:
            raise ValueError(f"epsilon: expected a number > 0, up to 1e30, got {epsilon}")
        if variant == "NOAF" and output_activation is not None:
            raise ValueError(f"output_activation: expected None with NOAF, got {output_activation!r}")
        if not clip >= 0:
            raise ValueError(f"clip: expected a number >= 0, got {clip}")
        v |= LC_PEEPHOLE if peephole else 0
        self.peephole = v & LC_PEEPHOLE
        if kind == "gru" and not reset_after:
            v = LC_RESET_BEFORE
        self.spec.variant, self.spec.clip, self.spec.projection = v, clip, projection
        self.projection, self.layer_norm, self.epsilon = projection, layer_norm, epsilon
        self.spec.layer_norm, self.spec.epsilon = one_of(NORMS, "layer_norm", layer_norm), epsilon
        self.spec.gate_activation = take_activation(
            "recurrent_activation", recurrent_activation, &self.spec.gate_ramp)
        self.spec.activation = take_activation("activation", activation, &self.spec.ramp)
        self.spec.output_activation, self.spec.output_ramp = self.spec.activation, self.spec.ramp
        if output_activation is not None:
            self.spec.output_activation = take_activation(
                "output_activation", output_activation, &self.spec.output_ramp)
        if variant == "NOAF":
            self.spec.output_activation = LC_LINEAR
        if variant == "NIAF":
            self.spec.activation = LC_LINEAR
        cdef lc_cell_info info = describe(&self.spec, 1, 1)
        self.gates = tuple((<bytes>info.gates).decode())
        self.states, self.peepholes = info.states, info.peepholes

    def shapes(self, int64_t inputs, int64_t units):
        """The shapes of the weights, in the order of WEIGHTS; None for what there is not."""
        cdef lc_cell_info info = describe(&self.spec, inputs, units)
        return tuple([tuple([info.shape[i][j] for j in range(info.axes[i])]) or None for i in range(LC_WEIGHTS)])

    def numbers(self):
        """The numbers of the spec, as files of models have them; see the stub."""
        cdef lc_spec *s = &self.spec
        return {"cell": s.cell, "variant": s.variant, "activation": s.activation,
                "output_activation": s.output_activation, "gate_activation": s.gate_activation,
                "layer_norm": s.layer_norm, "projection": s.projection, "clip": s.clip, "epsilon": s.epsilon,
                "ramps": (s.ramp.slope, s.ramp.offset, s.output_ramp.slope, s.output_ramp.offset,
                          s.gate_ramp.slope, s.gate_ramp.offset)}

    def __reduce__(self):
        return remake_cell, (self.kind, {
            "variant": self.variant, "peephole": self.peephole and not VARIANTS[self.variant],
            "activation": self.activation, "recurrent_activation": self.recurrent_activation,
            "reset_after": self.reset_after, "clip": self.clip,
            "output_activation": self.output_activation, "projection": self.projection,
            "layer_norm": self.layer_norm, "epsilon": self.epsilon})


def remake_cell(kind, arguments):
    return Cell(kind, **arguments)


cdef class Packed:
    """The weights of one layer as the kernels read them, for one instruction set and dtype."""

    cdef lc_spec spec
    cdef Buffer buffer
    cdef bint both
    cdef lc_report last  # of the call that ended last; written under the GIL alone
    cdef readonly Cell cell

    @property
    def storage(self):
        return format_name(self.spec.weights)

    @property
    def dot_product(self):
        return dot_name(self.spec.dot)

    @property
    def isa(self):
        return lc_isa_name(self.spec.isa).decode()

    @property
    def dtype(self):
        return dtype_name(self.spec.type)

    @property
    def nbytes(self):
        return self.buffer.size

    @property
    def shape(self):
        return self.spec.inputs, self.spec.units

    def report(self):
        """Report of the last call: kernel, threads, steps computed."""
        report = report_of(&self.last)
        if report is not None and self.storage is not None:
            report |= {"storage": self.storage, "dot_product": self.dot_product}
        return report


cdef object report_of(lc_report *r):
    if r.kernel is NULL:
        return None
    path = "units shared" if r.by_units else "rows shared" if r.threads > 1 else "one thread"
    return {"isa": lc_isa_name(r.isa).decode(), "dtype": dtype_name(r.type),
            "cell": r.kernel.decode(), "threads": r.threads, "path": path,
            "input_projection": "many steps at once" if r.project else "step by step",
            "steps": r.steps}


cdef class Tape:
    """Tape: what a forward call in training leaves for backward."""

    cdef lc_spec spec
    cdef Buffer buffer
    cdef bint sequences
    cdef tuple noise  # x_scale, h_scale, keep_h, keep_c


cdef tuple WEIGHTS = ("kernel", "recurrent_kernel", "bias", "peephole_kernel", "gate_kernel", "projection_kernel",
                      "norm_gain", "state_norm")


cdef lc_weights take_weights(Arrays arrays, tuple shapes, tuple given, str prefix, bint writable) except *:
    """Arrays of these shapes; bias may be None."""
    cdef const void *at[LC_WEIGHTS]
    for i in range(LC_WEIGHTS):
        array = given[i] if i < len(given) else None
        name = prefix + <str>WEIGHTS[i]
        if shapes[i] is None:
            if array is not None:
                raise ValueError(f"{name}: expected None, since this cell has none")
            at[i] = NULL
            continue
        if array is None and i != 2:
            raise TypeError(f"{name}: expected an array of shape {shapes[i]}, got None")
        at[i] = arrays.exact(array, name, shapes[i], writable)
    return lc_weights(at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7])


def pack(Cell cell not None, tuple weights not None, *, bint backward=True, Packed out=None,
         object storage=None):
    cdef Arrays arrays = Arrays(), first = Arrays()
    if len(weights) < 2:
        raise ValueError("weights: expected kernel, recurrent_kernel and what else the cell has")
    cdef Py_buffer *w = first.take(weights[0], "kernel", 2)
    cdef Py_buffer *r = first.take(weights[1], "recurrent_kernel", 2)
    cdef lc_spec spec = cell.spec
    cdef lc_weights given
    cdef lc_sizes sizes
    spec.type, spec.isa, spec.steps, spec.batch = first.type, lc_isa_now(), 1, 1
    spec.inputs, spec.units = w.shape[0], r.shape[0]
    spec.weights = take_format(storage, spec.type)
    spec.dot = lc_dot_now(spec.isa, spec.weights)
    if spec.projection:
        spec.units = w.shape[1] // <int64_t>len(cell.gates)
    if spec.inputs < 1 or spec.units < 1 or r.shape[0] < 1:
        raise ValueError(f"kernel, recurrent_kernel: expected no empty dimension, got "
                         f"{shape_of(w)} and {shape_of(r)}")
    given = take_weights(arrays, cell.shapes(spec.inputs, spec.units), weights, "", False)
    check(lc_measure(&spec, &sizes))
    if out is None:
        out = Packed()
    if out.buffer is None or not same_weights(&out.spec, &spec) or out.both < backward:
        out.buffer = Buffer(sizes.packed_both if backward else sizes.packed)
    out.spec, out.cell = spec, cell
    out.both = backward
    cdef void *to = out.buffer.p
    cdef int both = backward
    cdef lc_status status
    with nogil:
        status = lc_pack(&spec, &given, both, to)
    check(status)
    return out


cdef bint same_weights(const lc_spec *a, const lc_spec *b) noexcept:
    return (a.type == b.type and a.isa == b.isa and a.inputs == b.inputs and a.units == b.units
            and a.cell == b.cell and a.variant == b.variant and a.projection == b.projection
            and a.layer_norm == b.layer_norm and a.weights == b.weights and a.dot == b.dot)


cdef int64_t width_of(const lc_spec *spec) noexcept:
    """The width of h and of the outputs."""
    return spec.projection if spec.projection else spec.units


cdef lc_noise take_noise(Arrays arrays, lc_spec *spec, tuple noise) except *:
    """Checks x_scale, h_scale, keep_h, keep_c and sets their flags."""
    cdef lc_noise out
    if noise is None:
        return lc_noise(NULL, NULL, NULL, NULL)
    out.x_scale = arrays.exact(noise[0], "x_scale", (spec.batch, spec.inputs))
    out.h_scale = arrays.exact(noise[1], "h_scale", (spec.batch, width_of(spec)))
    out.keep_h = arrays.exact(noise[2], "keep_h", (spec.steps, spec.batch, width_of(spec)))
    out.keep_c = arrays.exact(noise[3], "keep_c", (spec.steps, spec.batch, spec.units))
    if out.keep_c is not NULL and spec.cell != LC_LSTM:
        raise ValueError("keep_c: expected None, since this cell has no c")
    if out.x_scale is not NULL or out.h_scale is not NULL:
        spec.flags |= LC_SCALED
    if out.keep_h is not NULL or out.keep_c is not NULL:
        spec.flags |= LC_ZONED
    return out


cdef tuple STATES = ("h0", "c0", "g0")


cdef list state_shapes(Cell cell, const lc_spec *spec):
    return [(spec.batch, (width_of(spec), spec.units, 3 * spec.units)[i]) for i in range(cell.states)]


cdef int take_states(Arrays arrays, list shapes, object given, tuple names, const void **out) except -1:
    """The states' data, NULL for those that are None or not of this cell."""
    out[0] = out[1] = out[2] = NULL
    if given is None:
        return 0
    if len(given) != len(shapes):
        raise ValueError(f"states: expected {len(shapes)} arrays, got {len(given)}")
    for i in range(len(shapes)):
        out[i] = arrays.exact(given[i], names[i], shapes[i])
    return 0


cdef list new_states(Arrays arrays, list shapes, str dtype, void **out):
    out[0] = out[1] = out[2] = NULL
    made = []
    for i in range(len(shapes)):
        made.append(new(shapes[i], dtype))
        out[i] = arrays.exact(made[i], STATES[i], shapes[i], True)
    return made


cdef class ForwardCall:
    """A call of lc_forward whose arrays are checked; `run` makes one or two of them."""

    cdef Arrays arrays
    cdef lc_forward_io io
    cdef lc_report report
    cdef lc_spec spec
    cdef Packed packed
    cdef Tape tape
    cdef Buffer work
    cdef object y
    cdef tuple states
    cdef bint sequences

    cdef void end(self) noexcept:
        self.packed.last = self.report
        self.work = None

    def result(self):
        return self.y.swapaxes(0, 1) if self.sequences else self.y, self.states, self.tape


cdef ForwardCall new_forward(Packed packed, x, states, mask, tuple noise, bint zero_masked,
                             bint sequences, bint training, int threads):
    cdef ForwardCall call = ForwardCall()
    cdef Arrays arrays = Arrays()
    cdef lc_forward_io *io = &call.io
    cdef lc_sizes sizes
    cdef void *ends[3]
    call.arrays, call.packed, call.sequences, call.spec = arrays, packed, sequences, packed.spec
    cdef lc_spec *spec = &call.spec
    arrays.type = spec.type
    io.x = arrays.sequence(x, "x")
    cdef Py_buffer *view = &arrays.view[0]
    if view.shape[2] != spec.inputs:
        raise ValueError(f"x: expected (batch, steps, {spec.inputs}), got {shape_of(view)}")
    if training and not packed.both:
        raise ValueError("packed: it was packed for inference only (backward=False)")
    spec.batch, spec.steps, spec.threads = view.shape[0], view.shape[1], max(threads, 0)
    spec.flags = (LC_TRAIN if training else 0) | (LC_SEQUENCES if sequences else 0)
    io.mask = arrays.mask(mask, spec.batch, spec.steps)
    if io.mask.p is not NULL:
        spec.flags |= LC_MASKED | (LC_ZERO_MASKED if zero_masked else 0)
    io.noise = take_noise(arrays, spec, noise)
    shapes = state_shapes(packed.cell, spec)
    take_states(arrays, shapes, states, STATES, &io.h0)
    check(lc_measure(spec, &sizes))
    dtype = dtype_name(spec.type)
    out = new_states(arrays, shapes, dtype, ends)
    io.hT, io.cT, io.gT = ends[0], ends[1], ends[2]
    io.y, call.y, call.states = NULL, out[0], tuple(out)
    io.report = &call.report
    cdef Py_ssize_t item = 8 if spec.type == LC_F64 else 4
    steps = (spec.steps, spec.batch, width_of(spec))
    if training:
        call.tape = Tape()
        call.tape.buffer = Buffer(sizes.tape)
        call.tape.spec, call.tape.sequences, call.tape.noise = call.spec, sequences, noise
        if sequences:  # h[1:] of the tape
            row = sizes.state * item
            call.y = np.ndarray(steps, dtype, call.tape.buffer, spec.batch * row,
                                (spec.batch * row, row, item))
    elif sequences:
        call.y = new(steps, dtype)
        io.y = arrays.exact(call.y, "y", steps, True)
    call.work = Buffer(sizes.work)
    return call


cdef lc_forward_call c_forward(ForwardCall call):
    cdef void *tape = NULL
    if call.tape is not None:
        tape = call.tape.buffer.p
    return lc_forward_call(&call.spec, call.packed.buffer.p, &call.io, tape, call.work.p)


cdef tuple noise_of(x_scale, h_scale, keep_h, keep_c):
    if x_scale is None and h_scale is None and keep_h is None and keep_c is None:
        return None
    return x_scale, h_scale, keep_h, keep_c


def prepare_forward(Packed packed not None, x, states=None, *, mask=None, x_scale=None,
                    h_scale=None, keep_h=None, keep_c=None, bint zero_masked=False,
                    bint sequences=False, bint training=False, int threads=0):
    return new_forward(packed, x, states, mask, noise_of(x_scale, h_scale, keep_h, keep_c),
                       zero_masked, sequences, training, threads)


def forward(Packed packed not None, x, states=None, *, mask=None, x_scale=None, h_scale=None,
            keep_h=None, keep_c=None, bint zero_masked=False, bint sequences=False,
            bint training=False, int threads=0):
    cdef ForwardCall call = new_forward(
        packed, x, states, mask, noise_of(x_scale, h_scale, keep_h, keep_c), zero_masked, sequences,
        training, threads)
    run_forward(call)
    return call.result()


def run_forward(ForwardCall call not None, ForwardCall other=None):
    cdef lc_forward_call calls[2]
    cdef bint two = other is not None
    cdef lc_status status
    calls[0] = c_forward(call)
    if two:
        calls[1] = c_forward(other)
    with nogil:
        if two:
            status = lc_forward_both(calls)
        else:
            status = lc_forward(calls[0].spec, calls[0].packed, calls[0].io, calls[0].tape,
                                calls[0].work)
    check(status)
    call.end()
    if two:
        other.end()


cdef class BackwardCall:
    """A call of lc_backward whose arrays are checked."""

    cdef Arrays arrays
    cdef lc_backward_io io
    cdef lc_spec spec
    cdef Packed packed
    cdef Buffer tape, work
    cdef object dx
    cdef tuple dstates

    def result(self):
        return self.dx.swapaxes(0, 1) if self.dx is not None else None, self.dstates


cdef lc_spec spec_of_tape(Packed packed, Tape tape) except *:
    if tape.buffer is None:
        raise ValueError("tape: it was consumed by an earlier backward")
    if not packed.both or not same_weights(&packed.spec, &tape.spec):
        raise ValueError("packed: these are not the weights that made the tape")
    return tape.spec


def prepare_backward(Packed packed not None, x, Tape tape not None, dy=None, dstates=None, *,
                     tuple grads not None, bint need_dx=True, int threads=0):
    cdef BackwardCall call = BackwardCall()
    cdef Arrays arrays = Arrays()
    cdef lc_backward_io *io = &call.io
    cdef lc_sizes sizes
    cdef void *starts[3]
    call.spec, call.packed, call.arrays = spec_of_tape(packed, tape), packed, arrays
    cdef lc_spec *spec = &call.spec
    arrays.type = spec.type
    io.x = arrays.sequence(x, "x")
    cdef Py_buffer *view = &arrays.view[0]
    if (view.shape[0], view.shape[1], view.shape[2]) != (spec.batch, spec.steps, spec.inputs):
        raise ValueError(f"x: expected ({spec.batch}, {spec.steps}, {spec.inputs}) as in forward, "
                         f"got {shape_of(view)}")
    shapes = state_shapes(packed.cell, spec)
    if dy is not None and not tape.sequences:  # the only output is the last state
        dstates = list(dstates) if dstates is not None else [None] * len(shapes)
        dstates[0], dy = dy if dstates[0] is None else dstates[0] + dy, None
    io.dy = lc_sequence(NULL, 0, 0)
    if dy is not None:
        io.dy = arrays.sequence(dy, "dy")
        view = &arrays.view[1]
        if (view.shape[0], view.shape[1], view.shape[2]) != (spec.batch, spec.steps, width_of(spec)):
            raise ValueError(f"dy: expected ({spec.batch}, {spec.steps}, {width_of(spec)}), "
                             f"got {shape_of(view)}")
    take_states(arrays, shapes, dstates, ("dh", "dc", "dg"), &io.dhT)
    cdef lc_weights into = take_weights(
        arrays, packed.cell.shapes(spec.inputs, spec.units), grads, "gradient of ", True)
    io.dW, io.dR, io.db = <void *>into.W, <void *>into.R, <void *>into.b
    io.dP, io.dF, io.dRp = <void *>into.P, <void *>into.F, <void *>into.Rp
    io.dgain, io.dc_norm = <void *>into.gain, <void *>into.c_norm
    io.noise = take_noise(arrays, spec, tape.noise)
    dtype = dtype_name(spec.type)
    out = new_states(arrays, shapes, dtype, starts)
    call.dstates = tuple(out)
    io.dh0, io.dc0, io.dg0 = starts[0], starts[1], starts[2]
    call.dx = new((spec.steps, spec.batch, spec.inputs), dtype) if need_dx else None
    io.dx = arrays.exact(call.dx, "dx", (spec.steps, spec.batch, spec.inputs), True)
    spec.threads = max(threads, 0)
    check(lc_measure(spec, &sizes))
    call.work, call.tape = Buffer(sizes.work), tape.buffer
    tape.buffer = None
    return call


def backward(Packed packed, x, Tape tape, dy=None, dstates=None, *, tuple grads, bint need_dx=True,
             int threads=0):
    cdef BackwardCall call = prepare_backward(packed, x, tape, dy, dstates, grads=grads,
                                              need_dx=need_dx, threads=threads)
    run_backward(call)
    return call.result()


cdef lc_backward_call c_backward(BackwardCall call):
    return lc_backward_call(&call.spec, call.packed.buffer.p, &call.io, call.tape.p, call.work.p)


def run_backward(BackwardCall call not None, BackwardCall other=None):
    cdef lc_backward_call calls[2]
    cdef bint two = other is not None
    cdef lc_status status
    calls[0] = c_backward(call)
    if two:
        calls[1] = c_backward(other)
    with nogil:
        if two:
            status = lc_backward_both(calls)
        else:
            status = lc_backward(calls[0].spec, calls[0].packed, calls[0].io, calls[0].tape,
                                 calls[0].work)
    check(status)
    call.tape = call.work = None
    if two:
        other.tape = other.work = None


def trace(Packed packed not None, Tape tape not None):
    cdef Arrays arrays = Arrays()
    cdef lc_spec spec = spec_of_tape(packed, tape)
    cdef str dtype = dtype_name(spec.type)
    cdef tuple shape = (spec.steps, spec.batch, spec.units)
    arrays.type = spec.type
    gates = new((len(packed.cell.gates), *shape), dtype)
    c = new(shape, dtype) if spec.cell == LC_LSTM else None
    cdef void *gates_at = arrays.exact(gates, "gates", gates.shape, True)
    cdef void *c_at = arrays.exact(c, "c", shape, True)
    cdef Buffer held = tape.buffer  # a backward in another thread may take it from the tape meanwhile
    cdef const void *tape_at = held.p
    cdef lc_status status
    with nogil:
        status = lc_trace(&spec, tape_at, gates_at, c_at)
    check(status)
    return gates.swapaxes(1, 2), (None if c is None else c.swapaxes(0, 1))
