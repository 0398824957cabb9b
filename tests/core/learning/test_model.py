"""Initial weights are settled plainly and checked; trained weights come back as they were saved."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import timm
import torch
from huggingface_hub import constants
from safetensors.torch import save_file

from core.learning import model
from core.learning.settings import ModelError

BACKBONE = "resnet10t"


def backbone_state(name: str = BACKBONE) -> dict[str, torch.Tensor]:
    torch.manual_seed(5)
    state: dict[str, torch.Tensor] = timm.create_model(name, pretrained=False, num_classes=0).state_dict()
    return state


def test_none_is_random_and_says_so(tmp_path: Path) -> None:
    weights = model.prepare_weights("none", BACKBONE, tmp_path)
    assert weights.path is None
    assert weights.origin == "none: the network starts from random weights"


def test_auto_without_a_hub_says_why_it_starts_from_random_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = timm.create_model

    def offline(name: str, pretrained: bool = False, **options: object) -> torch.nn.Module:
        if pretrained:
            raise OSError("no route to host")
        network: torch.nn.Module = create(name, pretrained=False, **options)
        return network

    monkeypatch.setattr(timm, "create_model", offline)
    monkeypatch.setattr(model, "hub_answers", lambda url: True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    weights = model.prepare_weights("auto", BACKBONE, tmp_path)
    assert weights.path is None
    assert "no model hub could be reached (OSError: no route to host)" in weights.origin


def test_a_hub_that_does_not_answer_is_found_out_in_seconds_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    started = time.monotonic()
    weights = model.prepare_weights("auto", "inception_v3", tmp_path)
    assert weights.path is None
    assert "no model hub could be reached (127.0.0.1 does not answer)" in weights.origin
    assert time.monotonic() - started < 60  # with retries it would be minutes


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_local_file_is_kept_by_its_hash_and_starts_the_backbone(tmp_path: Path, suffix: str) -> None:
    file, state = tmp_path / f"backbone{suffix}", backbone_state()
    save_file(state, file) if suffix == ".safetensors" else torch.save(state, file)
    weights = model.prepare_weights(str(file), BACKBONE, tmp_path / "kept")
    assert weights.path is not None
    assert weights.sha256 is not None
    assert weights.sha256[:16] in weights.path
    network = model.build(BACKBONE, 4, weights.path, seed=0)
    own = network.state_dict()
    assert all(torch.equal(own[name], value) for name, value in state.items())
    assert own["fc.weight"].shape == (4, 512)


def test_the_head_depends_on_the_seed_alone(tmp_path: Path) -> None:
    file = tmp_path / "backbone.safetensors"
    save_file(backbone_state(), file)
    from_file, from_random = model.build(BACKBONE, 4, str(file), 3), model.build(BACKBONE, 4, None, 3)
    assert torch.equal(from_file.state_dict()["fc.weight"], from_random.state_dict()["fc.weight"])
    other = model.build(BACKBONE, 4, None, 4)
    assert not torch.equal(other.state_dict()["fc.weight"], from_random.state_dict()["fc.weight"])


def test_a_weights_file_that_cannot_be_used_is_refused_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        model.prepare_weights(str(tmp_path / "nowhere.pth"), BACKBONE, tmp_path)
    for name in ("text.safetensors", "text.pth"):
        (tmp_path / name).write_text("these are no weights")
        with pytest.raises(ModelError, match=name):
            model.prepare_weights(str(tmp_path / name), BACKBONE, tmp_path)
    whole = tmp_path / "whole.safetensors"
    save_file(backbone_state(), whole)
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(whole.read_bytes()[:-1000])
    with pytest.raises(ModelError, match="is it complete"):
        model.prepare_weights(str(cut), BACKBONE, tmp_path)
    with pytest.raises(ModelError, match="does not fit resnet18"):
        model.prepare_weights(str(whole), "resnet18", tmp_path)
    broken = backbone_state()
    broken["conv1.0.weight"][0, 0, 0, 0] = float("nan")
    save_file(broken, whole)
    with pytest.raises(ModelError, match=r"not finite in conv1\.0\.weight"):
        model.prepare_weights(str(whole), BACKBONE, tmp_path)
    with pytest.raises(ModelError, match="knows no model 'inceptoin'"):
        model.prepare_weights("none", "inceptoin", tmp_path)


def test_of_several_files_each_backbone_takes_the_one_that_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "hub_answers", lambda url: False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    whole = tmp_path / "whole.safetensors"
    save_file(backbone_state(), whole)
    listed = f"{whole},none"
    assert model.prepare_weights(listed, BACKBONE, tmp_path / "kept").origin == f"the file {whole}"
    assert model.prepare_weights(listed, "test_resnet", tmp_path / "kept").path is None
    assert model.prepare_weights(str(whole), "test_resnet", tmp_path / "kept", alone=False).path is None
    with pytest.raises(ModelError, match="does not fit test_resnet"):
        model.prepare_weights(str(whole), "test_resnet", tmp_path / "kept")
    with pytest.raises(ModelError, match="does not exist"):
        model.prepare_weights(f"{whole},{tmp_path / 'gone.pth'}", "test_resnet", tmp_path)


def test_trained_weights_come_back_and_damage_is_noticed(tmp_path: Path) -> None:
    network = model.build(BACKBONE, 3, None, 0).eval()
    facts = model.ModelFacts(
        backbone=BACKBONE, classes=["a", "b", "c"], image_size=32, mean=[0.5] * 3, std=[0.5] * 3, settings={},
        training_version="1", trial_id="s.00-initial", dataset_id="d-1", synthetic=True, initial_weights="none",
    )  # fmt: skip
    model.save_weights(network, facts, tmp_path)
    loaded, loaded_facts = model.load_trained(tmp_path)
    assert loaded_facts == facts
    images = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        assert torch.equal(loaded(images), network(images))
    file = tmp_path / "weights.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(ModelError, match="does not match"):
        model.load_trained(tmp_path)
    with pytest.raises(ModelError, match="no usable weights"):
        model.load_trained(tmp_path / "elsewhere")
