"""Models, and the files that hold their weights.

Initial weights are settled once a search (`prepare_weights`) and kept as one file, so that every trial starts from
the same bytes and a resumed search needs no network.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch
from huggingface_hub import constants
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from timm.data.config import resolve_model_data_config
from torch import Tensor, nn

from core.learning import backbones
from core.learning.settings import InitialWeights, ModelError
from store.journal import write_durably


@dataclass(frozen=True)
class ModelFacts:
    """What a weights file needs beside it to be used: stands as JSON next to the .safetensors."""

    backbone: str
    classes: list[str]
    image_size: int
    mean: list[float]
    std: list[float]
    settings: dict[str, Any]
    training_version: str
    trial_id: str
    dataset_id: str
    synthetic: bool
    initial_weights: str


def prepare_weights(setting: str, backbone: str, folder: Path, *, alone: bool = True) -> InitialWeights:
    """Settle the initial weights: a hub's, a local file's, or none, said plainly in `origin`.

    Args:
        setting: "auto", "none" or a file (.safetensors, .pth) holding the backbone's state dict. Of several, separated
            by commas, the first file that fits; where none does, "none" if it is among them, else as with "auto".
        backbone: name of a model of timm, or of those in `backbones`.
        folder: where the settled state dict is kept.
        alone: whether it is the only backbone; a single file must then fit it.

    Raises ModelError for an unknown backbone and for a file that is missing, broken or does not fit.
    """
    bare = backbones.create(backbone)
    parts = [part.strip() for part in setting.split(",")]
    files = [part for part in parts if part not in ("auto", "none")]
    found = _first_fitting(files, bare, backbone, strict=alone and len(parts) == 1)
    if found is None and "none" in parts:
        return InitialWeights(None, None, "none: the network starts from random weights")
    if found is None:
        from_hub = _from_hub(backbone)
        if isinstance(from_hub, InitialWeights):
            return from_hub
        _check_fit(from_hub[0], from_hub[1], bare, backbone)
        found = from_hub
    state, origin = found
    kept = {name: state[name].contiguous() for name in bare.state_dict() if name in state}
    data = save(kept)
    digest = hashlib.sha256(data).hexdigest()
    path = folder / f"{backbone}-{digest[:16]}.safetensors"
    folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        write_durably(path, data)
    return InitialWeights(str(path), digest, origin)


def _first_fitting(
    files: Sequence[str], bare: nn.Module, backbone: str, *, strict: bool
) -> tuple[dict[str, Tensor], str] | None:
    """State and origin of the first file that fits. Raises ModelError for an unreadable one; `strict`: for a misfit."""
    for file in files:
        state, origin = _read_state(Path(file)), f"the file {file}"
        try:
            _check_fit(state, origin, bare, backbone)
        except ModelError:
            if strict:
                raise
            continue
        return state, origin
    return None


def _from_hub(backbone: str) -> tuple[dict[str, Tensor], str] | InitialWeights:
    """State and origin of the hub's weights; where there are none, the random ones with the reason."""
    offline = not hub_answers(backbones.hub_address(backbone))
    try:
        state = backbones.pretrained_state(backbone, offline=offline)
    except Exception as error:  # a hub fails in many ways; each means the same for us
        reason = f"{type(error).__name__}: {str(error).splitlines()[0][:120]}" if str(error) else "no answer"
        if offline or (constants.HF_HUB_OFFLINE and backbones.maker(backbone) == "timm"):
            reason = f"{backbones.hub_host(backbone)} does not answer"
        return InitialWeights(
            None, None, f"none: no model hub could be reached ({reason}), so the network starts from random weights"
        )
    return state, f"{backbones.maker(backbone)}'s pretrained weights of {backbone}"


def hub_answers(url: str = "") -> bool:
    """Whether the model hub (or the host of the address) can be reached, found out in seconds.

    Behind a proxy only a download can tell: True.
    """
    if {"https_proxy", "all_proxy"} & {name.lower() for name, value in os.environ.items() if value}:
        return True
    try:
        address = urlsplit(url or constants.ENDPOINT)
        with socket.create_connection((address.hostname or "", address.port or 443), timeout=5):
            return True
    except OSError:
        return False


