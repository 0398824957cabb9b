"""Where a network looked: class activation maps, occlusion where there are none, and their colours on the image.

A map says which places of the image speak for a class. It is coarse, and no proof: a network may be right for a wrong
reason that no map shows. References: Zhou et al., Learning Deep Features for Discriminative Localization, CVPR 2016
(class activation maps); Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014 (occlusion).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from core.data.intake import border_colour, to_square

if TYPE_CHECKING:
    from torch import nn

Array = NDArray[np.float32]
Head = tuple[Array, Array]  # weight (C, D), bias (C,) of a linear classifier after average pooling

LEAST_SIDE: Final = 5  # cells of a map; a coarser one places nothing
POSITIONS: Final = 8  # of the occluding patch, along each side
PATCH: Final = 0.25  # side of the patch, as a share of the image's
BATCH: Final = 16  # occluded images that the network reads at once
LEAST_DROP: Final = 0.05  # of a probability; less is not drawn in the strongest colour
PROBE_SIDE: Final = 128  # px
TOLERANCE: Final = 1e-3  # of the largest logit without its bias, between a probe's logits and those of its map
RESOLUTION: Final = 1e-6  # of float32

ACTIVATION: Final = "activation"
OCCLUSION: Final = "occlusion"
METHOD_LABELS: Final = {ACTIVATION: "Class activation map", OCCLUSION: "Occlusion"}


@dataclass(frozen=True)
class Explanation:
    """Which places of an image speak for a class.

    Attributes:
        map: (h, w) over the network's square: what each place adds to the class's logit (activation map), or how far
            the class's probability falls when it is hidden (occlusion). Below 0: it speaks against the class.
        method: "activation" or "occlusion".
        full: value in `map` that gets the strongest colour.
        words: how to read the colours, in one or two sentences.
    """

    map: Array
    method: Literal["activation", "occlusion"]
    full: float
    words: str


def class_maps(features: Array, head: Head) -> Array:
    """Class activation maps (C, h, w): map_k = sum over d of weight_kd * features_d, so mean(map_k) + bias_k = logit_k.

    Args:
        features: (D, h, w), the last feature map before average pooling.
        head: the linear classifier. Zhou et al. 2016, equation 2.
    """
    weight, _ = head
    return np.asarray(np.tensordot(weight, features, axes=1), np.float32)


def occlusion_map(predict_squares: Callable[[NDArray[np.uint8]], Any], square: NDArray[np.uint8], class_: int) -> Array:
    """How far the probability of a class falls when a place of the image is hidden, (S, S).

    A patch of a quarter of the side, in the colour of the image's border, stands at 8 x 8 overlapping positions; a
    pixel's value is the mean fall over the patches that hid it. Zeiler and Fergus 2014, section 4.2.

    Args:
        predict_squares: (n, S, S, 3) uint8 -> probabilities (n, C).
        square: (S, S, 3) uint8, as the network reads it.
        class_: its place among the C.
    """
    side = square.shape[0]
    patch = max(1, round(PATCH * side))
    starts = sorted({round(at) for at in np.linspace(0, side - patch, POSITIONS)})
    places = [(slice(top, top + patch), slice(left, left + patch)) for top in starts for left in starts]
    hidden = np.repeat(square[None], len(places), axis=0)
    for image, place in zip(hidden, places, strict=True):
        image[place] = border_colour(square)
    batches = [square[None], *(hidden[at : at + BATCH] for at in range(0, len(hidden), BATCH))]
    whole, *others = np.concatenate([np.asarray(predict_squares(batch))[:, class_] for batch in batches])
    fall, seen = np.zeros((side, side), np.float32), np.zeros((side, side), np.float32)
    for place, probability in zip(places, others, strict=True):
        fall[place] += whole - probability
        seen[place] += 1
    return np.asarray(fall / seen, np.float32)


def explain(network: Any, rgb: NDArray[np.uint8], class_: int) -> Explanation:
    """Where a network (`core.prediction.predictor`) looked for a class in an image (H, W, 3).

    A single network's activation map is used where it is exact and has 5 x 5 cells or more, else occlusion. A fusion
    averages probabilities, so no sum of its members' maps gives its answer: it is always occluded as a whole.
    """
    square = to_square(rgb, network.facts.image_size)
    if not hasattr(network, "members") and (head := network.head()) is not None:
        look = network.look(square[None])
        if look.maps is not None and min(look.maps.shape[2:]) >= LEAST_SIDE:
            return activation(look.maps[0], head, class_)
    return occlusion(occlusion_map(network.predict_squares, square, class_))


def activation(features: Array, head: Head, class_: int) -> Explanation:
    """The activation map of a class; the strongest colour is the largest support of any class at any place.

    So the maps of two classes of one image can be compared, and a class with nothing for it stays without colour.
    """
    maps = class_maps(features, head)
    full = float(np.abs(maps).max())
    sides = f"{maps.shape[1]} x {maps.shape[2]}"
    words = (
        f"Class activation map of {sides} places: colour is what a place adds to the class's score; the strongest is "
        f"the most that any place of this image adds to any class, or takes from it ({full:.2g}). What speaks against "
        "the class has no colour."
    )
    return Explanation(maps[class_], ACTIVATION, full, words)


def occlusion(falls: Array) -> Explanation:
    """Occlusion for people; a largest fall below 5 % of probability stays weak in colour."""
    full = max(float(np.abs(falls).max()), LEAST_DROP)
    words = (
        f"Occlusion: colour is how far the class's probability falls when a patch hides the place; the strongest is "
        f"{full:.0%}. Where hiding raises the probability there is no colour."
    )
    return Explanation(falls, OCCLUSION, full, words)


def linear_head(model: nn.Module) -> Head | None:
    """Weight and bias of a network that is average pooling and one linear layer after its last feature map.

    Any network with `forward_features` and `get_classifier`, as timm's; in eval mode. That nothing else stands between
    (a norm, a hidden layer, another pooling) is not read from its parts but tried on two probes.

    Returns:
        (weight (C, D), bias (C,)), or None: its activation maps would not be exact.
    """
    import torch
    from torch import nn

    network: Any = model
    if not hasattr(network, "forward_features") or not hasattr(network, "get_classifier"):
        return None
    classifier = network.get_classifier()
    if not isinstance(classifier, nn.Linear):
        return None
    weight = classifier.weight.detach()
    bias = weight.new_zeros(weight.shape[0]) if classifier.bias is None else classifier.bias.detach()
    probes = torch.rand((2, 3, PROBE_SIDE, PROBE_SIDE), generator=torch.Generator().manual_seed(0)) * 2 - 1
    probes[1] *= torch.linspace(0, 1, PROBE_SIDE)  # uneven, so that average and maximum differ
    try:
        with torch.inference_mode():
            probes = probes.to(weight)
            maps, logits = network.forward_features(probes), network(probes)
    except (RuntimeError, AssertionError, ValueError):  # of one fixed size only: vision transformers
        return None
    if maps.ndim != 4 or maps.shape[1] != weight.shape[1]:
        return None
    expected = torch.einsum("cd,ndhw->nchw", weight, maps).mean(dim=(2, 3))
    scale = (logits - bias).abs().max() + RESOLUTION / TOLERANCE * logits.abs().max()  # a large bias drowns a small map
    if not bool(torch.isfinite(logits).all()) or (expected + bias - logits).abs().max() > TOLERANCE * scale:
        return None
    return weight.float().cpu().numpy(), bias.float().cpu().numpy()
