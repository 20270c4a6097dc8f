"""How many threads there are, and threads that predict with one model at once."""

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import lstmcore
from lstmcore import Sequential, _core
from lstmcore.layers import LSTM, Dense

ROOT = Path(__file__).resolve().parents[2]
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
V2 = "30 24 0:26 {shown} /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = "31 24 0:27 {shown} /sys/fs/c\\040pu rw - cgroup cgroup rw,cpuacct,cpu\n"
NO_CPU = "32 24 0:28 / /sys/fs/cpuset rw - cgroup cgroup rw,cpuset\n"
LONG = "33 24 0:29 / /over rw - overlay overlay rw,lowerdir=" + "/layer:" * 2000 + "\n"

X = np.random.default_rng(2).standard_normal((50, 6, 2)).astype(np.float32)


def test_many_threads_predict_at_once():
    model = Sequential([LSTM(16, return_sequences=True), LSTM(8), Dense(2)])  # built by the race
    wrong = []
    barrier = threading.Barrier(8)
    answers = {}

    def work(number):
        barrier.wait()
        mine = [model.predict(X[number:], batch_size=5, verbose=0) for _ in range(20)]
        answers[number] = mine[0]
        wrong.extend(not np.array_equal(mine[0], y) for y in mine[1:] if (mine[0] != y).any())

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong
    assert len(model.weights) == 8
    for number, y in answers.items():
        np.testing.assert_array_equal(y, model.predict(X[number:], batch_size=5))


