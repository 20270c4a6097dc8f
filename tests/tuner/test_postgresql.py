"""A search of two programs over a PostgreSQL server of the test's own."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import tuner_models as models
from tuner_models import DATA

import lstmcore

pytest.importorskip("optuna")
pytest.importorskip("psycopg")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@pytest.fixture
def url():
    """Start a server on a free port; return the URL of its database."""
    folder = PROGRAMS[-1] if PROGRAMS else Path(shutil.which("initdb") or "nowhere/initdb").parent
    if not (folder / "initdb").exists():
        pytest.skip("PostgreSQL is not installed")
    data = Path(tempfile.mkdtemp(prefix="postgresql"))
    other = (
        ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    )  # refuses to run as root
    if other:
        shutil.chown(data, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def call(program, *options):
        subprocess.run([*other, folder / program, *options], check=True, capture_output=True)

    call("initdb", "-D", data / "db", "-U", "tester", "--auth", "trust")
    listen = f"-p {port} -h 127.0.0.1 -k {data}"
    call("pg_ctl", "-D", data / "db", "-l", data / "log", "-o", listen, "-w", "start")
    try:
        yield f"postgresql://tester@127.0.0.1:{port}/postgres"
    finally:
        call("pg_ctl", "-D", data / "db", "-m", "immediate", "stop")
        shutil.rmtree(data)


def test_two_programs_share_a_search(tmp_path, url):
    code = (
        "import sys, lstmcore, tuner_models as m\n"
        "tuner = m.make(sys.argv[1], storage=sys.argv[2], max_trials=6, executions_per_trial=1)\n"
        "lstmcore.set_num_threads(1)\n"
        "tuner.search(**m.DATA, verbose=0)\n"
    )
    support = Path(models.__file__).parent
    paths = [str(support), str(Path(lstmcore.__file__).parents[1])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-c", code, str(tmp_path), url]
    processes = [subprocess.Popen(command, env=environment) for _ in range(2)]
    assert [process.wait(120) for process in processes] == [0, 0]
    tuner = models.make(tmp_path, storage=url, max_trials=6, executions_per_trial=1)
    assert list(tuner.trials) == [f"000{i}" for i in range(6)]
    assert all(trial.status == "COMPLETED" for trial in tuner.trials.values())
    owners = {trial.user_attrs["owner"]["pid"] for trial in tuner.study.trials}
    assert owners == {process.pid for process in processes}
    assert len(DATA)
