# Optimizer steps, in place on flat arrays.

cdef int64_t flat_length(Arrays arrays, param) except -1:
    return arrays.take(param, "param", 1, True).shape[0]


def sgd(param, grad, velocity, double lr, double momentum, bint nesterov):
    cdef Arrays arrays = Arrays()
    cdef int64_t n = flat_length(arrays, param)
    cdef lc_sgd_args args = lc_sgd_args(lr, momentum, nesterov)
    cdef void *p = arrays.exact(param, "param", (n,), True)
    cdef void *g = arrays.exact(grad, "grad", (n,))
    cdef void *v = arrays.exact(velocity, "velocity", (n,), True)
    cdef int type = arrays.type
    cdef lc_status status
    with nogil:
        status = lc_sgd(type, n, p, g, v, &args)
    check(status)


def rmsprop(param, grad, v, mean_grad, mom, double lr, double rho, double momentum, double epsilon):
    cdef Arrays arrays = Arrays()
    cdef int64_t n = flat_length(arrays, param)
    cdef lc_rmsprop_args args = lc_rmsprop_args(lr, rho, momentum, epsilon)
    cdef void *p = arrays.exact(param, "param", (n,), True)
    cdef void *g = arrays.exact(grad, "grad", (n,))
    cdef void *vp = arrays.exact(v, "v", (n,), True)
    cdef void *mean = arrays.exact(mean_grad, "mean_grad", (n,), True)
    cdef void *m = arrays.exact(mom, "mom", (n,), True)
    cdef int type = arrays.type
    cdef lc_status status
    with nogil:
        status = lc_rmsprop(type, n, p, g, vp, mean, m, &args)
    check(status)


def adam(param, grad, m, v, vhat, double lr, double beta_1, double beta_2, double epsilon,
         int64_t step):
    cdef Arrays arrays = Arrays()
    cdef int64_t n = flat_length(arrays, param)
    cdef lc_adam_args args = lc_adam_args(lr, beta_1, beta_2, epsilon, step)
    cdef void *p = arrays.exact(param, "param", (n,), True)
    cdef void *g = arrays.exact(grad, "grad", (n,))
    cdef void *mp = arrays.exact(m, "m", (n,), True)
    cdef void *vp = arrays.exact(v, "v", (n,), True)
    cdef void *hat = arrays.exact(vhat, "vhat", (n,), True)
    cdef int type = arrays.type
    cdef lc_status status
    if step < 1:
        raise ValueError(f"step: expected 1 or more, got {step}")
    with nogil:
        status = lc_adam(type, n, p, g, mp, vp, hat, &args)
    check(status)
