/* The LSTM cell (Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000):
 *
 *     i = sigmoid(zi)   f = sigmoid(zf)   g = tanh(zg)   o = sigmoid(zo)
 *     c' = f c + i g    h' = o tanh(c')
 *
 * z holds the gates' sums in Keras's order i f g o on the way in, and what backward needs on the way out. */
INLINE vec N(lstm_forward_cell)(vec z[4], vec *c) {
    N(squash)(4, z, 1 << 2);
    *c = z[1] * *c + z[0] * z[2];
    return z[3] * N(tanh)(*c);
}

/* z: i f g o in, their sums' gradients out. c0, c1: the cell state before and after the step. dh: the gradient of h'.
 * dc: the gradient of c' without what comes through h' in, of c out. */
INLINE void N(lstm_backward_cell)(vec z[4], vec c0, vec c1, vec dh, vec *dc) {
    vec i = z[0], f = z[1], g = z[2], o = z[3], y = N(tanh)(c1);
    vec d = *dc + dh * o * (1 - y * y);
    z[0] = d * g * (i * (1 - i));
    z[1] = d * c0 * (f * (1 - f));
    z[2] = d * i * (1 - g * g);
    z[3] = dh * y * (o * (1 - o));
    *dc = d * f;
}
