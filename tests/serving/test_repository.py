"""The folder of models: what is found in it, loaded, swapped and left alone."""

import asyncio
import os
import threading

import numpy as np
import pytest
from serving_cases import Client, RefusedError, last_model, running

from lstmcore.serving.engine import Engine
from lstmcore.serving.errors import BadRequestError, NotFoundError
from lstmcore.serving.repository import Repository

X = np.ones((1, 3, 3), np.float32)


def save(path, units=2):
    """Save a model as a file that takes the place of another at once, as all do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    model = last_model(units)
    model.save(path)
    return model.predict(X, verbose=0)


async def output(engine, name, version=""):
    answer = await engine.infer(name, version, {"input": X}, {})
    return answer.outputs["output"]


def with_engine(folder, action):
    async def run():
        engine = Engine(Repository(folder))
        await engine.refresh()
        try:
            return await action(engine)
        finally:
            engine.close()

    return asyncio.run(run())


def states(engine):
    return {(e["name"], e["version"]): e["state"] for e in engine.index()}


def test_files_and_folders(tmp_path):
    save(tmp_path / "flat.safetensors")
    save(tmp_path / "deep" / "3" / "model.safetensors")
    save(tmp_path / "deep" / "10" / "model.safetensors")
    save(tmp_path / ".hidden.safetensors")
    save(tmp_path / "a b.safetensors")
    save(tmp_path / "other" / "model.safetensors")
    (tmp_path / "notes.txt").write_text("")
    found = Repository(tmp_path).scan()
    assert {name: list(f.files) for name, f in found.items()} == {"flat": [1], "deep": [10]}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('versions = "all"', [1, 2, 10]),
        ('versions = "latest"', [10]),
        ("versions = [2, 1]", [2, 1]),
        ("versions = [3]", "config.toml: versions: there is no 3, but [1, 2, 10]"),
        ('versions = "some"', 'config.toml: versions: expected "latest", "all" or numbers'),
        ("max_batch = 0", "config.toml: max_batch: expected a whole number from 1, got 0"),
        ("batch = 1", "config.toml: expected max_batch, max_rows"),
        ("=", "config.toml: Invalid statement"),
    ],
)
def test_config(tmp_path, text, wanted):
    for version in (1, 2, 10):
        save(tmp_path / "m" / str(version) / "model.safetensors")
    (tmp_path / "m" / "config.toml").write_text(text)
    found = Repository(tmp_path).scan()["m"]
    if isinstance(wanted, list):
        assert (list(found.files), found.problem) == (wanted, "")
    else:
        assert found.problem.startswith(wanted)


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(NotADirectoryError, match="is no folder"):
        Repository(tmp_path / "no")


def test_versions_and_settings(tmp_path):
    first = save(tmp_path / "m" / "1" / "model.safetensors")
    second = save(tmp_path / "m" / "2" / "model.safetensors")
    (tmp_path / "m" / "config.toml").write_text('versions = "all"\nmax_rows = 7')

    async def action(engine):
        np.testing.assert_array_equal(await output(engine, "m"), second)
        np.testing.assert_array_equal(await output(engine, "m", "1"), first)
        assert engine.metadata("m")["versions"] == ["1", "2"]
        assert engine.find("m", "2").limits.max_rows == 7
        with pytest.raises(NotFoundError, match="no version '3': there is 1, 2"):
            engine.find("m", "3")

    with_engine(tmp_path, action)


def test_a_changed_file_is_swapped_and_a_bad_one_is_not(tmp_path):
    path = tmp_path / "m.safetensors"
    first = save(path)

    async def action(engine):
        old = engine.find("m")
        await engine.refresh()
        assert engine.find("m") is old  # nothing has changed
        second = save(path, units=3)
        await engine.refresh()
        np.testing.assert_array_equal(await output(engine, "m"), second)
        assert not np.array_equal(first, second)
        await asyncio.to_thread(old.worker.join, 5)
        assert not old.worker._thread.is_alive()
        path.write_bytes(b"rubbish of a model")
        await engine.refresh()
        np.testing.assert_array_equal(await output(engine, "m"), second)
        (state,) = engine.index()
        assert state["state"] == "UNAVAILABLE"
        assert state["reason"].endswith("; the version before is served")
        third = save(path)
        await engine.refresh()
        np.testing.assert_array_equal(await output(engine, "m"), third)
        assert states(engine) == {("m", "1"): "READY"}

    with_engine(tmp_path, action)


def test_a_version_that_is_held_goes_on(tmp_path):
    path = tmp_path / "m.safetensors"
    save(path)

    async def action(engine):
        old = engine.find("m")
        old.hold()
        save(path)
        await engine.refresh()
        assert engine.find("m") is not old
        assert not old.worker._closed
        assert await old.worker.submit(1, lambda payloads: payloads) == 1
        old.release()
        await asyncio.to_thread(old.worker.join, 5)
        assert not old.worker._thread.is_alive()

    with_engine(tmp_path, action)


def test_a_new_version_takes_over_and_a_bad_one_does_not(tmp_path):
    first = save(tmp_path / "m" / "1" / "model.safetensors")

    async def action(engine):
        bad = tmp_path / "m" / "2" / "model.safetensors"
        bad.parent.mkdir()
        bad.write_bytes(b"rubbish of a model")
        await engine.refresh()
        np.testing.assert_array_equal(await output(engine, "m"), first)
        assert states(engine) == {("m", "1"): "READY", ("m", "2"): "UNAVAILABLE"}
        second = save(bad)
        await engine.refresh()
        np.testing.assert_array_equal(await output(engine, "m"), second)
        assert states(engine) == {("m", "2"): "READY"}
        (tmp_path / "m" / "config.toml").write_text("batch = 1")
        await engine.refresh()
        np.testing.assert_array_equal(await output(engine, "m"), second)
        assert states(engine) == {("m", "2"): "UNAVAILABLE"}

    with_engine(tmp_path, action)


def test_a_file_that_goes_takes_its_model_with_it(tmp_path):
    save(tmp_path / "m.safetensors")
    save(tmp_path / "n.safetensors")

    async def action(engine):
        os.remove(tmp_path / "m.safetensors")
        await engine.refresh()
        with pytest.raises(NotFoundError, match="no model 'm'"):
            engine.find("m")
        engine.find("n")

    with_engine(tmp_path, action)


def test_load_and_unload(tmp_path):
    save(tmp_path / "m.safetensors")

    async def action(engine):
        await engine.unload("m")
        await engine.refresh()
        assert states(engine) == {("m", ""): "UNAVAILABLE"}
        with pytest.raises(NotFoundError):
            engine.find("m")
        await engine.load("m")
        engine.find("m")
        for name in ("n", "../m", "m.safetensors"):
            with pytest.raises(BadRequestError, match="no model"):
                await engine.load(name)
        (tmp_path / "m.safetensors").write_bytes(b"rubbish of a model")
        with pytest.raises(BadRequestError, match=r"^model 'm': m\.safetensors: no model or"):
            await engine.load("m")
        engine.find("m")

    with_engine(tmp_path, action)


def test_clients_may_load_only_where_they_are_allowed(tmp_path):
    save(tmp_path / "m.safetensors")
    with running(tmp_path) as server, Client(server) as client:
        assert client.post("/v2/repository/models/m/unload")[0] == 404
        assert client.post("/v2/repository/index") == (
            200,
            [{"name": "m", "version": "1", "state": "READY", "reason": ""}],
        )
    with running(tmp_path, admin=True) as server, Client(server) as client:
        assert client.post("/v2/repository/models/m/unload") == (200, {})
        with pytest.raises(RefusedError, match="404"):
            client.infer("m", {"input": X})
        assert client.post("/v2/repository/models/n/load")[0] == 400
        body = {"parameters": {"config": "{}"}}
        assert client.post("/v2/repository/models/m/load", body)[0] == 400
        assert client.post("/v2/repository/models/m/load") == (200, {})
        client.infer("m", {"input": X})


def test_swapping_under_load_fails_no_request(tmp_path):
    path = tmp_path / "m.safetensors"
    known = [save(path)]
    stop, wrong, answers = threading.Event(), [], []

    def ask(server):
        with Client(server) as client:
            while not stop.is_set():
                try:
                    answers.append(client.infer("m", {"input": X}, binary=True)["output"])
                except Exception as error:
                    wrong.append(error)

    with running(tmp_path, poll=0.02) as server:
        threads = [threading.Thread(target=ask, args=(server,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for units in (3, 2, 5):
            last = save(path, units)
            known.append(last)
            for _ in range(500):
                if np.array_equal(answers[-1:], [last]):
                    break
                stop.wait(0.01)
        stop.set()
        for thread in threads:
            thread.join()
    assert not wrong
    assert np.array_equal(answers[-1], known[-1])
    assert all(any(np.array_equal(y, k) for k in known) for y in answers)
