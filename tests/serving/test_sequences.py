"""Sequences: requests that continue each other equal `predict` of the whole."""

import asyncio
import resource
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from serving_cases import Client, RefusedError, last_model, running

from lstmcore import Input, Sequential, layers
from lstmcore.serving.errors import BadRequestError, DeadlineError, UnavailableError
from lstmcore.serving.limits import Limits
from lstmcore.serving.network import Network
from lstmcore.serving.sequences import Sequences
from lstmcore.serving.served import Served

rng = np.random.default_rng(3)


def steps(count, rows=1):
    return rng.normal(size=(rows, count, 3)).astype(np.float32)


def everything(limits=None, model=None, **options):
    """A model that is served without a network: its sequences."""
    model = last_model() if model is None else model
    served = Served("m", "1", Network(model), limits or Limits())
    return SimpleNamespace(model=model, served=served, sequences=Sequences(**options))


async def ask(at, name, x, served=None, **parameters):
    """The output for the next steps."""
    parameters = {"sequence_id": name, **parameters}
    _, found = await at.sequences.infer(served or at.served, {"input": x}, parameters)
    return found["output"]


@pytest.mark.parametrize("name", ["last", "steps", "double"])
def test_pieces_equal_the_whole(client, models, name):
    model = models[name]
    x = rng.normal(size=(2, 4, model.input_shape[-1])).astype(model.dtype)
    whole = model.predict(x, verbose=0)
    parts = [(0, 1, {"sequence_start": True}), (1, 3, {}), (3, 4, {"sequence_end": True})]
    for id in (7, 2**64 - 1, "seven"):
        y = [
            client.infer(name, {"input": x[:, a:b]}, binary=True, sequence_id=id, **flags)
            for a, b, flags in parts
        ]
        y = [part["output"] for part in y]
        found = np.concatenate(y, axis=1) if whole.ndim == 3 else y[-1]
        assert found.tobytes() == whole.tobytes()
        with pytest.raises(RefusedError, match=f"400: sequence {id!r} is not open: its first "):
            client.infer(name, {"input": x[:, :1]}, sequence_id=id)


def test_start_begins_anew(client, models):
    x = steps(3)
    client.infer("last", {"input": steps(5)}, sequence_id=1, sequence_start=True)
    client.infer("last", {"input": x[:, :2]}, sequence_id=1, sequence_start=True)
    y = client.infer("last", {"input": x[:, 2:]}, sequence_id=1, sequence_end=True, binary=True)
    np.testing.assert_array_equal(y["output"], models["last"].predict(x, verbose=0))


@pytest.mark.parametrize(
    ("model", "inputs", "parameters", "text"),
    [
        ("last", {"input": steps(1)}, {"sequence_id": 99}, "sequence 99 is not open: its first"),
        ("last", {"input": steps(1)}, {"sequence_id": -1}, r"sequence_id: .* up to 2\*\*64 - 1"),
        ("last", {"input": steps(1)}, {"sequence_id": 2**64}, "sequence_id: expected"),
        ("last", {"input": steps(1)}, {"sequence_id": "a" * 257}, "sequence_id: expected"),
        ("last", {"input": steps(1)}, {"sequence_id": True}, "sequence_id: "),
        ("last", {"input": steps(1)}, {"sequence_id": 9, "sequence_start": 1}, "true or false"),
        ("last", {"input": steps(1)[0]}, {"sequence_start": True}, r"expected shape \[-1, -1, 3\]"),
        ("last", {"x": steps(1)}, {"sequence_start": True}, "inputs: expected 'input' alone"),
        ("two", {"words": steps(1)}, {"sequence_start": True}, "model 'two' has no streams"),
        ("film", {"text": np.array(["a"], object)}, {"sequence_start": True}, "has no streams"),
        ("wave", {}, {"sequence_start": True}, "model 'wave' has no streams"),
    ],
)
def test_errors(client, model, inputs, parameters, text):
    with pytest.raises(RefusedError, match=text) as error:
        client.infer(model, inputs, **{"sequence_id": 9, **parameters})
    assert error.value.status == 400


