"""What a search ran on: which code, which packages, and what of it is another now."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from core import environment
from core.environment import HASH, PACKAGES, differences, flat, in_words, unrecorded

THEN = {
    "code": "aaaaaaaaaaaa", HASH: "1111111122222222", "training": "2", "python": "3.11.7", "processor": "P",
    "packages": dict.fromkeys(PACKAGES, "1.0"), "host": "here",
}  # fmt: skip


def test_every_package_of_requirements_is_recorded() -> None:
    lines = (Path(environment.__file__).parents[1] / "requirements.txt").read_text().splitlines()
    required = {match[1] for line in lines if (match := re.match(r"([\w-]+)==", line))}
    assert required == set(PACKAGES)
    recorded = environment.environment()
    assert "missing" not in recorded["packages"].values()
    assert {"code", HASH, "training", "python", "processor", "cores", "host"} <= recorded.keys()
    assert unrecorded(recorded) == []
    assert differences(recorded, environment.environment()) == []


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=n", "-c", "user.email=n@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "environment.py").write_text("x = 1\n")
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "7.8.9"\n')
    monkeypatch.setattr(environment, "_ROOT", tmp_path)
    monkeypatch.setattr(environment, "__file__", str(tmp_path / "core" / "environment.py"))
    return tmp_path


def test_the_code_version_is_the_commit_and_whether_files_differ(checkout: Path) -> None:
    assert environment.code_version() == "version 7.8.9"  # no git here
    git(checkout, "init")
    git(checkout, "add", "pyproject.toml")
    git(checkout, "commit", "-m", "of something else")
    assert environment.code_version() == "version 7.8.9"  # a checkout, but not of this code
    git(checkout, "add", "core")
    git(checkout, "commit", "-m", "code")
    commit = environment.code_version()
    assert re.fullmatch(r"[0-9a-f]{12}", commit)
    before = environment.core_sha256()
    (checkout / "scratch.txt").write_text("nothing of the code")
    assert environment.code_version() == commit
    (checkout / "core" / "environment.py").write_text("x = 2\n")
    assert environment.code_version() == f"{commit} (modified)"
    assert environment.core_sha256() != before


def test_differences_name_what_may_change_the_numbers_first() -> None:
    now = {**THEN, "host": "there", "packages": {**THEN["packages"], "torch": "2.0", "plotly": "2.0"}}
    found = differences(THEN, now)
    assert [(one.fact, one.decides) for one in found] == [("torch", True), ("host", False), ("plotly", False)]
    assert in_words(found[:1]) == "torch 1.0 then, 2.0 now"


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({}, []),
        ({"code": "bbbbbbbbbbbb"}, [("aaaaaaaaaaaa", "bbbbbbbbbbbb", False)]),  # core/ is the same
        ({HASH: "3333"}, [("aaaaaaaaaaaa, core/ 11111111", "aaaaaaaaaaaa, core/ 3333", True)]),
        ({"code": "bb", HASH: None}, [("aaaaaaaaaaaa", "bb", True)]),  # one of them does not tell the hash
    ],
)
def test_code_is_compared_by_its_files(now: dict[str, str | None], said: list[tuple[str, str, bool]]) -> None:
    assert [(one.then, one.now, one.decides) for one in differences(THEN, {**THEN, **now})] == said


def test_what_an_older_search_does_not_tell() -> None:
    old = {"python": "3.11.7", "code": "unknown", "packages": {"torch": "1.0", "numpy": "1.0"}}
    assert unrecorded(old) == [
        "code", "training", "processor", "torchvision", "timm", "pillow", "scikit-learn", "scipy", "safetensors",
    ]  # fmt: skip
    assert unrecorded({})[0] == "code"
    assert flat({"packages": None, "cores": 2, "host": None}) == {"cores": "2"}
