"""Fixtures of the server's tests: models of every kind, and one server of them for all tests."""

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")

from serving_cases import Client, running, save_all


# Of the package and not of the session: a server's threads and memory are no matter of other tests.
@pytest.fixture(scope="package")
def served(tmp_path_factory):
    """The models of the server, by name, and the folder that they are in."""
    path = tmp_path_factory.mktemp("served")
    return save_all(path), path


@pytest.fixture(scope="package")
def models(served):
    return served[0]


@pytest.fixture(scope="package")
def folder(served):
    return served[1]


@pytest.fixture(scope="package")
def server(folder):
    """A server in this process."""
    with running(folder, admin=True) as found:
        yield found


@pytest.fixture
def client(server):
    """A connection to it."""
    with Client(server) as found:
        yield found