def test_threads_that_come_first_build_once(monkeypatch):
    built, build = [], Sequential.build

    def slow(self, input_shape):
        built.append(input_shape)
        time.sleep(0.05)
        build(self, input_shape)

    monkeypatch.setattr(Sequential, "build", slow)
    model = Sequential([LSTM(3)])
    threads = [threading.Thread(target=model.predict, args=(X,)) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert built == [(None, 6, 2)]


@pytest.fixture(scope="module")
def count_cores(tmp_path_factory):
    """The cores that the core counts where /proc and /sys are these files."""
    compiler = shutil.which("gcc") or shutil.which("clang")
    if not compiler or not sys.platform.startswith("linux"):
        pytest.skip("needs a C compiler on Linux")
    folder = tmp_path_factory.mktemp("cores")
    sources = ["tests/core/cores.c", "src_c/cores.c"]
    command = [compiler, "-std=gnu11", "-Wall", "-Werror", "-Isrc_c", *sources]
    subprocess.run([*command, "-o", folder / "cores"], cwd=ROOT, check=True)

    def count(name, files):
        for path, text in files.items():
            (folder / name / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / name / path).write_text(text)
        command = [folder / "cores", folder / name]
        return int(subprocess.run(command, capture_output=True, check=True).stdout)

    return count


def system(group, mounts, **files):
    return {"proc/self/cgroup": group, "proc/self/mountinfo": mounts, **files}


def v2(group="0::/a/b\n", shown="/", mounts="{mount}", **files):
    """A system with cgroup v2; `files` are the cpu.max of groups, by their path with _ for /."""
    paths = {f"sys/fs/cgroup{k.replace('_', '/')}/cpu.max": text for k, text in files.items()}
    return system(group, mounts.format(mount=V2.format(shown=shown)), **paths)


def v1(quota, period, group="4:cpuset:/\n5:cpuacct,cpu:/a\n0::/\n", shown="/", folder="/a"):
    at = f"sys/fs/c pu{folder}"
    limits = {f"{at}/cpu.cfs_quota_us": quota, f"{at}/cpu.cfs_period_us": period}
    return system(group, NO_CPU + V1.format(shown=shown), **limits)


ONE = "100000 100000\n"
SYSTEMS = {
    "nothing": ({}, CORES),
    "no limit": (v2(_a_b="max 100000\n"), CORES),
    "one core": (v2(_a_b=ONE), 1),
    "less than a core": (v2(_a_b="1000 100000\n"), 1),
    "rounded up": (v2(_a_b="110000 100000\n"), min(2, CORES)),
    "more than there are": (v2(_a_b="99900000 100000\n"), CORES),
    "an ancestor": (v2(_a_b="max 100000\n", _a="50000 50000\n"), 1),
    "the smallest": (v2(_a_b="900000 100000\n", _a=ONE, **{"": "200000 100000\n"}), 1),
    "a sibling's": (v2(_a_c=ONE), CORES),
    "the mount shows it": (v2(shown="/a/b", **{"": ONE}), 1),
    "the mount shows a part": (v2(shown="/a", _b=ONE), 1),
    "the mount shows another": (v2(shown="/x", **{"": ONE}), 1),
    "a name that begins alike": (v2(group="0::/ab\n", shown="/a", b="max 1\n", **{"": ONE}), 1),
    "a namespace": (v2(group="0::/\n", **{"": ONE}), 1),
    "outside the namespace": (v2(group="0::/../x\n", shown="/../..", **{"": ONE}), 1),
    "a long line first": (v2(mounts=LONG + "{mount}", _a_b=ONE), 1),
    "no line's end": (v2(group="0::/a/b", _a_b=ONE.strip()), 1),
    "garbage": (v2(_a_b="\0\xff -1 \n"), CORES),
    "a zero": (v2(_a_b="0 0\n"), CORES),
    "half a line": (v2(_a_b="100000"), CORES),
    "an empty file": (v2(_a_b=""), CORES),
    "garbage everywhere": (system("::::\n:\n\n5\n0:", " - \n - - -\n1 2 3 4\n"), CORES),
    "v1": (v1("100000", "100000\n"), 1),
    "v1 without a limit": (v1("-1\n", "100000\n"), CORES),
    "v1 without a period": (v1("100000\n", ""), CORES),
    "v1 in a container": (v1("50000", "100000\n", shown="/a", folder=""), 1),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_quotas_of_cgroups(count_cores, name):
    files, cores = SYSTEMS[name]
    assert count_cores(name, files) == cores


@pytest.mark.parametrize(
    ("environment", "number"),
    [
        ({"LSTMCORE_NUM_THREADS": "3", "OMP_NUM_THREADS": "5"}, 3),
        ({"OMP_NUM_THREADS": "5,2"}, 5),
        ({"LSTMCORE_NUM_THREADS": "0", "OMP_NUM_THREADS": "-1"}, None),
        ({"LSTMCORE_NUM_THREADS": "many"}, None),
        ({"LSTMCORE_NUM_THREADS": "many", "OMP_NUM_THREADS": "5"}, 5),
        ({"LSTMCORE_NUM_THREADS": "-3"}, None),
        ({"LSTMCORE_NUM_THREADS": "3x"}, None),
        ({"LSTMCORE_NUM_THREADS": " 4"}, 4),
        ({"LSTMCORE_NUM_THREADS": ""}, None),
        ({"LSTMCORE_NUM_THREADS": "257"}, 256),
        ({"LSTMCORE_NUM_THREADS": "99999999999999999999"}, 256),
    ],
)
def test_the_environment_sets_the_number(environment, number):
    code = "from lstmcore import _core; print(_core.has_openmp, _core.get_num_threads())"
    code += "; import os; assert os.environ == before"
    code = f"import os; before = dict(os.environ); {code}"
    env = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    command = [sys.executable, "-c", code]
    out = subprocess.run(command, env={**env, **environment}, capture_output=True, check=True)
    openmp, threads = out.stdout.split()
    said = out.stderr.decode()
    wish = environment.get("LSTMCORE_NUM_THREADS")
    if wish in (None, "3", " 4", ""):
        assert said == ""
    else:
        found = int(threads)
        wanted = f"LSTMCORE_NUM_THREADS: expected a whole number from 1 to 256, got {wish!r}; "
        assert f"RuntimeWarning: {wanted}{found} threads are used" in said
        assert said.count("NUM_THREADS: ") == 1
        assert "is no number" not in said  # what the core says in a C program
    if openmp == b"True" and number:
        assert int(threads) == number
    else:
        assert 1 <= int(threads) <= CORES


def test_a_block_bounds_the_threads_of_its_own_calls():
    layer = LSTM(128)
    x = np.random.default_rng(0).standard_normal((32, 40, 64)).astype(np.float32)
    _core.set_num_threads(2)
    try:
        free = layer(x)
        with lstmcore.num_threads(1):
            bound = layer(x)
            assert layer.kernel_info()["threads"] == 1
            with lstmcore.num_threads(2):
                layer(x)
                assert layer.kernel_info()["threads"] == (2 if _core.has_openmp else 1)
            layer(x)
            assert layer.kernel_info()["threads"] == 1
        np.testing.assert_array_equal(bound, free)
        layer(x)
        assert layer.kernel_info()["threads"] == (2 if _core.has_openmp else 1)
    finally:
        _core.set_num_threads(None)
    wanted = "num_threads: n: expected a whole number >= 1"
    with pytest.raises(ValueError, match=wanted), lstmcore.num_threads(0):
        pass
