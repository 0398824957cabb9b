"""What a trial carries from one epoch to the next: the model, its optimiser and, if asked for, averaged weights."""

from __future__ import annotations

from typing import Any

import torch
from timm.models import group_parameters
from torch import nn
from torch.optim.swa_utils import AveragedModel

from core.learning.settings import ModelError, TrialSettings


class Learner:
    """A model in training. All that decides its next epoch, besides settings and data, is in `state_dict`.

    `judged` is the model that is evaluated, saved and used: the trained one, or the running average of its weights
    when `settings.average` is above 0.
    """

    def __init__(self, model: nn.Module, settings: TrialSettings) -> None:
        self.model = model
        freeze(model, settings.frozen)
        self.optimiser = make_optimiser(model, settings)
        self._average = _averaged(model, settings.average) if settings.average else None

    @property
    def judged(self) -> nn.Module:
        return self.model if self._average is None else self._average.module

    def begin_training(self) -> None:
        """Put the model in training mode; frozen batch norms keep their statistics."""
        self.model.train()
        for module in frozen_norms(self.model):
            module.eval()

    def stepped(self) -> None:
        """Take the weights after an optimiser step into the average."""
        if self._average is not None:
            self._average.update_parameters(self.model)

    def state_dict(self) -> dict[str, Any]:
        average = None if self._average is None else self._average.state_dict()
        return {"model": self.model.state_dict(), "optimiser": self.optimiser.state_dict(), "average": average}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Raises RuntimeError, ValueError or KeyError when the state is of another model or other settings."""
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self._average is not None:
            self._average.load_state_dict(state["average"])


def make_optimiser(model: nn.Module, settings: TrialSettings) -> torch.optim.Optimizer:
    """The optimiser, in its fused form: on two cores the plain one costs a fifth of a step at batch size 10."""
    options: dict[str, Any] = {"lr": settings.learning_rate, "weight_decay": settings.weight_decay, "fused": True}
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if settings.optimiser == "sgd":
        return torch.optim.SGD(trained, momentum=0.9, **options)
    kind = torch.optim.AdamW if settings.optimiser == "adamw" else torch.optim.Adam
    return kind(trained, **options)


def freeze(model: nn.Module, share: float) -> None:
    """Let the first layers keep their weights: `share` of those that timm orders from the image on, never the head.

    Raises ModelError for a model of unknown order.
    """
    if not share:
        return
    matcher = getattr(model, "group_matcher", None)
    if matcher is None:
        raise ModelError(f"The layers of {type(model).__name__} have no known order; set frozen to 0.")
    layers = group_parameters(model, matcher(coarse=False))  # names by number, the head last
    first = sorted(layers)[: int(share * (len(layers) - 1))]
    names = {name for layer in first for name in layers[layer]}
    for name, parameter in model.named_parameters():
        if name in names:
            parameter.requires_grad_(False)


def frozen_norms(model: nn.Module) -> list[nn.Module]:
    """The batch norms whose weights are frozen: their statistics belong to what is frozen, and must stay too."""
    norms = [module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    return [norm for norm in norms if norm.affine and not norm.weight.requires_grad]


def _averaged(model: nn.Module, decay: float) -> AveragedModel:
    """Exponential moving average of weights and batch norm statistics over the steps (Polyak and Juditsky 1992).

    After n steps the decay is min(`decay`, (1 + n) / (10 + n)), as in TensorFlow's ExponentialMovingAverage: a fixed
    one would keep the initial weights in the average for the first epochs of a short trial.
    """

    @torch.no_grad()
    def update(averaged: Any, current: Any, steps: Any) -> None:
        n = int(steps)
        share = 1 - min(decay, (1 + n) / (10 + n))
        if torch.is_floating_point(averaged[0]):
            torch._foreach_lerp_(averaged, current, share)
        else:  # batch norm's count of batches
            for mean, value in zip(averaged, current, strict=True):
                mean.copy_(value)

    return AveragedModel(model, multi_avg_fn=update, use_buffers=True)
