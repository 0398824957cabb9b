"""The API on a real server, asked as docs/api.md says."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.learning import model
from core.paths import trial_folder
from core.prediction.readers import reader_of
from store.journal import HOME_JOURNAL, replay
from tests.store.factory import CLASSES, write_search

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "for-this-test-and-no-other"


@dataclass(frozen=True)
class Served:
    """A running server, its home with one model, and an empty folder that is its place for temporary files."""

    url: str
    home: Path
    model_id: str
    temporary: Path


def small_model(home: Path) -> str:
    """A finished search whose model is small and untrained; the model's id."""
    model_id = f"{write_search(home, trials=1, n_train=5, n_val=5, n_test=5, n_calibration=0)}.final-1"
    network = model.build("test_resnet", len(CLASSES), None, seed=3)
    mean, std = model.input_statistics(network)
    facts = model.ModelFacts(
        "test_resnet", list(CLASSES), 64, mean, std, {}, "1", model_id, "d", synthetic=True, initial_weights="none"
    )
    model.save_weights(network, facts, trial_folder(home, model_id))
    return model_id


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home, temporary = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("temporary")
    model_id = small_model(home)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "CELLASCENT_HOME": str(home), "CELLASCENT_API_TOKEN": TOKEN, "TMPDIR": str(temporary),
                   "OMP_NUM_THREADS": "1"}  # fmt: skip
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    log = home / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(480):
            try:
                with urllib.request.urlopen(f"{url}/healthz", timeout=1):
                    break
            except OSError:
                assert process.poll() is None, log.read_text()
                time.sleep(0.25)
        yield Served(url, home, model_id, temporary)
        assert "Traceback" not in log.read_text()
    finally:
        process.terminate()
        process.wait(timeout=60)


def ask(served: Served, body: Any, *, chunked: bool = False, **headers: str) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection(served.url.removeprefix("http://"), timeout=120)
    sent = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "multipart/form-data; boundary=b", **headers}
    connection.request("POST", "/api/readings", body, sent, encode_chunked=chunked)
    answer = connection.getresponse()
    said = json.loads(answer.read())
    connection.close()
    return answer.status, said


def form(image: bytes) -> bytes:
    head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="../a.png"\r\n\r\n'
    return head + image + b"\r\n--b--\r\n"


def test_it_answers_as_the_document_says(served: Served, tmp_path: Path):
    image = tmp_path / "cell.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 36, 3), dtype=np.uint8)).save(image)
    text = (ROOT / "docs" / "api.md").read_text()
    [script] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    curl, models = re.findall(r"^(curl .*?[^\\])$", text, re.DOTALL | re.MULTILINE)
    environment = {**os.environ, "CELLASCENT_API_TOKEN": TOKEN, "CELLASCENT_URL": served.url}

    def run(*command: str) -> dict[str, Any]:
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)  # type: ignore[no-any-return]

    said = run(sys.executable, "-c", script, "cell.png")
    alone = json.loads(json.dumps(reader_of(served.home, served.model_id).read(image.read_bytes()).to_json()))
    assert said["probabilities"] == pytest.approx(alone["probabilities"], abs=1e-6)
    for name in ("model_id", "image_sha256", "width", "height", "classes", "calibrated", "decision", "flags"):
        assert said[name] == alone[name], name
    assert set(said) == {"reading_id", "notice", *alone}
    assert all(f"`{name}`" in text for name in said), "the document leaves something out"
    if shutil.which("curl"):
        assert run("sh", "-c", curl)["decision"] == said["decision"]
        assert run("sh", "-c", models)["default"] == served.model_id

    readings = [one for one in replay(served.home, HOME_JOURNAL) if one["kind"] == "reading"]
    assert readings[0]["reading_id"] == said["reading_id"]
    assert readings[0]["through"] == "api"
    check_refusals(served, image.read_bytes())
    assert list(served.temporary.iterdir()) == []


def check_refusals(served: Served, image: bytes) -> None:
    """What must be refused on the wire, and what the pages' own protection must not refuse."""
    foreign = {"Host": "cells.example", "Origin": "http://cells.example", "Cookie": "_streamlit_xsrf=x"}
    status, _ = ask(served, form(image), **foreign)
    assert status == 200  # the token is the protection here; there are no cookies to steal
    assert ask(served, form(image), Authorization="Bearer no")[0] == 401
    assert ask(served, form(b"GIF89a"))[1]["error"]["code"] == "bad_image"
    large = form(bytes(24 * 2**20))
    assert ask(served, large)[1]["error"]["code"] == "too_large"
    blocks = (large[start : start + 2**16] for start in range(0, len(large), 2**16))
    assert ask(served, blocks, chunked=True, **{"Transfer-Encoding": "chunked"})[1]["error"]["code"] == "too_large"
    request = urllib.request.Request(f"{served.url}/api/nothing", headers={"Authorization": f"Bearer {TOKEN}"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert json.load(caught.value)["error"]["code"] == "not_found"
