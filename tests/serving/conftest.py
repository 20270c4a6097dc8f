"""Fixtures of the server's tests: models of every kind, and one server of them for all tests."""

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")

from serving_cases import Client, running, save_all


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """The models of the server, by name."""
    return save_all(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="session")
def folder(models, tmp_path_factory):
    """The folder that they are in."""
    return next(path for path in tmp_path_factory.getbasetemp().glob("served*"))


@pytest.fixture(scope="session")
def server(folder):
    """A server in this process."""
    with running(folder, admin=True) as found:
        yield found


@pytest.fixture
def client(server):
    """A connection to it."""
    with Client(server) as found:
        yield found
