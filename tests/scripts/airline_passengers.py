"""Tutorial: airline passengers by a window, by time steps, and with memory between batches."""

import numpy as np

from lstmcore.layers import LSTM, Dense
from lstmcore.models import Sequential

months = np.arange(96)
passengers = 110 + 2.5 * months + 30 * np.sin(months * 2 * np.pi / 12)
dataset = ((passengers - passengers.min()) / np.ptp(passengers)).astype("float32")[:, None]
train_size = int(len(dataset) * 0.67)
train, test = dataset[0:train_size, :], dataset[train_size : len(dataset), :]


def create_dataset(dataset, look_back=1):
    dataX, dataY = [], []
    for i in range(len(dataset) - look_back - 1):
        dataX.append(dataset[i : (i + look_back), 0])
        dataY.append(dataset[i + look_back, 0])
    return np.array(dataX), np.array(dataY)


look_back = 3
trainX, trainY = create_dataset(train, look_back)
testX, testY = create_dataset(test, look_back)


def rmse(y, predicted):
    return np.sqrt(np.mean((y - predicted[:, 0]) ** 2)) * np.ptp(passengers)


for shape in ((1, look_back), (look_back, 1)):  # a window as features, or as time steps
    model = Sequential()
    model.add(LSTM(4, input_shape=shape))
    model.add(Dense(1))
    model.compile(loss="mean_squared_error", optimizer="adam")
    windows = np.reshape(trainX, (trainX.shape[0], *shape))
    history = model.fit(windows, trainY, epochs=3, batch_size=1, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    tested = model.predict(np.reshape(testX, (testX.shape[0], *shape)), verbose=0)
    assert rmse(testY, tested) < 150

batch_size = 1
trainX, testX = trainX[..., None], testX[..., None]
model = Sequential()
model.add(
    LSTM(4, batch_input_shape=(batch_size, look_back, 1), stateful=True, return_sequences=True)
)
model.add(LSTM(4, batch_input_shape=(batch_size, look_back, 1), stateful=True))
model.add(Dense(1))
model.compile(loss="mean_squared_error", optimizer="adam")
for _ in range(3):
    model.fit(trainX, trainY, epochs=1, batch_size=batch_size, verbose=0, shuffle=False)
    model.reset_states()
trainPredict = model.predict(trainX, batch_size=batch_size, verbose=0)
testPredict = model.predict(testX, batch_size=batch_size, verbose=0)
model.reset_states()
fresh = model.predict(testX, batch_size=batch_size, verbose=0)
assert trainPredict.shape == (len(trainX), 1)
assert not np.allclose(testPredict[0], fresh[0], atol=1e-7)
