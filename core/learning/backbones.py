"""Every backbone comes from here: timm's models by their names, and two older ones of torchvision that timm lacks.

GoogLeNet and AlexNet are given what this project uses of timm's models and are registered there, so that one call makes
any of them, with random weights, with those of a file, or with those that their makers trained on ImageNet.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import timm
import torch
from huggingface_hub import constants
from timm.models import build_model_with_cfg, register_model
from torch import Tensor, nn
from torchvision import models

from core.learning.settings import ModelError

HEAD_STD = 0.01  # of a new classifier's weights: a calm start, as timm's reset_classifier gives
_COMMON = {"num_classes": 1000, "input_size": (3, 224, 224)}
default_cfgs: dict[str, dict[str, Any]] = {  # the name under which timm looks for them
    "googlenet": {
        "url": "https://download.pytorch.org/models/googlenet-1378be20.pth", "classifier": "fc",
        # As its weights were trained; torchvision's `transform_input` gets there from ImageNet's values.
        "first_conv": "conv1.conv", "mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5), **_COMMON,
    },
    "alexnet": {
        "url": "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth", "classifier": "classifier.6",
        "first_conv": "features.0", "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225), **_COMMON,
    },
}  # fmt: skip
TORCHVISION = tuple(default_cfgs)


def create(backbone: str, weights: str | None = None) -> nn.Module:
    """A backbone without a head, from the weights file or random. Raises ModelError when there is none of this name."""
    overlay = {"file": weights} if weights else None
    try:
        model: nn.Module = timm.create_model(
            backbone, pretrained=bool(weights), num_classes=0, pretrained_cfg_overlay=overlay
        )
    except RuntimeError as error:
        if weights and timm.is_model(backbone):
            raise
        raise ModelError(
            f"timm knows no model {backbone!r}; `timm.list_models()` lists the names, to which "
            f"{' and '.join(TORCHVISION)} of torchvision come."
        ) from error
    return model


def pretrained_state(backbone: str, *, offline: bool) -> dict[str, Tensor]:
    """The weights that the backbone's makers trained on ImageNet, downloaded or from an earlier download.

    `offline`: only from an earlier download; else retries would take minutes. Fails with many kinds of error.
    """
    if offline:
        constants.HF_HUB_OFFLINE = True
        if backbone in TORCHVISION and not _download(backbone).exists():
            raise FileNotFoundError(_download(backbone))
    state: dict[str, Tensor] = timm.create_model(backbone, pretrained=True, num_classes=0).state_dict()
    return state


def maker(backbone: str) -> str:
    """Whose weights `pretrained_state` gives."""
    return "torchvision" if backbone in TORCHVISION else "timm"


def hub_address(backbone: str) -> str:
    """Where the pretrained weights are downloaded from."""
    return str(default_cfgs[backbone]["url"]) if backbone in TORCHVISION else constants.ENDPOINT


def hub_host(backbone: str) -> str:
    """The host of `hub_address`, for sentences."""
    return urlsplit(hub_address(backbone)).hostname or ""


def _download(backbone: str) -> Path:
    """Where torch keeps a download of torchvision's weights."""
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(hub_address(backbone)).name


class GoogLeNet(models.GoogLeNet):  # type: ignore[misc]  # torchvision has no types
    """Szegedy et al., CVPR 2015, in torchvision's form with batch norm; without its auxiliary heads."""

    num_features = 1024

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__(aux_logits=False, transform_input=False, init_weights=True)
        self.reset_classifier(num_classes)

    def reset_classifier(self, num_classes: int) -> None:
        """A new head of so many outputs; 0: none."""
        self.num_classes = num_classes
        self.fc: nn.Module = _head(self.num_features, num_classes, next(self.parameters()).device)

    def get_classifier(self) -> nn.Module:
        return self.fc

    def forward_features(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> the last feature map (B, 1024, h, w)."""
        map_ = images
        for name, part in self.named_children():
            if name == "avgpool":
                break
            map_ = part(map_)
        return map_

    def forward_head(self, map_: Tensor, pre_logits: bool = False) -> Tensor:
        """The feature map -> logits (B, C), or the pooled features (B, 1024) that they rest on."""
        pooled: Tensor = self.dropout(self.avgpool(map_).flatten(1))
        return pooled if pre_logits else self.fc(pooled)

    def forward(self, images: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(images))

    def group_matcher(self, coarse: bool = False) -> Callable[[str], tuple[int, ...]]:
        """The place of each parameter from the image on; the head last."""
        order = [name for name, part in self.named_children() if any(True for _ in part.parameters()) or name == "fc"]
        return lambda name: (order.index(name.split(".")[0]),)


class AlexNet(models.AlexNet):  # type: ignore[misc]
    """Krizhevsky, 2014 (one weird trick), in torchvision's form."""

    num_features = 256
    head_hidden_size = 4096

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.reset_classifier(num_classes)

    def reset_classifier(self, num_classes: int) -> None:
        """A new last layer of so many outputs; 0: none."""
        self.num_classes = num_classes
        self.classifier[-1] = _head(self.head_hidden_size, num_classes, next(self.parameters()).device)

    def get_classifier(self) -> nn.Module:
        head: nn.Module = self.classifier[-1]
        return head

    def forward_features(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> the last feature map (B, 256, h, w)."""
        map_: Tensor = self.features(images)
        return map_

    def forward_head(self, map_: Tensor, pre_logits: bool = False) -> Tensor:
        """The feature map -> logits (B, C), or the features (B, 4096) that they rest on."""
        features: Tensor = self.classifier[:-1](self.avgpool(map_).flatten(1))
        return features if pre_logits else self.classifier[-1](features)

    def forward(self, x: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(x))

    def group_matcher(self, coarse: bool = False) -> Callable[[str], tuple[int, ...]]:
        """The place of each parameter from the image on; the head last."""

        def place(name: str) -> tuple[int, ...]:
            part, number = name.split(".")[:2]
            return int(part == "classifier"), int(number)

        return place


def _head(features: int, num_classes: int, device: torch.device) -> nn.Module:
    if not num_classes:
        return nn.Identity()
    head = nn.Linear(features, num_classes, device=device)
    nn.init.trunc_normal_(head.weight, std=HEAD_STD)
    nn.init.zeros_(head.bias)
    return head


def _without_aux(state: dict[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    return {name: value for name, value in state.items() if not name.startswith(("aux1.", "aux2."))}


def _built(kind: type[nn.Module], name: str, pretrained: bool, **options: Any) -> nn.Module:
    network: nn.Module = build_model_with_cfg(kind, name, pretrained, kwargs_filter=("in_chans",), **options)
    return network


@register_model
def googlenet(pretrained: bool = False, **options: Any) -> nn.Module:
    """GoogLeNet as `timm.create_model` wants it."""
    return _built(GoogLeNet, "googlenet", pretrained, pretrained_filter_fn=_without_aux, **options)


@register_model
def alexnet(pretrained: bool = False, **options: Any) -> nn.Module:
    """AlexNet as `timm.create_model` wants it."""
    return _built(AlexNet, "alexnet", pretrained, **options)
