"""The API with a stand-in for its readings: who may ask, how often, what comes back, and that errors say one thing."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from core.api import body
from core.api.errors import ApiError
from core.api.limits import RateLimit
from core.api.server import Api
from core.api.settings import Settings

TOKEN = "for-these-tests-alone"
ALLOWED = {"Authorization": f"Bearer {TOKEN}"}
IMAGE = bytes(range(256)) * 8
READING = {"reading_id": "r-1", "decision": {"words": "Monocyte"}}


class Stand:
    """In place of the readings: keeps what it was given, and answers or does what `act` says."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, str, str, str]] = []
        self.act: Callable[[], Any] = lambda: READING

    def models(self) -> dict[str, Any]:
        return {"models": [], "default": None}

    def read(self, image: bytes, image_name: str, model: str, point: str) -> dict[str, Any]:
        self.asked.append((image, image_name, model, point))
        return self.act()


@pytest.fixture
def stand() -> Stand:
    return Stand()


@pytest.fixture
def client(stand: Stand) -> Iterator[TestClient]:
    settings = Settings.of({"CELLASCENT_API_TOKEN": TOKEN, "CELLASCENT_API_PER_MINUTE": "1e6"})
    with opened(Api(stand, settings)) as client:
        yield client


def opened(api: Api) -> TestClient:
    app = Starlette(routes=[Mount("/api", app=api), Route("/api", api)])
    return TestClient(app, raise_server_exceptions=False, headers=ALLOWED)


