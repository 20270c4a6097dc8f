"""Blog: an LSTM-VAE as in Keras 2: sampling as a Lambda, the KL divergence by add_loss."""

import numpy as np

import lstmcore as keras
from lstmcore import backend as K
from lstmcore.layers import LSTM, Dense, Input, Lambda, Layer, RepeatVector
from lstmcore.models import Model

timesteps, input_dim, latent_dim = 8, 1, 2
phases = np.random.default_rng(0).uniform(0, 6, (48, 1))
x_train = np.sin(phases + 0.6 * np.arange(timesteps))[..., None].astype("float32")


def sampling(args):
    z_mean, z_log_sigma = args
    epsilon = K.random_normal(shape=(K.shape(z_mean)[0], latent_dim), mean=0.0, stddev=0.1)
    return z_mean + K.exp(z_log_sigma) * epsilon


class KLDivergence(Layer):
    def call(self, inputs):
        mu, log_sigma = inputs
        kl = -0.5 * K.sum(1 + log_sigma - K.square(mu) - K.exp(log_sigma), axis=-1)
        self.add_loss(0.01 * K.mean(kl))
        return inputs


x = Input(shape=(timesteps, input_dim))
h = LSTM(12)(x)
z_mean, z_log_sigma = KLDivergence()([Dense(latent_dim)(h), Dense(latent_dim)(h)])
z = Lambda(sampling, output_shape=(latent_dim,))([z_mean, z_log_sigma])
decoder_h = LSTM(12, return_sequences=True)
decoder_mean = LSTM(input_dim, return_sequences=True)
x_decoded = decoder_mean(decoder_h(RepeatVector(timesteps)(z)))
vae = Model(x, x_decoded)
vae.compile(optimizer=keras.optimizers.RMSprop(0.01), loss="mse")
history = vae.fit(x_train, x_train, epochs=8, batch_size=16, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]
assert len(vae.losses) == 1

encoder = Model(x, [z_mean, z_log_sigma])
mu, log_sigma = encoder.predict(x_train, verbose=0)
kl = -0.5 * np.sum(1 + log_sigma - mu**2 - np.exp(log_sigma), axis=-1).mean()
error = np.mean((vae.predict(x_train, verbose=0) - x_train) ** 2)
whole = vae.evaluate(x_train, x_train, batch_size=48, verbose=0)
assert np.isclose(whole, error + 0.01 * kl, rtol=0.05)
decoder_input = Input(shape=(latent_dim,))
generator = Model(decoder_input, decoder_mean(decoder_h(RepeatVector(timesteps)(decoder_input))))
assert generator.predict(np.zeros((1, latent_dim)), verbose=0).shape == (1, timesteps, input_dim)
