# Optimizer steps, in place on flat arrays.

cdef dict OPTIMIZERS = {
    "sgd": LC_SGD, "rmsprop": LC_RMSPROP, "adam": LC_ADAM, "adamax": LC_ADAMAX, "nadam": LC_NADAM,
    "adagrad": LC_ADAGRAD, "adadelta": LC_ADADELTA, "lion": LC_LION,
}
cdef tuple SLOTS = ("slots[0]", "slots[1]", "slots[2]")


def optimize(name, param, grad, tuple slots, double rate, double decay=0, *, double momentum=0,
             bint nesterov=False, double rho=0, double beta_1=0, double beta_2=0, double epsilon=0,
             double mu=0, double next_mu=0, double product=0, int64_t step=1):
    cdef Arrays arrays = Arrays()
    cdef lc_update u
    cdef lc_status status
    cdef int i
    which = OPTIMIZERS.get(name)
    if which is None:
        raise ValueError(f"name: expected one of {', '.join(OPTIMIZERS)}, got {name!r}")
    if step < 1:
        raise ValueError(f"step: expected 1 or more, got {step}")
    if len(slots) > LC_SLOTS:
        raise ValueError(f"slots: expected {LC_SLOTS} at most, got {len(slots)}")
    u.isa, u.optimizer, u.nesterov, u.step = 0, which, nesterov, step
    u.rate, u.decay, u.momentum, u.rho = rate, decay, momentum, rho
    u.beta_1, u.beta_2, u.epsilon = beta_1, beta_2, epsilon
    u.mu, u.next_mu, u.product = mu, next_mu, product
    u.n = arrays.take(param, "param", 1, True).shape[0]
    shape = (u.n,)
    u.p = arrays.exact(param, "param", shape, True)
    u.g = arrays.exact(grad, "grad", shape)
    for i in range(LC_SLOTS):
        u.slot[i] = arrays.exact(slots[i], SLOTS[i], shape, True) if i < len(slots) else NULL
    u.type = arrays.type
    with nogil:
        status = lc_optimize(&u)
    check(status)


def finite(x):
    cdef Arrays arrays = Arrays()
    if not isinstance(x, np.ndarray):
        raise TypeError(f"x: expected a NumPy array, got {type_name(x)}")
    cdef void *at = arrays.exact(x, "x", x.shape)
    cdef int64_t n = x.size
    cdef int type = arrays.type, out = 1
    cdef lc_status status
    with nogil:
        status = lc_finite(type, 0, n, at, &out)
    check(status)
    return out != 0