def build(backbone: str, n_classes: int, weights: str | None, seed: int) -> nn.Module:
    """A model with `n_classes` outputs: backbone from the weights file (or random), a fresh head seeded by `seed`.

    The head comes from `reset_classifier`: it starts at a smaller scale, and so calmer, than one made at creation.
    """
    torch.manual_seed(seed)
    model: Any = backbones.create(backbone, weights)
    torch.manual_seed(seed)  # the head must not depend on how many numbers the backbone drew
    model.reset_classifier(n_classes)
    network: nn.Module = model.to(memory_format=torch.channels_last)
    return network


def input_statistics(model: nn.Module) -> tuple[list[float], list[float]]:
    """Mean and standard deviation a channel, on a 0..1 scale, that the backbone's weights expect."""
    config = resolve_model_data_config(model)
    return list(config["mean"]), list(config["std"])


def save_weights(model: nn.Module, facts: ModelFacts, folder: Path) -> None:
    """Write weights.safetensors and weights.json durably; the JSON, written last, vouches for the weights by hash."""
    folder.mkdir(parents=True, exist_ok=True)
    data = save({name: value.contiguous().cpu() for name, value in model.state_dict().items()})
    write_durably(folder / "weights.safetensors", data)
    described = asdict(facts) | {"sha256": hashlib.sha256(data).hexdigest()}
    write_durably(folder / "weights.json", json.dumps(described, indent=1).encode())


def load_trained(folder: Path) -> tuple[nn.Module, ModelFacts]:
    """A trained model in eval mode with its facts. Raises ModelError when the files are missing or do not match."""
    try:
        described = json.loads((folder / "weights.json").read_text())
        data = (folder / "weights.safetensors").read_bytes()
    except (OSError, ValueError) as error:
        raise ModelError(f"There are no usable weights in {folder}: {error}.") from error
    if hashlib.sha256(data).hexdigest() != described.pop("sha256", None):
        raise ModelError(f"{folder / 'weights.safetensors'} does not match its weights.json; train the trial again.")
    facts = ModelFacts(**described)
    model: Any = backbones.create(facts.backbone)
    model.reset_classifier(len(facts.classes))
    model.load_state_dict(load_file(folder / "weights.safetensors"))
    return model.to(memory_format=torch.channels_last).eval(), facts


def _read_state(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise ModelError(f"The weights file {path} does not exist; give another path, 'auto' or 'none'.")
    try:
        state = load_file(path) if path.suffix == ".safetensors" else torch.load(path, weights_only=True)
    except (SafetensorError, OSError, RuntimeError, ValueError, EOFError, KeyError) as error:
        raise ModelError(f"The weights file {path} cannot be read ({type(error).__name__}); is it complete?") from error
    except Exception as error:  # torch.load raises pickle errors of its own for files that are no checkpoint
        raise ModelError(f"The weights file {path} is not a plain state dict ({type(error).__name__}).") from error
    state = state.get("state_dict", state) if isinstance(state, dict) else state
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ModelError(f"The weights file {path} holds no state dict of tensors.")
    return {str(name): value for name, value in state.items()}


def _check_fit(state: dict[str, Tensor], origin: str, model: nn.Module, backbone: str) -> None:
    """timm loads a local file leniently: a file of another network would leave random weights without a word."""
    for name, expected in model.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        if name not in state:
            raise ModelError(f"{origin} does not fit {backbone}: it has no {name}.")
        if state[name].shape != expected.shape:
            raise ModelError(
                f"{origin} does not fit {backbone}: {name} is {tuple(state[name].shape)}, not {tuple(expected.shape)}."
            )
        if not bool(torch.isfinite(state[name].float()).all()):
            raise ModelError(f"{origin} holds numbers that are not finite in {name}.")
