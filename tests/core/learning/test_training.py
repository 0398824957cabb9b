"""Training is exact: stopped, resumed or continued, it gives the bits of an uninterrupted run."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.learning import checkpoint, model, reuse, training
from core.learning.learner import Learner
from core.learning.settings import NO_AUGMENTATION, AugmentSettings, TrialSettings, run_key
from core.learning.training import Data, TrainingError, batches, evaluate, train

SMALL = TrialSettings(backbone="resnet10t", image_size=32, learning_rate=1e-3, batch_size=8, epochs=3, threads=1)
Trained = tuple[Learner, list[dict[str, Any]]]


def quiet(_stage: str, _done: int, _total: int) -> None:
    pass


def make_data(n: int = 33, size: int = 32) -> Data:
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 3
    images = rng.integers(0, 256, (n, size, size, 3), dtype=np.uint8)
    images[labels == 1, : size // 2] //= 4  # something to learn
    images[labels == 2, :, : size // 2] //= 4
    rows = np.arange(n)
    splits = {"train": rows[: n - 12], "calibration": rows[:0], "val": rows[n - 12 : n - 6], "test": rows[n - 6 :]}
    return Data(images, labels, splits, ("a", "b", "c"), [0.5] * 3, [0.5] * 3)


def fit(settings: TrialSettings, data: Data, folder: Path | None = None, resume: Path | None = None) -> Trained:
    torch.set_num_threads(settings.threads)
    network = model.build(settings.backbone, 3, None, settings.seed)
    learner = Learner(network, settings)
    history = checkpoint.load(resume, learner) if resume else []
    for result in train(learner, data, settings, len(history), quiet):
        metrics = {name: split.metrics() for name, split in result.splits.items()}
        history.append({"epoch": result.epoch, "splits": metrics, "val": result.splits["val"].predictions()})
        if folder:
            checkpoint.save(folder, learner, history, {"key": 1})
    return learner, history


def assert_same_bits(one: Trained, other: Trained) -> None:
    ours, theirs = flat(one[0].state_dict()), flat(other[0].state_dict())
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        assert torch.equal(value, theirs[name]), name
    assert one[1] == other[1]


def flat(state: Any, path: str = "") -> dict[str, Tensor]:
    """Every tensor of a nested state by its path."""
    if isinstance(state, Tensor):
        return {path: state}
    inner = state.items() if isinstance(state, dict) else enumerate(state) if isinstance(state, list) else ()
    return {name: tensor for key, value in inner for name, tensor in flat(value, f"{path}/{key}").items()}


@pytest.mark.parametrize(
    "change",
    [
        {"optimiser": "adamw"}, {"optimiser": "adam"}, {"optimiser": "sgd"}, {"average": 0.98}, {"norm_images": 10},
        {"average": 0.98, "norm_images": 10},
        {"frozen": 0.5, "smoothing": 0.1, "average": 0.98, "norm_images": 10,
         "augment": AugmentSettings(transfer=0.5, jpeg=0.5, detail=0.5)},
    ],
)  # fmt: skip
def test_two_epochs_continued_by_one_equal_three(tmp_path: Path, change: dict[str, Any]) -> None:
    data, settings = make_data(), dataclasses.replace(SMALL, **change)
    whole = fit(settings, data)
    fit(dataclasses.replace(settings, epochs=2), data, folder=tmp_path)
    assert_same_bits(whole, fit(settings, data, resume=tmp_path))


def test_inception_v3_continues_exactly_too(tmp_path: Path) -> None:
    data = make_data(n=21, size=75)
    settings = dataclasses.replace(SMALL, backbone="inception_v3", image_size=75, batch_size=5, epochs=3)
    whole = fit(settings, data)
    fit(dataclasses.replace(settings, epochs=2), data, folder=tmp_path)
    assert_same_bits(whole, fit(settings, data, resume=tmp_path))


def test_statistics_of_batch_norm_are_those_of_training_images_and_change_nothing_that_is_trained() -> None:
    data = make_data()
    settings = dataclasses.replace(SMALL, norm_images=1000, augment=NO_AUGMENTATION)  # more than there are: all
    running, estimated = fit(dataclasses.replace(settings, norm_images=0), data)[0], fit(settings, data)[0]
    for one, other in zip(running.model.parameters(), estimated.model.parameters(), strict=True):
        assert torch.equal(one, other)
    norms = [module for module in estimated.model.modules() if isinstance(module, nn.BatchNorm2d)]
    seen: list[Tensor] = []
    hook = norms[0].register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    evaluate(estimated.model, data, "train", settings, quiet)
    hook.remove()
    features = torch.cat(seen).transpose(0, 1).flatten(1)  # (channels, images and places)
    assert norms[0].running_mean is not None
    assert norms[0].running_var is not None
    assert torch.allclose(norms[0].running_mean, features.mean(dim=1), atol=1e-5)
    assert torch.allclose(norms[0].running_var, features.var(dim=1), rtol=1e-4)
    assert all(module.momentum is not None for module in norms)  # set back for the next epoch


def test_an_average_is_judged_and_does_not_change_what_is_trained() -> None:
    data = make_data()
    plain, averaged = fit(SMALL, data), fit(dataclasses.replace(SMALL, average=0.98), data)
    assert plain[0].judged is plain[0].model
    for one, other in zip(plain[0].model.parameters(), averaged[0].model.parameters(), strict=True):
        assert torch.equal(one, other)
    assert any(
        not torch.equal(one, other)
        for one, other in zip(averaged[0].model.parameters(), averaged[0].judged.parameters(), strict=True)
    )
    assert plain[1][-1]["splits"]["val"] != averaged[1][-1]["splits"]["val"]
    judged = evaluate(averaged[0].judged, data, "val", SMALL, quiet)
    assert judged.predictions() == averaged[1][-1]["val"]


def test_the_average_follows_its_decay_after_a_short_warm_up() -> None:
    layer = nn.Linear(1, 1, bias=False)
    learner = Learner(layer, dataclasses.replace(SMALL, average=0.5))
    expected = None
    for step in range(12):
        with torch.no_grad():
            layer.weight.fill_(step)
        learner.stepped()
        decay = min(0.5, (1 + step) / (10 + step))
        expected = float(step) if expected is None else decay * expected + (1 - decay) * step
        assert learner.judged.weight.item() == pytest.approx(expected, rel=1e-6)


def test_another_seed_gives_another_model() -> None:
    data = make_data()
    one, other = fit(SMALL, data), fit(dataclasses.replace(SMALL, seed=1), data)
    assert one[1] != other[1]


def test_it_learns_what_is_there_to_learn() -> None:
    data = make_data(n=60)
    _, history = fit(dataclasses.replace(SMALL, epochs=12, augment=NO_AUGMENTATION), data)
    losses = [entry["splits"]["train"]["loss"] for entry in history]  # type: ignore[index]
    assert losses[-1] < 0.5 * losses[0]


def test_a_last_batch_of_one_joins_the_batch_before() -> None:
    assert [len(part) for part in batches(np.arange(21), 10)] == [10, 11]
    assert [len(part) for part in batches(np.arange(22), 10)] == [10, 10, 2]
    assert [len(part) for part in batches(np.arange(1), 10)] == [1]
    assert np.array_equal(np.concatenate(batches(np.arange(41), 10)), np.arange(41))


def test_a_loss_that_is_not_finite_ends_the_trial_with_its_settings() -> None:
    with pytest.raises(TrainingError, match=r"learning rate 1e\+20 and batch size 8"):
        fit(dataclasses.replace(SMALL, learning_rate=1e20), make_data())


def test_lack_of_memory_names_the_batch_size(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(training, "standardised", full)
    named = pytest.raises(TrainingError, match="Memory ran out at batch size 8 and 32 px")
    with named, training.memory_named(SMALL):
        fit(SMALL, make_data())


def test_evaluation_does_not_change_the_model_and_counts_every_image() -> None:
    data = make_data()
    network = model.build("resnet10t", 3, None, 0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    result = evaluate(network, data, "test", SMALL, quiet)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert sum(result.counts["support"]) == 6
    assert result.rows.tolist() == data.splits["test"].tolist()
    assert result.probabilities.sum(axis=1) == pytest.approx(np.ones(6), abs=1e-5)
    per_image = -np.log(result.probabilities[np.arange(6), result.true])
    assert result.loss == pytest.approx(per_image.mean(), rel=1e-4)


@pytest.mark.parametrize("change", [{}, {"average": 0.98, "norm_images": 10}, {"norm_images": 10}])
def test_frozen_layers_keep_weights_and_statistics_and_the_others_learn(change: dict[str, Any]) -> None:
    before = model.build("resnet10t", 3, None, 0)
    learner, _ = fit(dataclasses.replace(SMALL, epochs=1, frozen=0.5, **change), make_data())
    own, old = learner.judged.state_dict(), before.state_dict()
    first = [name for name in old if name.startswith(("conv1", "bn1", "layer1"))]
    assert first
    assert all(torch.equal(own[name], old[name]) for name in first if "num_batches" not in name)
    assert not torch.equal(own["layer4.0.conv1.weight"], old["layer4.0.conv1.weight"])
    assert not torch.equal(own["fc.weight"], old["fc.weight"])


def test_smoothed_labels_change_what_is_minimised_and_the_report_stays_the_plain_loss() -> None:
    data = make_data()
    learner, history = fit(dataclasses.replace(SMALL, epochs=1, smoothing=0.3), data)
    plain, _ = fit(dataclasses.replace(SMALL, epochs=1), data)
    assert not torch.equal(learner.model.state_dict()["fc.weight"], plain.model.state_dict()["fc.weight"])
    found = evaluate(learner.judged, data, "val", SMALL, quiet)
    expected = -np.log(found.probabilities[np.arange(6), found.true]).mean()
    assert history[-1]["splits"]["val"]["loss"] == pytest.approx(expected, rel=1e-4)


def test_settings_of_later_versions_are_no_part_of_the_key_until_they_are_used() -> None:
    key = run_key(SMALL, "d-1", None)
    assert set(key["augment"]) == {
        "flip", "rotation", "scale", "brightness", "contrast", "saturation", "stain", "blur", "noise",
    }  # fmt: skip
    assert not {"smoothing", "frozen", "input", "recipe"} & set(key)
    used = run_key(dataclasses.replace(SMALL, frozen=0.5, augment=AugmentSettings(jpeg=0.5)), "d-1", None)
    assert used["frozen"] == used["augment"]["jpeg"] == 0.5


def test_a_checkpoint_is_continued_only_for_an_equal_key(tmp_path: Path) -> None:
    key = run_key(SMALL, "d-1", "abc")
    network = model.build("resnet10t", 3, None, 0)
    checkpoint.save(tmp_path, Learner(network, SMALL), [{"epoch": 1}, {"epoch": 2}], key)
    assert reuse.continuable(tmp_path, run_key(dataclasses.replace(SMALL, epochs=99), "d-1", "abc")) == 2
    for change in (
        {"learning_rate": 1e-4}, {"batch_size": 9}, {"seed": 1}, {"threads": 2}, {"image_size": 64},
        {"optimiser": "sgd"}, {"average": 0.9}, {"norm_images": 9}, {"device": "cuda"},
        {"augment": AugmentSettings(noise=0.1)},
    ):  # fmt: skip
        assert reuse.continuable(tmp_path, run_key(dataclasses.replace(SMALL, **change), "d-1", "abc")) == 0  # type: ignore[arg-type]
    assert reuse.continuable(tmp_path, run_key(SMALL, "d-2", "abc")) == 0
    assert reuse.continuable(tmp_path, run_key(SMALL, "d-1", "abd")) == 0
    reuse.drop(tmp_path)
    assert reuse.continuable(tmp_path, key) == 0
    assert not list(tmp_path.iterdir())