def test_the_rows_are_those_of_the_start(client):
    client.infer("last", {"input": steps(1, 2)}, sequence_id="rows", sequence_start=True)
    with pytest.raises(RefusedError, match="input 'input': expected 2 rows, as at its"):
        client.infer("last", {"input": steps(1, 3)}, sequence_id="rows")
    client.infer("last", {"input": steps(1, 2)}, sequence_id="rows", sequence_end=True)


def test_a_layer_that_needs_the_future():
    model = Sequential([Input((None, 3)), layers.Bidirectional(layers.LSTM(2))])

    async def main():
        at = everything(model=model)
        with pytest.raises(BadRequestError, match=r"model 'm' has no streams: .*bidirectional"):
            await ask(at, 1, steps(1), sequence_start=True)

    asyncio.run(main())


def test_requests_of_one_sequence_are_in_order():
    """Also when all come at once; one that begins anew does not disturb those before it."""

    async def main():
        at = everything()
        x, again = steps(6), steps(2)
        parts = [(0, 1), (1, 3), (3, 4), (4, 6)]  # of unlike lengths: not one batch
        asked = [ask(at, 1, x[:, a:b], sequence_start=not a) for a, b in parts]
        asked += [ask(at, 1, again[:, i : i + 1], sequence_start=not i) for i in range(2)]
        y = await asyncio.gather(*asked)
        for i, (_, end) in enumerate(parts):
            assert y[i].tobytes() == at.model.predict(x[:, :end], verbose=0).tobytes()
        assert y[5].tobytes() == at.model.predict(again, verbose=0).tobytes()
        assert at.served._holders == 1
        await ask(at, 1, x[:, :1], sequence_end=True)
        assert at.served._holders == 0
        assert not at.sequences.counts()

    asyncio.run(main())


async def random_paces(at, count, longest):
    """Many sequences, each in pieces of its own: every one equals its own `predict`."""
    x = [steps(int(n)) for n in rng.integers(1, longest, count)]
    pauses = np.random.default_rng(1)

    async def one(i):
        done, total, y = 0, x[i].shape[1], None
        while done < total:
            take = int(pauses.choice([1, 1, 1, 1, 2, 5]))
            flags = {"sequence_start": done == 0, "sequence_end": done + take >= total}
            y = await ask(at, i + 1, x[i][:, done : done + take], **flags)
            done += take
            if pauses.random() < 0.3:
                await asyncio.sleep(pauses.random() / 100)
        assert y.tobytes() == at.model.predict(x[i], verbose=0).tobytes(), i

    await asyncio.gather(*(one(i) for i in range(count)))
    assert not at.sequences.counts()
    assert at.served._holders == 0


def test_many_sequences_together():
    async def main():
        at = everything()
        await random_paces(at, 100, 20)
        batches = at.served.statistics.describe("m", "1")["batch_stats"]
        assert max(entry["batch_size"] for entry in batches) > 10

    asyncio.run(main())


@pytest.mark.slow
def test_a_thousand_sequences():
    async def main():
        model = Sequential([Input((None, 3)), layers.LSTM(64, return_sequences=True)])
        model.add(layers.GRU(32))
        model.add(layers.Dense(2))
        at = everything(Limits(max_queue=2000), model)
        await random_paces(at, 1000, 60)

    asyncio.run(main())


def test_idle_sequences_are_closed():
    async def main():
        at = everything(idle=0.05)
        await ask(at, 1, steps(1), sequence_start=True)
        await ask(at, 2, steps(1), sequence_start=True)
        for _ in range(4):
            await asyncio.sleep(0.02)
            await ask(at, 2, steps(1))
        assert at.sequences.counts() == {"m": 1}
        with pytest.raises(BadRequestError, match=r"1 is not open: .*\(or it was idle for 0.05 s"):
            await ask(at, 1, steps(1))
        await asyncio.sleep(0.12)
        assert not at.sequences.counts()
        assert at.served._holders == 0

    asyncio.run(main())


def test_there_is_a_largest_number():
    async def main():
        at = everything(most=2)
        for name in (1, 2, 1):
            await ask(at, name, steps(1), sequence_start=True)
        with pytest.raises(UnavailableError, match="2 sequences are open"):
            await ask(at, 3, steps(1), sequence_start=True)
        await ask(at, 1, steps(1), sequence_end=True)
        await ask(at, 3, steps(1), sequence_start=True)

    asyncio.run(main())


