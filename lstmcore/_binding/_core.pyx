# cython: language_level=3, embedsignature=True
"""The one binding to the C core: check every array, drop the GIL, call, raise.

What each function takes and gives stands in ``lstmcore/_core.pyi``; what the core does, in ``src_c/lstmcore.h``.
"""

from cpython.buffer cimport (
    PyBUF_FORMAT, PyBUF_STRIDES, PyBUF_WRITABLE, PyBuffer_Release, PyObject_CheckBuffer,
    PyObject_GetBuffer,
)
from cpython.pycapsule cimport PyCapsule_GetName, PyCapsule_GetPointer
from libc.stdint cimport int32_t, int64_t, uint32_t, uint8_t, uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

import numpy as np

cdef extern from "stdlib.h" nogil:
    int posix_memalign(void **out, size_t alignment, size_t size)

from lstmcore._binding.lstmcore cimport *  # src_c/lstmcore.h


cdef object check(lc_status status):
    if status == LC_OK:
        return None
    raise ValueError(lc_status_text(status).decode())


# ---- arrays in ----------------------------------------------------------------------------------

cdef enum: MOST = 20  # arrays in one call

cdef class Arrays:
    """The arrays of one call: their buffers are held until the call is over."""

    cdef Py_buffer view[MOST]
    cdef int count
    cdef int type  # of the first; the others must have it too

    def __cinit__(self):
        self.count = 0
        self.type = -1

    def __dealloc__(self):
        for i in range(self.count):
            PyBuffer_Release(&self.view[i])

    cdef Py_buffer *take(self, object array, str name, int ndim, bint writable=False) except NULL:
        """The buffer of an array of reals whose last axis is contiguous."""
        cdef Py_buffer *view = &self.view[self.count]
        cdef int type
        if not PyObject_CheckBuffer(array):
            raise TypeError(f"{name}: expected a NumPy array, got {type_name(array)}")
        if writable and isinstance(array, np.ndarray) and not array.flags.writeable:
            raise ValueError(f"{name}: the array is read-only, but it is to be written")
        PyObject_GetBuffer(array, view, PyBUF_FORMAT | PyBUF_STRIDES
                           | (PyBUF_WRITABLE if writable else 0))
        self.count += 1
        form = (<bytes>view.format).lstrip(b"@=^") if view.format is not NULL else b"B"
        type = LC_F32 if form == b"f" else LC_F64 if form == b"d" else -1
        if type < 0 or (self.type >= 0 and type != self.type):
            wanted = "float32 or float64" if self.type < 0 else dtype_name(self.type)
            raise TypeError(f"{name}: expected {wanted} in native byte order, got {array.dtype!r}")
        if view.ndim != ndim:
            raise ValueError(f"{name}: expected {ndim} dimensions, got shape {shape_of(view)}")
        if ndim and view.shape[ndim - 1] > 1 and view.strides[ndim - 1] != view.itemsize:
            raise ValueError(f"{name}: its last axis must be contiguous in memory")
        for i in range(ndim):
            if view.strides[i] % view.itemsize:
                raise ValueError(f"{name}: its strides must be multiples of the item size")
        if <uintptr_t>view.buf % <size_t>view.itemsize:
            raise ValueError(f"{name}: its memory must be aligned to the item size")
        self.type = type
        return view

    cdef void *exact(self, object array, str name, tuple shape, bint writable=False) except? NULL:
        """The data of a C-contiguous array of just this shape; NULL for None."""
        if array is None:
            return NULL
        cdef Py_buffer *view = self.take(array, name, len(shape), writable)
        cdef Py_ssize_t step = view.itemsize
        for i in range(len(shape) - 1, -1, -1):
            if view.shape[i] != shape[i]:
                raise ValueError(f"{name}: expected shape {shape}, got {shape_of(view)}")
            if view.shape[i] > 1 and view.strides[i] != step:
                raise ValueError(f"{name}: expected a C-contiguous array")
            step *= view.shape[i]
        return view.buf

    cdef lc_mask mask(self, object array, int64_t batch, int64_t steps) except *:
        """A (B, T) array of bool; NULL for None and for a mask that leaves nothing out."""
        cdef Py_buffer *view = &self.view[self.count]
        cdef lc_mask out = lc_mask(NULL, 0, 0)
        if array is None:
            return out
        if not isinstance(array, np.ndarray) or array.dtype != bool:
            raise TypeError(f"mask: expected a NumPy array of bool, got "
                            f"{getattr(array, 'dtype', type_name(array))}")
        if array.shape != (batch, steps):
            raise ValueError(f"mask: expected shape {(batch, steps)}, got {array.shape}")
        if array.all():
            return out
        PyObject_GetBuffer(array, view, PyBUF_FORMAT | PyBUF_STRIDES)
        self.count += 1
        return lc_mask(<const uint8_t *>view.buf, view.strides[1], view.strides[0])

    cdef lc_sequence sequence(self, object array, str name) except *:
        """A (B, T, features) array as the core wants it."""
        cdef Py_buffer *view = self.take(array, name, 3)
        for i in range(3):
            if view.shape[i] < 1:
                raise ValueError(f"{name}: expected no empty dimension, got {shape_of(view)}")
        return lc_sequence(view.buf, view.strides[1] // view.itemsize,
                           view.strides[0] // view.itemsize)


cdef dict FORMATS = {None: LC_REALS, "float16": LC_FLOAT16, "bfloat16": LC_BFLOAT16, "int8": LC_INT8}

cdef int take_format(object storage, int type) except -1:
    """The number of a storage format; all but None are for float32."""
    if storage not in FORMATS:
        names = ", ".join([repr(name) for name in FORMATS if name is not None])
        raise ValueError(f"storage: expected None, {names}, got {storage!r}")
    if storage is not None and type != LC_F32:
        raise TypeError(f"storage: expected None for weights of {dtype_name(type)}, got {storage!r}")
    return FORMATS[storage]

def storage_number(storage):
    return take_format(storage, LC_F32)

cdef object format_name(int format):
    for name, number in FORMATS.items():
        if number == format:
            return name

cdef object dot_name(int dot):
    return None if dot <= LC_DOT_NONE else lc_dot_name(dot).decode()

cdef str type_name(object x):
    return type(x).__name__

cdef str dtype_name(int type):
    return "float64" if type == LC_F64 else "float32"

cdef tuple shape_of(Py_buffer *view):
    return tuple([view.shape[i] for i in range(view.ndim)])


# ---- memory -------------------------------------------------------------------------------------

include "memory.pxi"


# ---- recurrent layers ---------------------------------------------------------------------------

include "recurrent.pxi"


# ---- dense --------------------------------------------------------------------------------------

cdef tuple rows_of(x, str name):
    """An array (..., I) as a matrix of rows, in the order in which they stand in memory where that can be seen."""
    if not isinstance(x, np.ndarray) or x.ndim < 1:
        raise TypeError(f"{name}: expected a NumPy array of at least one dimension, got {type_name(x)}")
    if 0 in x.shape:
        raise ValueError(f"{name}: expected no empty dimension, got shape {x.shape}")
    swapped = x.ndim == 3 and not x.flags.c_contiguous and x.swapaxes(0, 1).flags.c_contiguous
    if swapped:
        x = x.swapaxes(0, 1)
    if x.ndim != 2 or (x.shape[1] > 1 and x.strides[1] != x.itemsize) or x.strides[0] % x.itemsize:
        x = np.ascontiguousarray(x)
    if not x.flags.aligned:
        x = x.copy()
    return x.reshape(-1, x.shape[x.ndim - 1]) if x.ndim != 2 else x, x.shape, swapped


cdef object multiply(lc_product *p):
    cdef size_t bytes = 0
    check(lc_gemm_work(p, &bytes))
    cdef Buffer work = Buffer(bytes)
    cdef void *at = work.p
    cdef lc_status status
    with nogil:
        status = lc_gemm(p, at)
    check(status)


cdef class PackedDense:
    """Kernel and bias of a product as the kernels read them."""

    cdef lc_product product
    cdef Buffer buffer
    cdef readonly int64_t inputs, units

    @property
    def storage(self):
        return format_name(self.product.weights)

    @property
    def dot_product(self):
        return dot_name(self.product.dot)

    @property
    def isa(self):
        return lc_isa_name(self.product.isa).decode()

    @property
    def nbytes(self):
        return self.buffer.size


def pack_dense(kernel, bias=None, storage=None):
    cdef Arrays arrays = Arrays()
    cdef PackedDense out = PackedDense()
    cdef size_t bytes = 0
    cdef Py_buffer *w = arrays.take(kernel, "kernel", 2)
    if w.shape[0] < 1 or w.shape[1] < 1:
        raise ValueError(f"kernel: expected no empty dimension, got {shape_of(w)}")
    out.inputs, out.units = w.shape[0], w.shape[1]
    cdef lc_product p = product(arrays, 1, out.units, out.inputs, 0, False)
    p.isa = lc_isa_now()
    set_storage(&p, storage)
    p.b = lc_matrix(arrays.exact(kernel, "kernel", (p.k, p.n)), p.n, 1)
    p.bias = arrays.exact(bias, "bias", (p.n,))
    check(lc_gemm_packed(&p, &bytes))
    out.buffer = Buffer(bytes)
    cdef void *at = out.buffer.p
    cdef lc_status status
    with nogil:
        status = lc_gemm_pack(&p, at)
    check(status)
    p.b, p.bias, p.packed = lc_matrix(NULL, 0, 0), NULL, at
    out.product = p
    return out


cdef int set_storage(lc_product *p, object storage) except -1:
    p.weights = take_format(storage, p.type)
    p.dot = lc_dot_now(p.isa, p.weights)
    return 0


cdef lc_product product(Arrays arrays, int64_t m, int64_t n, int64_t k, int threads, bint add):
    cdef lc_product p
    p.type, p.isa, p.threads, p.add, p.blas = arrays.type, 0, max(threads, 0), add, False
    p.m, p.n, p.k, p.bias, p.c, p.packed = m, n, k, NULL, NULL, NULL
    p.a = p.b = lc_matrix(NULL, 0, 0)
    p.weights, p.dot = LC_REALS, LC_DOT_AUTO
    return p


cdef int take_kernel(Arrays arrays, object kernel, object bias, object storage, lc_product *p) except -1:
    """The B of x @ kernel + bias, packed before or not; sets p.n."""
    cdef PackedDense packed
    cdef Py_buffer *w
    if isinstance(kernel, PackedDense):
        packed = kernel
        if bias is not None or storage is not None:
            raise ValueError("bias, storage: expected None, since the kernel is packed with its own")
        if packed.product.type != arrays.type or packed.inputs != p.k:
            raise ValueError(f"x: expected (..., {packed.inputs}) of {dtype_name(packed.product.type)}, "
                             f"got (..., {p.k}) of {dtype_name(arrays.type)}")
        p.isa, p.weights, p.dot = packed.product.isa, packed.product.weights, packed.product.dot
        p.packed, p.n = packed.product.packed, packed.units
        return 0
    w = arrays.take(kernel, "kernel", 2)
    p.n = w.shape[1]
    p.b = lc_matrix(arrays.exact(kernel, "kernel", (p.k, p.n)), p.n, 1)
    p.bias = arrays.exact(bias, "bias", (p.n,))
    return set_storage(p, storage)


def dense_forward(x, kernel, bias=None, *, storage=None, int threads=0):
    cdef Arrays arrays = Arrays()
    flat, shape, swapped = rows_of(x, "x")
    cdef Py_buffer *a = arrays.take(flat, "x", 2)
    cdef lc_product p = product(arrays, a.shape[0], 0, a.shape[1], threads, False)
    p.a = lc_matrix(a.buf, a.strides[0] // a.itemsize, 1)
    take_kernel(arrays, kernel, bias, storage, &p)
    cdef int64_t units = p.n
    y = new(shape[:-1] + (units,), dtype_name(p.type))
    p.c = arrays.exact(y.reshape(p.m, units), "y", (p.m, units), True)
    multiply(&p)
    return y.swapaxes(0, 1) if swapped else y


def dense_backward(x, kernel, dy, *, dkernel, dbias=None, bint need_dx=True, storage=None, int threads=0):
    cdef Arrays arrays = Arrays()
    flat, shape, swapped = rows_of(x, "x")
    cdef Py_buffer *a = arrays.take(flat, "x", 2)
    cdef Py_buffer *w = arrays.take(kernel, "kernel", 2)
    cdef int64_t m = a.shape[0], inputs = a.shape[1], units = w.shape[1]
    cdef lc_product p
    cdef void *w_at = arrays.exact(kernel, "kernel", (inputs, units))
    wanted = (x.shape[:-1] + (units,)) if not swapped else (shape[1], shape[0], units)
    if dkernel is None:
        raise TypeError("dkernel: expected an array, got None")
    if not isinstance(dy, np.ndarray) or dy.shape != wanted:
        raise ValueError(f"dy: expected an array of shape {wanted}, got "
                         f"{getattr(dy, 'shape', type_name(dy))}")
    gradient = np.ascontiguousarray(dy.swapaxes(0, 1) if swapped else dy).reshape(m, units)
    cdef void *dy_at = arrays.exact(gradient, "dy", (m, units))
    # dW += x' dy
    p = product(arrays, inputs, units, m, threads, True)
    p.a = lc_matrix(a.buf, 1, a.strides[0] // a.itemsize)
    p.b = lc_matrix(dy_at, units, 1)
    p.c = arrays.exact(dkernel, "dkernel", (inputs, units), True)
    set_storage(&p, storage)
    use_blas(&p)
    multiply(&p)
    if dbias is not None:
        arrays.exact(dbias, "dbias", (units,), True)
        dbias += gradient.sum(axis=0)
    if not need_dx:
        return None
    # dx = dy W'
    dx = new((m, inputs), dtype_name(p.type))
    p = product(arrays, m, inputs, units, threads, False)
    p.a = lc_matrix(dy_at, units, 1)
    p.b = lc_matrix(w_at, 1, units)
    p.c = arrays.exact(dx, "dx", (m, inputs), True)
    set_storage(&p, storage)
    use_blas(&p)
    multiply(&p)
    dx = dx.reshape(shape)
    return dx.swapaxes(0, 1) if swapped else dx


cdef int dense_activation(object activation, lc_ramp *ramp) except -1:
    """The number of an activation of whole arrays: softmax, or one that cells have."""
    return LC_SOFTMAX if activation == "softmax" else take_activation("activation", activation, ramp)


def activation_numbers(activation):
    """The number of a dense layer's activation, and its ramp; see the stub."""
    cdef lc_ramp ramp = lc_ramp(0, 0)
    cdef int number = LC_DEFAULT if activation == "linear" else dense_activation(activation, &ramp)
    return number, (ramp.slope, ramp.offset)


def activate(activation, x):
    cdef Arrays arrays = Arrays()
    cdef lc_ramp ramp = lc_ramp(0, 0)
    cdef int kind = dense_activation(activation, &ramp)
    cdef void *at = arrays.exact(x, "x", np.shape(x), True)
    cdef int64_t n = x.shape[x.ndim - 1] if x.ndim else 1
    cdef int64_t rows = x.size // n if n else 0
    cdef int type = arrays.type
    cdef lc_status status
    if not rows:
        return
    with nogil:
        if kind == LC_HARD_SIGMOID:
            status = lc_hard_sigmoid(type, 0, ramp, rows, n, at)
        else:
            status = lc_activate(type, 0, kind, rows, n, at)
    check(status)


# ---- attention ----------------------------------------------------------------------------------

include "attention.pxi"


# ---- streams ------------------------------------------------------------------------------------

include "stream.pxi"


# ---- BLAS ---------------------------------------------------------------------------------------

cdef int blas_state = 0  # 0: not looked for, 1: set, -1: there is none

cdef bint use_blas(lc_product *p) except -1:
    """Lets BLAS do a product for which it is the faster one; SciPy is imported at the first such product."""
    global blas_state
    p.blas = True
    if blas_state == 0 and lc_gemm_wants_blas(p):
        from ._binding import scipy_blas
        found = scipy_blas.find()
        blas_state = -1
        if found is not None:
            set_blas(*found)
    return blas_state == 1


def set_blas(sgemm, dgemm, uintptr_t set_threads=0, uintptr_t get_threads=0):
    """Capsules of Fortran gemm functions, and addresses of the library's thread controls (0: none)."""
    global blas_state
    cdef lc_blas blas
    blas.sgemm = PyCapsule_GetPointer(sgemm, PyCapsule_GetName(sgemm))
    blas.dgemm = PyCapsule_GetPointer(dgemm, PyCapsule_GetName(dgemm))
    blas.set_threads = <void (*)(int) noexcept nogil>set_threads
    blas.get_threads = <int (*)() noexcept nogil>get_threads
    lc_set_blas(&blas)
    blas_state = 1


def blas_loaded():
    return blas_state == 1


# ---- optimizers ---------------------------------------------------------------------------------

include "optimizers.pxi"


# ---- the machine --------------------------------------------------------------------------------

has_openmp = bool(lc_have_openmp())


def isa():
    return lc_isa_name(lc_isa_now()).decode()


def isas():
    return [lc_isa_name(i).decode() for i in range(1, LC_ISA_COUNT) if lc_isa_available(i)]


def set_isa(name):
    cdef int which = 0 if name is None else lc_isa_from_name(name.encode())
    if which < 0 or (which and not lc_isa_available(which)):
        raise ValueError(f"isa: expected one of {', '.join(isas())} on this CPU, got {name!r}")
    check(lc_isa_force(which))


dot_kinds = tuple([lc_dot_name(dot).decode() for dot in range(LC_DOT_NONE, LC_DOT_COUNT)])


def dot_product(storage):
    return dot_name(lc_dot_now(0, take_format(storage, LC_F32)))


def dot_products(storage):
    cdef int format = take_format(storage, LC_F32)
    return [lc_dot_name(dot).decode() for dot in range(LC_DOT_NONE, LC_DOT_COUNT) if lc_dot_available(0, format, dot)]


def set_dot_product(name):
    cdef int which = LC_DOT_AUTO if name is None else lc_dot_from_name(name.encode())
    if which < 0:
        raise ValueError(f"dot product: expected {', '.join(dot_kinds)} or None, got {name!r}")
    check(lc_dot_force(which))


max_threads = LC_MAX_THREADS


def get_num_threads():
    return lc_get_threads()


def set_num_threads(n):
    whole = isinstance(n, (int, np.integer)) and not isinstance(n, bool)
    if n is not None and not (whole and 1 <= n <= LC_MAX_THREADS):
        raise ValueError("set_num_threads: n: expected a whole number from 1 to "
                         f"{LC_MAX_THREADS}, or None for the default, got {n!r}")
    lc_set_threads(0 if n is None else n)


def limit_threads(int n):
    return lc_limit_threads(n)


def tile_gflops(dtype="float32", *, double seconds=0.05):
    """Gigaflops per second of one core on the bare tile with all its data in L1: the benchmarks' ceiling."""
    from time import perf_counter
    cdef int type = {"float32": LC_F32, "float64": LC_F64}[dtype]
    cdef int64_t repeats = 1000
    while True:
        start = perf_counter()
        flops = lc_bare_tile(type, 0, repeats)
        spent = perf_counter() - start
        if spent > seconds:
            return flops / spent * 1e-9
        repeats *= 4
