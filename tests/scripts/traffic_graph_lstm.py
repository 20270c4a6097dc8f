"""keras.io: traffic on a graph of roads, a layer of graph convolutions and an LSTM inside."""

import numpy as np

import lstmcore as keras
from lstmcore import layers, ops

nodes, past, future = 4, 6, 2
edges = np.array([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
rng = np.random.default_rng(0)
speeds = np.cumsum(rng.normal(size=(80, nodes)), axis=0)
speeds = (speeds - speeds.mean(0)) / speeds.std(0)
starts = np.arange(len(speeds) - past - future)[:, None]
x_train = speeds[starts + np.arange(past)][..., None]
y_train = speeds[starts + past + np.arange(future)]


class GraphConv(layers.Layer):
    def __init__(self, in_feat, out_feat, edges, num_nodes, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.edges, self.num_nodes = edges, num_nodes
        self.weight = self.add_weight(
            shape=(in_feat, out_feat), initializer="glorot_uniform", trainable=True
        )
        self.activation = layers.Activation(activation)

    def call(self, features):
        nodes_representation = ops.matmul(features, self.weight)
        neighbors = ops.take(nodes_representation, self.edges[1], axis=0)
        flat = ops.reshape(neighbors, (len(self.edges[1]), -1))
        sums = ops.segment_sum(flat, self.edges[0], num_segments=self.num_nodes)
        aggregated = ops.reshape(sums, ops.shape(nodes_representation))
        return self.activation(ops.concatenate([nodes_representation, aggregated], axis=-1))


class LSTMGC(layers.Layer):
    def __init__(self, in_feat, out_feat, lstm_units, output_seq_len, edges, num_nodes, **kwargs):
        super().__init__(**kwargs)
        self.graph_conv = GraphConv(in_feat, out_feat, edges, num_nodes, activation="relu")
        self.lstm = layers.LSTM(lstm_units, activation="relu")
        self.dense = layers.Dense(output_seq_len)
        self.output_seq_len = output_seq_len

    def call(self, inputs):
        inputs = ops.transpose(inputs, [2, 0, 1, 3])
        gcn_out = self.graph_conv(inputs)
        num_nodes, batch_size, input_seq_len, out_feat = ops.shape(gcn_out)
        gcn_out = ops.reshape(gcn_out, (batch_size * num_nodes, input_seq_len, out_feat))
        lstm_out = self.lstm(gcn_out)
        output = ops.reshape(self.dense(lstm_out), (num_nodes, batch_size, self.output_seq_len))
        return ops.transpose(output, [1, 2, 0])


st_gcn = LSTMGC(1, 4, 8, future, edges, nodes)
inputs = layers.Input((past, nodes, 1))
outputs = st_gcn(inputs)
model = keras.models.Model(inputs, outputs)
model.compile(
    optimizer=keras.optimizers.RMSprop(learning_rate=0.01), loss=keras.losses.MeanSquaredError()
)
history = model.fit(
    x_train,
    y_train,
    validation_split=0.2,
    epochs=4,
    batch_size=16,
    callbacks=[keras.callbacks.EarlyStopping(patience=10)],
    verbose=0,
)
assert history.history["loss"][-1] < history.history["loss"][0]
assert len(model.trainable_weights) == 6
assert model.predict(x_train[:3], verbose=0).shape == (3, future, nodes)
