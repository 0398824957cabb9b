"""What a search ran on, for its record, and what of it is another now: code, packages, machine."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from core.learning.settings import TRAINING_VERSION

# Those of requirements.txt. The first decide the numbers of a training, the others carry, keep and show them.
DECIDING = ("torch", "torchvision", "timm", "numpy", "pillow", "scikit-learn", "scipy", "safetensors")
PACKAGES = (
    *DECIDING,
    "huggingface_hub", "duckdb", "pyarrow", "pandas", "streamlit", "starlette", "uvicorn", "plotly", "psutil",
    "cleanlab", "scikit-image", "fpdf2", "python-multipart",
)  # fmt: skip
HASH = "core_sha256"
_DECIDE = ("training", "python", "processor", *DECIDING)
_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Difference:
    """One fact that is another now. `decides`: it may give a training other numbers."""

    fact: str
    then: str
    now: str
    decides: bool


def environment() -> dict[str, Any]:
    """Code version, hash of core/, training version, Python, packages, host, system, processor and cores."""
    return {
        "code": code_version(),
        HASH: core_sha256(),
        "training": TRAINING_VERSION,
        "python": platform.python_version(),
        "packages": {name: _installed(name) for name in PACKAGES},
        "host": platform.node(),
        "system": platform.platform(),
        "processor": processor(),
        "cores": os.cpu_count(),
    }


def code_version() -> str:
    """The commit of the code, ' (modified)' behind it where files differ from it; without git 'version 0.1.0'."""
    # A checkout of something else around the code does not count: only one that holds this file.
    commit = _git("rev-parse", "--short=12", "HEAD")
    if not commit or _git("ls-files", "--error-unmatch", str(Path(__file__))) is None:
        return f"version {_package_version()}"
    return f"{commit} (modified)" if _git("status", "--porcelain", "--untracked-files=no", "--", ".") else commit


def core_sha256() -> str:
    """Hash of all that `core` is made of: equal for equal code, whatever its commit says, hex, 16 digits."""
    digest = hashlib.sha256()
    for path in sorted((_ROOT / "core").rglob("*.py")):
        digest.update(f"{path.relative_to(_ROOT).as_posix()}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def processor() -> str:
    """The processor's name as the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def flat(environment: Mapping[str, Any]) -> dict[str, str]:
    """An environment as texts by name, the packages among the rest; what is not recorded is left out."""
    packages = environment.get("packages")
    facts = {name: value for name, value in environment.items() if name != "packages"}
    facts |= packages if isinstance(packages, Mapping) else {}
    return {str(name): str(value) for name, value in facts.items() if value not in (None, "unknown")}


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """What two environments both tell and tell differently, what may change the numbers first."""
    before, after = flat(then), flat(now)
    found = _other_code(before, after) + [
        Difference(name, before[name], after[name], name in _DECIDE)
        for name in before
        if name in after and name not in ("code", HASH) and before[name] != after[name]
    ]
    return sorted(found, key=lambda difference: not difference.decides)


def in_words(found: Iterable[Difference]) -> str:
    """'torch 2.14.0 then, 2.14.1 now; processor A then, B now'."""
    return "; ".join(f"{one.fact} {one.then} then, {one.now} now" for one in found)


def changed(then: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """What may give a training other numbers and is another now, in words; None where nothing is."""
    found = [one for one in differences(then, now) if one.decides]
    return in_words(found) if found else None


def unrecorded(then: Mapping[str, Any]) -> list[str]:
    """The facts that may change the numbers and that an environment does not tell (an older version kept fewer)."""
    known = flat(then)
    return [name for name in ("code", *_DECIDE) if name not in known]


def _other_code(before: Mapping[str, str], after: Mapping[str, str]) -> list[Difference]:
    """By the files of core/ where both tell their hash: two commits may hold the same, one that is modified others."""
    if "code" not in before or "code" not in after:
        return []
    then, now = before["code"], after["code"]
    hashed = HASH in before and HASH in after
    if hashed and before[HASH] != after[HASH]:
        return [Difference("code", f"{then}, core/ {before[HASH][:8]}", f"{now}, core/ {after[HASH][:8]}", True)]
    return [Difference("code", then, now, not hashed)] if then != now else []


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _git(*arguments: str) -> str | None:
    """What git answers about the code's folder; None where it fails."""
    command = ["git", "--no-optional-locks", *arguments]
    try:
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _package_version() -> str:
    try:
        return str(tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]["version"])
    except (OSError, ValueError, KeyError):
        return _installed("cellascent")
