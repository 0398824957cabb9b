"""Eight families behind one interface: features, heads, sizes, an order of layers, weights from files and hubs."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file
from torch import nn
from torchvision import models

from core.learning import backbones, model
from core.learning.learner import freeze
from core.learning.settings import ModelError, SettingsError
from core.search.settings import LEAST_SIDES, SearchSettings

LEAST = {  # px: the smallest image from which each makes anything
    "inception_v3": 75, "resnet50": 32, "densenet121": 32, "efficientnet_b0": 32, "vgg16_bn": 32, "convnext_tiny": 32,
    "googlenet": 32, "alexnet": 63,
}  # fmt: skip
FEATURES = {
    "inception_v3": 2048, "resnet50": 2048, "densenet121": 1024, "efficientnet_b0": 1280, "vgg16_bn": 4096,
    "convnext_tiny": 768, "googlenet": 1024, "alexnet": 4096,
}  # fmt: skip


@cache
def shaped(name: str) -> Any:
    """The backbone without numbers: VGG alone would need half a gigabyte of them."""
    with torch.device("meta"):
        return backbones.create(name).eval()


@pytest.mark.parametrize("name", LEAST)
def test_every_family_gives_features_and_a_head_at_its_smallest_size(name: str) -> None:
    network = shaped(name)
    network.reset_classifier(0)
    bare = set(network.state_dict())
    images = torch.zeros(2, 3, LEAST[name], LEAST[name], device="meta")
    assert network(images).shape == (2, FEATURES[name])
    network.reset_classifier(5)
    map_ = network.forward_features(images)
    assert map_.ndim == 4
    assert network.forward_head(map_, pre_logits=True).shape == (2, FEATURES[name])
    assert network.forward_head(map_).shape == network(images).shape == (2, 5)
    head = set(network.state_dict()) - bare
    assert {key.rsplit(".", 1)[1] for key in head} == {"weight", "bias"}
    assert len(head) == 2  # so what a backbone's file holds is the network without these
    network.reset_classifier(0)
    assert set(network.state_dict()) == bare
    mean, std = model.input_statistics(network)
    assert len(mean) == len(std) == 3


@pytest.mark.parametrize("name", LEAST)
def test_the_first_layers_of_every_family_can_keep_their_weights(name: str) -> None:
    network = shaped(name).requires_grad_(True)
    network.reset_classifier(5)
    freeze(network, 0.4)
    trained = [parameter.requires_grad for parameter in network.parameters()]
    assert not trained[0]
    assert trained[-1]
    assert 0.05 < sum(trained) / len(trained) < 0.95
    freeze(network, 1.0)
    assert all(parameter.requires_grad for parameter in network.get_classifier().parameters())
    assert (
        sum(parameter.requires_grad for parameter in network.parameters()) < 10
    )  # the head, and what timm counts to it


@pytest.mark.parametrize("name", [name for name in LEAST if LEAST[name] > 32])
def test_a_size_below_the_smallest_is_refused_before_anything_is_trained(name: str) -> None:
    side = LEAST[name]
    SearchSettings(backbone=name, image_size=side).check()
    with pytest.raises(SettingsError, match=f"image_size is {side - 1}; {name} needs at least {side} px"):
        SearchSettings(backbone=f"resnet50,{name}", image_size=side - 1).check()
    with pytest.raises(RuntimeError):
        shaped(name)(torch.zeros(1, 3, side - 1, side - 1, device="meta"))
    assert any(name.startswith(start) for start in LEAST_SIDES)


@pytest.mark.parametrize("name", backbones.TORCHVISION)
def test_torchvisions_networks_compute_what_torchvision_does(name: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    options: dict[str, Any] = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    theirs: nn.Module = getattr(models, name)(weights=None, **options).eval()
    file = tmp_path / "theirs.pth"
    torch.save(theirs.state_dict(), file)
    weights = model.prepare_weights(str(file), name, tmp_path / "kept")
    assert weights.path is not None
    last = backbones.default_cfgs[name]["classifier"]
    assert not any(key.startswith(last) for key in load_file(weights.path))
    ours: Any = model.build(name, 1000, weights.path, seed=0).eval()
    ours.get_classifier().load_state_dict(theirs.get_submodule(last).state_dict())
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.allclose(ours(images), theirs(images), atol=1e-5)


def test_googlenet_comes_back_as_it_was_saved_and_trains(tmp_path: Path) -> None:
    network = model.build("googlenet", 3, None, 0)
    network.train()
    images = torch.rand(2, 3, 32, 32)
    network(images).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    facts = model.ModelFacts(
        backbone="googlenet", classes=["a", "b", "c"], image_size=32, mean=[0.5] * 3, std=[0.5] * 3, settings={},
        training_version="1", trial_id="s.00-initial", dataset_id="d-1", synthetic=True, initial_weights="none",
    )  # fmt: skip
    model.save_weights(network, facts, tmp_path)
    loaded, _ = model.load_trained(tmp_path)
    with torch.inference_mode():
        assert torch.equal(loaded(images), network.eval()(images))


def test_the_head_of_torchvisions_networks_depends_on_the_seed_alone() -> None:
    one, same, other = (model.build("googlenet", 3, None, seed).state_dict()["fc.weight"] for seed in (3, 3, 4))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert one.std() < 0.02


def test_the_auxiliary_heads_of_a_downloaded_googlenet_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = models.GoogLeNet(init_weights=False).state_dict()
    checkpoints = tmp_path / "checkpoints"
    checkpoints.mkdir()
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(model, "hub_answers", lambda url: False)
    silent = model.prepare_weights("auto", "googlenet", tmp_path / "kept")
    assert silent.path is None
    assert "no model hub could be reached (download.pytorch.org does not answer)" in silent.origin
    torch.save(state, checkpoints / "googlenet-1378be20.pth")  # as an earlier download left it
    weights = model.prepare_weights("auto", "googlenet", tmp_path / "kept")
    assert weights.origin == "torchvision's pretrained weights of googlenet"
    assert weights.path is not None
    kept = load_file(weights.path)
    assert torch.equal(kept["conv1.conv.weight"], state["conv1.conv.weight"])
    assert not any(key.startswith(("aux", "fc.")) for key in kept)


def test_a_file_of_another_family_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "alexnet.safetensors"
    save_file({"features.0.weight": torch.zeros(64, 3, 11, 11)}, file)
    with pytest.raises(ModelError, match="does not fit googlenet"):
        model.prepare_weights(str(file), "googlenet", tmp_path)
    with pytest.raises(ModelError, match="to which googlenet and alexnet of torchvision come"):
        backbones.create("googlenetty")
