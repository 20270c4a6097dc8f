"""Streams over WebSockets equal `predict` of the whole."""

import asyncio
import json
import re
import time
from socket import create_connection

import numpy as np
import pytest
from serving_cases import Client, in_loop, last_model, running

from lstmcore import Input, Sequential, layers

pytest.importorskip("websockets")

from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect as connect_sync

rng = np.random.default_rng(4)


def connect(server, model="last", **options):
    return connect_sync(f"ws://127.0.0.1:{server.port}/v2/models/{model}/stream", **options)


def closing(socket):
    """The code and the reason with which the server closes a socket."""
    with pytest.raises(ConnectionClosed) as error:
        socket.recv(timeout=5)
    return error.value.rcvd.code, error.value.rcvd.reason


def steps(count, width=3, dtype="float32"):
    return rng.normal(size=(count, width)).astype(dtype)


@pytest.mark.parametrize("name", ["last", "steps", "double"])
def test_frames_equal_the_whole(server, models, name):
    model = models[name]
    x = steps(4, model.input_shape[-1], model.dtype)
    whole = model.predict(x[None], verbose=0)[0]
    with connect(server, name) as socket:
        found = []
        for part in (x[:1], x[1:3], x[3:]):
            socket.send(part.tobytes())
            found.append(socket.recv())
    found = b"".join(found) if whole.ndim == 2 else found[-1]
    assert found == whole.tobytes()


def test_frames_that_do_not_wait_are_answered_in_order(server, models):
    x = steps(300)
    with connect(server, "steps") as socket:
        for row in x:
            socket.send(row.tobytes())
        found = b"".join(socket.recv() for _ in x)
    assert found == models["steps"].predict(x[None], verbose=0).tobytes()


def test_states_are_reset_saved_and_restored(server, models):
    a, b, c = steps(2), steps(3), steps(1)

    def expected(*parts):
        return models["last"].predict(np.concatenate(parts)[None], verbose=0).tobytes()

    with connect(server) as socket:

        def ask(frame):
            socket.send(frame if isinstance(frame, str) else frame.tobytes())
            return socket.recv()

        assert ask(a) == expected(a)
        assert json.loads(ask('{"state": "save"}')) == {"state": "saved"}
        assert ask(b) == expected(a, b)
        assert json.loads(ask('{"state": "restore"}')) == {"state": "restored"}
        assert ask(c) == expected(a, c)
        assert json.loads(ask('{"reset": true}')) == {"reset": True}
        assert ask(b) == expected(b)


@pytest.mark.parametrize(
    ("model", "frame", "code", "text"),
    [
        ("no", None, 4004, "no model 'no': "),
        ("film", None, 4000, "model 'film' has no streams"),
        ("last", b"", 4000, r"frame: expected steps of 12 bytes, \[3\] FP32, got 0"),
        ("last", bytes(13), 4000, "frame: expected steps of 12 bytes"),
        ("last", "{", 4000, "frame: expected JSON"),
        ("last", '{"reset": 1}', 4000, 'frame: expected {"reset": true}, '),
        ("last", '{"state": "restore"}', 4000, "frame: no state was saved"),
        ("last", "\ud800".encode("utf-8", "surrogatepass"), 4000, "frame: expected steps"),
    ],
)
def test_errors_close_the_socket(server, model, frame, code, text):
    with connect(server, model) as socket:
        if frame is not None:
            socket.send(frame)
        found, reason = closing(socket)
    assert found == code
    assert re.match(text, reason), reason


def test_what_is_too_large(tmp_path, models):
    from lstmcore.serving.limits import Limits

    last_model().save(tmp_path / "m.safetensors")
    limits = Limits(max_steps=10, max_body=240)
    with running(tmp_path, limits=limits) as server:
        for size, code in ((11, 4013), (21, 4013), (50, 1009)):
            with connect(server, "m") as socket:
                socket.send(bytes(12 * size))
                assert closing(socket)[0] == code


