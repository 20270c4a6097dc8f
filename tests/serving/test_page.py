"""The page at `/`, in headless Chromium where that is installed."""

import shutil
import subprocess

import pytest
from serving_cases import Client, last_model, running

from lstmcore.text import LanguageModel

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture
def browser():
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    return found or pytest.skip("no Chromium is installed")


def drawn(browser, server, model, folder):
    """The page after it has asked a model, as HTML."""
    command = [
        *(browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}"),
        *("--virtual-time-budget=5000", "--dump-dom", f"http://127.0.0.1:{server.port}/#{model}"),
    ]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    return found.partition("<script>")[0]


def test_the_page_is_there_and_needs_no_token(tmp_path):
    last_model().save(tmp_path / "m.safetensors")
    (tmp_path / "token").write_text("secret")
    with running(tmp_path, token_file=tmp_path / "token") as server, Client(server) as client:
        status, headers, raw = client.ask("GET", "/")
        assert status == 200
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; connect-src")
        assert b"http://" not in raw.replace(b"http://www.w3.org/2000/svg", b"")
        assert client.get("/v2")[0] == 401


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "parts"),
    [
        ("wave", ['aria-pressed="true">wave<', "<polyline", "forecast"]),
        ("film", ['class="bar"', "a good film", "<th>pos</th>", "<th>neg</th>"]),
        ("steps", ["<polyline", "output 3"]),
        ("last", ["<th>output 1</th>"]),
        ("two", ['class="error"', "This model has several inputs"]),
    ],
)
def test_it_draws_answers(browser, server, tmp_path, model, parts):
    found = drawn(browser, server, model, tmp_path)
    assert ('class="error"' in found) == ('class="error"' in parts)
    for part in parts:
        assert part in found


@pytest.mark.slow
def test_it_completes_texts(browser, tmp_path):
    poet = LanguageModel(units=8)
    poet.fit("The cat sat on the mat.\n" * 30, epochs=1, verbose=0)
    (tmp_path / "texts").mkdir()
    poet.save(tmp_path / "texts" / "poet.safetensors")
    with running(tmp_path / "texts") as server:
        found = drawn(browser, server, "poet", tmp_path / "browser")
    assert 'class="error"' not in found
    written = found.partition("<b>The </b><span>")[2].partition("</span>")[0]
    assert len(written) > 1  # in virtual time not all may have come