def problem(answer: Any, status: int, code: str) -> str:
    """The sentence of an answer that has to be this error, in the one form that errors have."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert "access-control-allow-origin" not in answer.headers
    error = answer.json()
    assert error.keys() == {"error"}
    assert error["error"].keys() == {"code", "message"}
    assert error["error"]["code"] == code
    assert error["error"]["message"].endswith(".")
    return str(error["error"]["message"])


def post(client: TestClient, image: Any = IMAGE, name: str = "cell.png", **fields: str) -> Any:
    return client.post("/api/readings", files={"image": (name, image)}, data=fields)


def form(*parts: tuple[str, bytes], end: bytes = b"--b--\r\n") -> bytes:
    made = b""
    for disposition, content in parts:
        made += b"--b\r\nContent-Disposition: form-data; " + disposition.encode() + b"\r\n\r\n" + content + b"\r\n"
    return made + end


def send(client: TestClient, content: Any, kind: str = "multipart/form-data; boundary=b", **headers: str) -> Any:
    return client.post("/api/readings", content=content, headers={"Content-Type": kind, **headers})


def test_an_image_is_read(client: TestClient, stand: Stand):
    answer = post(client, name="Zelle 1.png", model="s-1.final-1", point="o-1")
    assert answer.status_code == 200
    assert answer.json() == READING
    assert answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in answer.headers
    assert stand.asked == [(IMAGE, "Zelle 1.png", "s-1.final-1", "o-1")]
    assert post(client, name='"\u7d30\u80de".png').status_code == 200
    assert stand.asked[1][1:] == ("%22\u7d30\u80de%22.png", "", "")
    assert client.get("/api/models").json() == {"models": [], "default": None}


@pytest.mark.parametrize("token", ["", "   ", "short", "with a blank in it", "nicht-ganz-ascii-\u00e4\u00f6\u00fc"])
def test_it_is_off_without_a_token_that_holds(token: str, stand: Stand):
    with opened(Api(stand, Settings.of({"CELLASCENT_API_TOKEN": token}))) as client:
        for answer in (client.get("/api/models"), post(client), client.get("/api/x")):
            assert "set CELLASCENT_API_TOKEN" in problem(answer, 403, "api_off")
        for given in (b"", token.encode("latin-1"), token.encode()):
            client.headers = [(b"Authorization", b"Bearer " + given)]  # type: ignore[assignment]
            problem(client.get("/api/models"), 403, "api_off")
    assert stand.asked == []


@pytest.mark.parametrize("rate", ["0", "-1", "nan", "inf", "many"])
def test_a_rate_that_is_none_switches_it_off(rate: str):
    settings = Settings.of({"CELLASCENT_API_TOKEN": TOKEN, "CELLASCENT_API_PER_MINUTE": rate})
    assert settings.token == b""
    assert "CELLASCENT_API_PER_MINUTE" in settings.off


@pytest.mark.parametrize(
    "given",
    [b"", b"Bearer", b"Bearer ", b"Bearer x", f"Basic {TOKEN}".encode(), TOKEN.encode(), f"Bearer {TOKEN}x".encode(),
     f"Bearer {TOKEN[:-1]}".encode(), b"Bearer \xff\xfe", "Bearer \u00e4".encode()],
)  # fmt: skip
def test_only_the_token_opens(given: bytes, client: TestClient, stand: Stand):
    client.headers = [(b"Authorization", given)]  # type: ignore[assignment]
    for answer in (post(client), client.get("/api/models"), client.get("/api/x"), client.options("/api/readings")):
        problem(answer, 401, "unauthorized")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert TOKEN not in answer.text
    assert stand.asked == []


def test_other_addresses_and_methods(client: TestClient):
    for path in ("/api", "/api/", "/api/x", "/api/readings/", "/api/readings/r-1", "/api/../api/y"):
        problem(client.get(path), 404, "not_found")
    answer = client.get("/api/readings")
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"
    problem(client.post("/api/models"), 405, "method_not_allowed")
    problem(client.options("/api/readings", headers={"Origin": "http://elsewhere.example"}), 405, "method_not_allowed")


@pytest.mark.parametrize(
    "kind", ["", "image/png", "application/json", "multipart/form-data", "multipart/mixed; boundary=b"]
)
def test_what_is_no_form_is_refused(kind: str, client: TestClient):
    problem(send(client, form(('name="image"', IMAGE)), kind), 415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (form(('name="other"', b"")), 422, "unknown_field"),
        (form(('filename="a.png"', b"")), 422, "unknown_field"),
        (form(('name="model"', b"m")), 422, "no_image"),
        (form(), 422, "no_image"),
        (form(('name="image"', b"1"), ('name="image"', b"2")), 422, "repeated_field"),
        (form(('name="image"', b"1"), ('name="model"', b"m" * 201)), 422, "bad_field"),
        (form(('name="image"', b"1"), ('name="model"', b"\xff")), 422, "bad_field"),
        (form(('name="image"', b"1"), end=b""), 400, "bad_form"),
        (form(('name="image"', b"1"))[:-20], 400, "bad_form"),
        (b"", 400, "bad_form"),
        (b"no form at all", 400, "bad_form"),
        (b"--b\r\n" + b"X: y\r\n" * 100 + b"\r\n", 400, "bad_form"),
    ],
)  # fmt: skip
def test_forms_that_are_wrong(content: bytes, status: int, code: str, client: TestClient, stand: Stand):
    problem(send(client, content), status, code)
    assert stand.asked == []


def test_an_image_may_have_its_largest_size_and_no_more(client: TestClient, stand: Stand, monkeypatch: Any):
    monkeypatch.setattr(body, "MAX_IMAGE_BYTES", 3 * 2**20)
    monkeypatch.setattr("tempfile.tempdir", "/nonexistent")  # nothing may go to the disk
    assert post(client, bytes(3 * 2**20)).status_code == 200
    assert len(stand.asked[0][0]) == 3 * 2**20
    assert "3 MiB" in problem(post(client, bytes(3 * 2**20 + 1)), 413, "too_large")
    assert "3 MiB" in problem(post(client, bytes(4 * 2**20)), 413, "too_large")
    chunks = (form(('name="image"', bytes(2**20)), end=b"")[:-2], *[bytes(2**20)] * 3)
    problem(send(client, iter(chunks)), 413, "too_large")  # without a Content-Length
    for lie in ("-1", "x", "99999999999999999999999"):
        problem(send(client, form(('name="image"', b"1")), **{"Content-Length": lie}), 413, "too_large")
    assert len(stand.asked) == 1


class Asked:
    """One request driven by hand: `chunks` arrive one by one, and how many were taken is counted."""

    def __init__(self, *chunks: bytes, length: int | None = None) -> None:
        self.left, self.taken = list(chunks), 0
        self.sent: list[dict[str, Any]] = []
        self.headers = [(b"authorization", ALLOWED["Authorization"].encode())]
        self.headers += [(b"content-type", b"multipart/form-data; boundary=b")]
        self.headers += [] if length is None else [(b"content-length", str(length).encode())]

    async def receive(self) -> dict[str, Any]:
        if not self.left:
            return {"type": "http.disconnect"}
        self.taken += 1
        return {"type": "http.request", "body": self.left.pop(0), "more_body": True}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    def run(self, api: Api) -> tuple[int, dict[str, Any]]:
        scope = {"type": "http", "method": "POST", "path": "/readings", "root_path": "", "query_string": b"",
                 "headers": self.headers, "client": ("127.0.0.1", 1)}  # fmt: skip
        with ThreadPoolExecutor(1) as pool:  # another test's browser may have left an event loop in this thread
            pool.submit(asyncio.run, api(scope, self.receive, self.send)).result()
        return self.sent[0]["status"], json.loads(self.sent[1]["body"])


def test_a_flood_is_cut_off_while_it_arrives(stand: Stand, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(body, "MAX_IMAGE_BYTES", 2**20)
    monkeypatch.setattr("core.api.server.MAX_IMAGE_BYTES", 2**20)
    api = Api(stand, Settings(TOKEN.encode()))
    flood = Asked(form(('name="image"', b""), end=b"")[:-2], *[bytes(2**18)] * 1000, length=1000)
    status, said = flood.run(api)
    assert (status, said["error"]["code"]) == (413, "too_large")
    assert flood.taken < 20
    assert api._taken == 0


def test_a_client_that_leaves_gives_its_place_back(stand: Stand):
    api = Api(stand, Settings(TOKEN.encode(), places=1))
    for _ in range(3):
        status, said = Asked(form(('name="image"', b"1"), end=b"")).run(api)
        assert (status, said["error"]["code"]) == (400, "gone")
    assert stand.asked == []
    assert api._taken == 0


def test_a_body_that_does_not_come_is_not_waited_for(stand: Stand, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(body, "BODY_SECONDS", 0.01)
    monkeypatch.setattr("core.api.server._DRAIN_SECONDS", 0.01)
    api = Api(stand, Settings(TOKEN.encode(), places=1))
    asked = Asked()

    async def nothing() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    asked.receive = nothing  # type: ignore[method-assign]
    status, said = asked.run(api)
    assert (status, said["error"]["code"]) == (408, "too_slow")
    assert api._taken == 0


def test_more_than_there_are_places_for_are_sent_away(stand: Stand, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("core.api.server.THREADS", 2)  # whatever cores the machine has
    started, free = threading.Semaphore(0), threading.Event()

    def slow() -> dict[str, Any]:
        started.release()
        assert free.wait(60)
        return READING

    stand.act = slow
    api = Api(stand, Settings(TOKEN.encode(), per_minute=1e6, places=3))
    with opened(api) as client, ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(post, client) for _ in range(3)]
        for _ in range(2):  # two are read at once, the third waits
            assert started.acquire(timeout=60)
        while api._taken < 3:
            time.sleep(0.01)
        answer = post(client)
        problem(answer, 503, "busy")
        assert int(answer.headers["retry-after"]) >= 1
        assert len(stand.asked) == 2
        free.set()
        assert [one.result().status_code for one in waiting] == [200] * 3
        assert post(client).status_code == 200


def test_each_client_and_all_together_may_ask_only_so_often(stand: Stand):
    now = [0.0]
    limit = RateLimit(60, lambda: now[0])
    assert [limit.client("a") for _ in range(15)] == [0.0] * 15
    assert limit.client("a") == pytest.approx(1.0)
    assert limit.client("b") == 0.0
    now[0] += 1.0
    assert limit.client("a") == 0.0
    assert limit.client("a") > 0
    assert [limit.everyone() for _ in range(60)] == [0.0] * 60
    assert limit.everyone() == pytest.approx(0.25)
    settings = Settings(TOKEN.encode())
    with opened(Api(stand, settings, RateLimit(4, lambda: now[0]))) as client:
        assert client.get("/api/models").status_code == 200
        answer = client.get("/api/models")
        problem(answer, 429, "too_many_requests")
        assert answer.headers["retry-after"] == "15"
        now[0] += 15
        assert client.get("/api/models").status_code == 200


def test_tokens_cannot_be_tried_in_a_row(stand: Stand):
    with opened(Api(stand, Settings(TOKEN.encode()), RateLimit(8, lambda: 0.0))) as client:
        client.headers["Authorization"] = "Bearer wrong"
        assert [client.get("/api/models").status_code for _ in range(4)] == [401, 401, 429, 429]


def test_tokens_cannot_be_tried_under_many_names(stand: Stand):
    now = [0.0]
    api = Api(stand, Settings(TOKEN.encode()), RateLimit(8, lambda: now[0]))
    names = (f"10.0.0.{number}" for number in range(100))

    def asked(client: TestClient, token: str) -> int:
        client.headers["Authorization"] = f"Bearer {token}"
        client._transport.client = (next(names), 1)  # type: ignore[attr-defined]  # as a header of a proxy names it
        return client.get("/api/models").status_code

    with opened(api) as client:
        assert [asked(client, TOKEN) for _ in range(5)] == [200] * 5  # right ones use nothing up
        assert [asked(client, "wrong") for _ in range(4)] == [401, 401, 429, 429]
        assert asked(client, TOKEN) == 429  # else the next guess would be answered too
        now[0] += 7.5
        assert asked(client, TOKEN) == 200
        assert [asked(client, "wrong") for _ in range(2)] == [401, 429]


def test_clients_that_are_remembered_are_bounded():
    limit = RateLimit(60, lambda: 0.0)
    for number in range(5000):
        limit.client(str(number))
    assert len(limit._clients) <= 1024


def test_a_failure_says_nothing_of_the_inside(client: TestClient, stand: Stand, caplog: pytest.LogCaptureFixture):
    def fail() -> None:
        raise RuntimeError("secret in /home/someone/var/file.py")

    stand.act = fail
    answer = post(client)
    problem(answer, 500, "internal")
    assert not any(word in answer.text for word in ("secret", "/home", "Error", "Traceback", ".py"))
    assert "secret" in caplog.text
    stand.act = lambda: {"not json": object()}
    problem(post(client), 500, "internal")

    def refuse() -> None:
        raise ApiError(422, "bad_image", "The image is empty (0 bytes); copy or export it again.")

    stand.act = refuse
    problem(post(client), 422, "bad_image")
    stand.act = lambda: READING
    assert post(client).json() == READING


def test_any_body_gets_an_answer_in_json(client: TestClient, stand: Stand):
    rng = random.Random(6)
    whole = form(('name="image"; filename="a.png"', IMAGE), ('name="model"', b"s-1"))
    codes = set()
    for _ in range(400):
        changed = bytearray(whole)
        for _ in range(rng.randint(1, 3)):
            at = rng.choice((rng.randrange(120), rng.randrange(len(changed))))
            match rng.randrange(3):
                case 0:
                    changed[at : at + 1] = rng.randbytes(1)
                case 1:
                    del changed[at : at + rng.randint(1, 400)]
                case _:
                    changed[at:at] = rng.choice((b"--b", b"\r\n", rng.randbytes(9), b"\x00", whole[:60]))
        answer = send(client, bytes(changed))
        codes.add(answer.status_code)
        if answer.status_code != 200:
            error = answer.json()["error"]
            assert error.keys() == {"code", "message"}
    assert codes == {200, 400, 422}