def test_a_request_too_late_closes_its_sequence():
    """Those behind it are refused; another sequence of the same id has no state of it."""

    async def main():
        at = everything()
        begin, release = threading.Event(), threading.Event()

        def busy(payloads):
            begin.set()
            release.wait(10)
            return payloads

        await ask(at, 1, steps(2), sequence_start=True)
        at.served.worker.submit(0, busy)
        await asyncio.to_thread(begin.wait)
        late = asyncio.create_task(ask(at, 1, steps(1), timeout=20_000))
        behind = asyncio.create_task(ask(at, 1, steps(1)))
        waiting = asyncio.create_task(ask(at, 1, steps(1), timeout=10_000))
        with pytest.raises(DeadlineError, match="sequence 1: its turn did not come in time"):
            await waiting
        with pytest.raises(DeadlineError):
            await late
        with pytest.raises(BadRequestError, match="sequence 1 is not open: the request before"):
            await behind
        with pytest.raises(BadRequestError, match="sequence 1 is not open"):
            await ask(at, 1, steps(1))
        release.set()
        x = steps(2)
        await ask(at, 1, x[:, :1], sequence_start=True)
        y = await ask(at, 1, x[:, 1:])
        assert y.tobytes() == at.model.predict(x, verbose=0).tobytes()

    asyncio.run(main())


def test_a_full_queue_takes_no_step():
    async def main():
        at = everything(Limits(max_queue=1))
        begin, release, x = threading.Event(), threading.Event(), steps(3)

        def busy(payloads):
            begin.set()
            release.wait(10)
            return payloads

        await ask(at, 1, x[:, :2], sequence_start=True)
        at.served.worker.submit(0, busy)
        await asyncio.to_thread(begin.wait)
        last = at.served.worker.submit(0, busy)
        with pytest.raises(UnavailableError):
            await ask(at, 1, x[:, 2:], sequence_end=True)
        release.set()
        await last
        y = await ask(at, 1, x[:, 2:], sequence_end=True)
        assert y.tobytes() == at.model.predict(x, verbose=0).tobytes()

    asyncio.run(main())


def test_a_sequence_keeps_the_weights_it_began_with(tmp_path):
    old, new, x = last_model(), last_model(), steps(3)
    old.save(tmp_path / "m.safetensors")
    with running(tmp_path, admin=True) as server, Client(server) as client:
        client.infer("m", {"input": x[:, :1]}, sequence_id=1, sequence_start=True)
        (tmp_path / "m" / "2").mkdir(parents=True)
        new.save(tmp_path / "m" / "2" / "model.safetensors")
        assert client.post("/v2/repository/models/m/load") == (200, {})
        client.infer("m", {"input": x[:, 1:2]}, sequence_id=1)
        y = client.infer("m", {"input": x[:, 2:]}, binary=True, sequence_id=1, sequence_end=True)
        np.testing.assert_array_equal(y["output"], old.predict(x, verbose=0))
        client.infer("m", {"input": x[:, :2]}, sequence_id=1, sequence_start=True)
        y = client.infer("m", {"input": x[:, 2:]}, binary=True, sequence_id=1)
        np.testing.assert_array_equal(y["output"], new.predict(x, verbose=0))
        _, _, text = client.ask("GET", "/metrics")
        assert b'lstmcore_sequences{model="m"} 1.0' in text


def resident():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.slow
def test_ten_thousand_sequences_in_200_mb():
    async def main():
        model = Sequential([Input((None, 3)), layers.LSTM(128, return_sequences=True)])
        model.add(layers.LSTM(128))
        model.add(layers.Dense(2))
        at = everything(model=model)
        x = steps(1)
        await ask(at, 10**6, x, sequence_start=True)
        before = resident()
        for i in range(1, 10_000):
            await ask(at, i, x, sequence_start=True)
        assert at.sequences.counts() == {"m": 10_000}
        print(f"{resident() - before:.1f} MB")
        assert resident() - before < 200

    asyncio.run(main())
