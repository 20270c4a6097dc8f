"""The scripts in examples/ run as they stand, and say what they are to say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import lstmcore

ROOT = Path(lstmcore.__file__).parents[1]
EXAMPLES = Path(__file__).parents[2] / "examples"
# What each is told for the sake of time, and what stands in its last lines.
SCRIPTS = {
    "attention": ("--epochs 1", "LSTM with attention"),
    "bidirectional": ("--epochs 1", "a line from day to day       2.16"),
    "callbacks": ("--epochs 3", "val_loss with a cosine schedule"),
    "classify_text": ("--epochs 1 --texts 400", "always the most frequent class 0.2"),
    "custom_loop": ("--epochs 2", "if one always says 0"),
    "forecast": ("--epochs 1", "as yesterday        2.91"),
    "forecast_intervals": ("--epochs 1", "the same from a file: True"),
    "forecast_relu": ("--epochs 1", "the last period again"),
    "gates": ("", "the same forget gates by layer.trace: True"),
    "generate_text": ("--epochs 1 --units 8 --characters 6000", "up to the end of a sentence"),
    "inspect_gates": ("--epochs 1 --characters 20000", "after training: an open quotation"),
    "music": ("--epochs 1 --pieces 20", "nats a step, how often each key sounds"),
    "regularized": ("--epochs 1", "as the day before"),
    "resume": ("--epochs 2", "the same weights, to the last bit: True"),
    "sentiment": ("--epochs 1 --reviews 100", "the film was not good"),
    "sequence_labelling": ("--epochs 1 --sentences 60", "the usual one of a word  0."),
    "sklearn_pipeline": ("--epochs 3", "pickled, the same classes: True"),
    "stacked": ("--epochs 1", "nothing can be better"),
    "text_generation": ("--epochs 1 --characters 400", "next character right, LSTM"),
    "tune": ("--trials 2 --epochs 1", "as yesterday                       2.24"),
    "verses": ("--epochs 1 --verses 100", "were not in the text"),
    "two_inputs_two_outputs": ("--epochs 1", "counting changes of sign"),
    "weights_and_generators": ("--epochs 1", "that do not count"),
}
NEEDS = {"sklearn_pipeline": "sklearn", "tune": "optuna"}  # what is not in every installation

SLOW = ("inspect_gates", "sklearn_pipeline")


def test_all_are_tested():
    assert sorted(path.stem for path in EXAMPLES.glob("*.py")) == sorted(SCRIPTS)


def run(name, arguments, tmp_path):
    # What is trained so shortly may be no better than its baseline, and says so.
    warnings = ["-W", "error", "-W", "default:::lstmcore.classification.classifier"]
    command = [sys.executable, *warnings, EXAMPLES / f"{name}.py", *arguments.split()]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": path,
            "PYTHONIOENCODING": "utf-8",
            "TMPDIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def marked(name):
    """The name of a script, marked if it takes seconds."""
    return pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else [])


@pytest.mark.parametrize("name", [marked(name) for name in SCRIPTS])
def test_it_runs(name, tmp_path):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    arguments, said = SCRIPTS[name]
    printed = run(name, arguments, tmp_path)
    assert said in printed


def test_logs_for_tensorboard(tmp_path):
    pytest.importorskip("tensorboardX")
    printed = run("callbacks", f"--epochs 1 --folder {tmp_path}", tmp_path)
    assert f"tensorboard --logdir {tmp_path}" in printed
    for folder in ("plateau/train", "plateau/validation", "cosine/train", "cosine/validation"):
        assert list((tmp_path / folder).glob("events.out.tfevents.*"))