def test_sockets_are_closed_when_the_server_stops(tmp_path):
    """Not while it drains, then with 1012; a client that does not answer holds nothing up."""
    model, x = last_model(), steps(2)
    model.save(tmp_path / "m.safetensors")
    with running(tmp_path, drain=0.3, grace=20) as server:
        silent = create_connection(("127.0.0.1", server.port))
        silent.sendall(
            b"GET /v2/models/m/stream HTTP/1.1\r\nHost: m\r\nUpgrade: websocket\r\nConnection: "
            b"Upgrade\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OTAxMjM0NQ==\r\n"
            b"Sec-WebSocket-Version: 13\r\n\r\n"
        )
        assert b" 101 " in silent.recv(1000)
        with connect(server, "m") as socket:
            socket.send(x[:1].tobytes())
            socket.recv()
            in_loop(server, server.stop)
            time.sleep(0.05)
            socket.send(x[1:].tobytes())
            assert socket.recv() == model.predict(x[None], verbose=0).tobytes()
            assert closing(socket) == (1012, "the server is stopping")
        stopped = time.monotonic()
    assert time.monotonic() - stopped < 5
    silent.close()


def test_a_socket_keeps_the_weights_it_began_with_and_lets_them_go(tmp_path):
    old, new, x = last_model(), last_model(), steps(2)
    old.save(tmp_path / "m.safetensors")
    with running(tmp_path, admin=True) as server, Client(server) as client:
        with connect(server, "m") as socket:
            socket.send(x[:1].tobytes())
            socket.recv()
            first = server.engine.find("m")
            new.save(tmp_path / "m.safetensors")
            assert client.post("/v2/repository/models/m/load") == (200, {})
            socket.send(x[1:].tobytes())
            assert socket.recv() == old.predict(x[None], verbose=0).tobytes()
        deadline = time.monotonic() + 5
        while first._holders and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not first._holders
        assert ("m", 200) in server.engine.observer._requests


def test_a_socket_needs_the_token(tmp_path):
    last_model().save(tmp_path / "m.safetensors")
    (tmp_path / "token").write_text("secret")
    with running(tmp_path, token_file=tmp_path / "token") as server:
        with pytest.raises(Exception, match="403"), connect(server, "m"):
            pass
        with connect(server, "m", additional_headers={"Authorization": "Bearer secret"}) as socket:
            socket.send(bytes(12))
            assert len(socket.recv()) == 8


async def random_paces(server, name, model, count, longest):
    """Many sockets, each at a pace of its own; some clients are killed in the middle."""
    x = [steps(int(n)) for n in rng.integers(2, longest, count)]
    choice = np.random.default_rng(2)
    url = f"ws://127.0.0.1:{server.port}/v2/models/{name}/stream"
    right = 0

    async def one(i):
        nonlocal right
        await asyncio.sleep(choice.random() / 10)
        async with connect_async(url, compression=None, open_timeout=60) as socket:
            killed, done, y = i % 5 == 0, 0, None
            while done < len(x[i]):
                take = int(choice.choice([1, 1, 1, 2, 4]))
                await socket.send(x[i][done : done + take].tobytes())
                if killed and done > len(x[i]) // 2:
                    socket.transport.abort()
                    return
                y = await socket.recv()
                done += take
                if choice.random() < 0.3:
                    await asyncio.sleep(choice.random() / 50)
        assert y == model.predict(x[i][None], verbose=0).tobytes(), i
        right += 1

    await asyncio.gather(*(one(i) for i in range(count)))
    assert right >= count * 0.8
    served = server.engine.find(name)
    for _ in range(500):
        if not served._holders:
            break
        await asyncio.sleep(0.01)
    assert not served._holders  # also of those that were killed


def test_many_sockets(server, models):
    asyncio.run(random_paces(server, "last", models["last"], 20, 20))


@pytest.mark.slow
def test_five_hundred_sockets(tmp_path):
    model = Sequential([Input((None, 3)), layers.LSTM(64, return_sequences=True)])
    model.add(layers.GRU(32))
    model.add(layers.Dense(2))
    model.save(tmp_path / "m.safetensors")
    with running(tmp_path) as server:
        asyncio.run(random_paces(server, "m", model, 500, 60))
