"""Servers and clients of the tests of `lstmcore.serving`."""

import http.client
import json
import threading
from contextlib import contextmanager

import numpy as np

from lstmcore import Input, Model, Sequential, layers
from lstmcore.classification import TextClassifier
from lstmcore.forecasting import LSTMForecaster
from lstmcore.serving.server import Options, Server

HEADER_LENGTH = "Inference-Header-Content-Length"


def last_model(units=4):
    """A model of the last output."""
    return Sequential([Input((None, 3)), layers.LSTM(units), layers.Dense(2)])


def save_all(folder):
    """Save one small model of each kind; return the networks by name."""
    folder.mkdir(exist_ok=True)
    a, b = Input((None,), name="words", dtype="int32"), Input((5,), name="facts")
    h = layers.LSTM(3)(layers.Embedding(10, 4)(a))
    both = layers.Concatenate()([h, b])
    found = {
        "last": last_model(),
        "steps": Sequential([Input((None, 3)), layers.GRU(4, return_sequences=True)]),
        "double": Sequential([Input((4, 2)), layers.LSTM(3, dtype="float64")]),
        "fixed": Sequential([Input(batch_shape=(2, 4, 3)), layers.LSTM(3, stateful=True)]),
        "two": Model([a, b], [layers.Dense(2, name="one")(both), layers.Dense(1, name="other")(h)]),
    }
    for name, model in found.items():
        model.save(folder / f"{name}.safetensors")
    texts, labels = ["a good film", "too bad"] * 4, ["pos", "neg"] * 4
    usual = {"epochs": 1, "verbose": 0, "validation_fraction": 0}
    film = TextClassifier(units=2, embedding=2, random_state=0, **usual).fit(texts, labels)
    film.save(folder / "film.safetensors")
    usual = {"horizon": 3, "window": 5, "epochs": 1, "validation": 0, "units": 2, "adjust": "none"}
    wave = LSTMForecaster(season=0, random_state=0, **usual).fit(np.sin(np.arange(40) / 3))
    wave.save(folder / "wave.safetensors")
    dates = np.arange("2024-01-01", "2024-03-01", dtype="datetime64[D]")
    data = {"y": np.sin(np.arange(60) / 3), "price": np.arange(60) % 7}
    dated = LSTMForecaster(target="y", known_future=["price"], season=0, random_state=0, **usual)
    dated.fit(data, dates).save(folder / "dated.safetensors")
    return {**found, "film": film, "wave": wave, "dated": dated}


@contextmanager
def running(folder, **options):
    """A server of a folder, in a thread of this process; `port` says where."""
    listening = threading.Event()
    settings = {"port": 0, "poll": 0, "drain": 0, **options}
    server = Server(Options(folder, **settings), on_ready=lambda _: listening.set())
    ended = []

    def run():
        try:
            server.run()
        except BaseException as error:
            ended.append(error)
        finally:
            listening.set()

    thread = threading.Thread(target=run)
    thread.start()
    listening.wait(20)
    if ended:
        raise ended[0]
    try:
        yield server
    finally:
        if thread.is_alive():
            in_loop(server, server.stop)
        thread.join(20)
        assert not thread.is_alive()
        assert not ended


def in_loop(server, function, *args):
    """Call a function in the thread of the server's event loop."""
    server.loop.call_soon_threadsafe(function, *args)


class Client:
    """One connection to a server."""

    def __init__(self, server, token=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=100)
        self.headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    def ask(self, method, path, body=None, **headers):
        """Return status, headers and body of an answer."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, body, {**self.headers, **given})
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def get(self, path):
        """Return status and value of an answer in JSON."""
        status, _, body = self.ask("GET", path)
        return status, json.loads(body)

    def post(self, path, value=None, **headers):
        """Return status and value of an answer in JSON."""
        body = value if isinstance(value, bytes) else json.dumps({} if value is None else value)
        status, _, body = self.ask("POST", path, body, **headers)
        return status, json.loads(body)

    def infer(self, model, inputs, *, binary=False, **parameters):
        """Return the outputs of a model, as arrays by name; `inputs` are arrays by name."""
        body, headers = infer_body(inputs, binary, **parameters)
        path = f"/v2/models/{model}/infer"
        status, found, raw = self.ask("POST", path, body, **headers)
        if status != 200:
            raise RefusedError(status, json.loads(raw)["error"])
        length = found.get(HEADER_LENGTH)
        return outputs_of(raw, None if length is None else int(length))

    def close(self):
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class RefusedError(Exception):
    """An answer that is none of outputs."""

    def __init__(self, status, text):
        super().__init__(f"{status}: {text}")
        self.status, self.text = status, text


NAMES = {
    "float32": "FP32",
    "float64": "FP64",
    "int32": "INT32",
    "int64": "INT64",
    "object": "BYTES",
}
DTYPES = {name: dtype for dtype, name in NAMES.items()}


def raw_of(array):
    """The bytes of an array in the protocol."""
    if array.dtype == object:
        texts = [text.encode() for text in array.reshape(-1)]
        return b"".join(len(text).to_bytes(4, "little") + text for text in texts)
    return array.tobytes()


def infer_body(inputs, binary=False, **parameters):
    """The body of a request, and its headers."""
    entries, tail = [], b""
    for name, array in inputs.items():
        entry = {"name": name, "datatype": NAMES[str(array.dtype)], "shape": list(array.shape)}
        if binary:
            raw = raw_of(array)
            entry["parameters"] = {"binary_data_size": len(raw)}
            tail += raw
        else:
            entry["data"] = array.tolist()
        entries.append(entry)
    if binary:
        parameters["binary_data_output"] = True
    text = json.dumps({"inputs": entries, "parameters": parameters}).encode()
    return text + tail, {HEADER_LENGTH: str(len(text))} if binary else {}


def outputs_of(raw, length=None):
    """The outputs in the body of an answer, as arrays by name."""
    message, rest = json.loads(raw[:length]), b"" if length is None else raw[length:]
    found = {}
    for entry in message["outputs"]:
        dtype = np.dtype(DTYPES[entry["datatype"]])
        if "data" in entry:
            array = np.array(entry["data"], dtype)
        else:
            size = entry["parameters"]["binary_data_size"]
            part, rest = rest[:size], rest[size:]
            texts = dtype.kind == "O"
            array = np.array(texts_of(part)) if texts else np.frombuffer(part, dtype)
        found[entry["name"]] = array.reshape(entry["shape"])
    assert not rest
    return found


def texts_of(raw):
    """The texts in the bytes of a tensor."""
    found, at = [], 0
    while at < len(raw):
        end = at + 4 + int.from_bytes(raw[at : at + 4], "little")
        found.append(raw[at + 4 : end].decode())
        at = end
    return found
