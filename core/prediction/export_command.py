"""`python -m core export`: a model's card, or its ONNX graph with what one needs to use it elsewhere."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from core.learning.settings import ModelError
from store.journal import write_durably

if TYPE_CHECKING:
    from core.prediction.models import ModelEntry


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command, but for --home."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--onnx", metavar="MODEL", help="make and check the graph that ONNX Runtime reads with, of a trial, of a "
        "fusion's members, or of the model that a search chose",
    )  # fmt: skip
    what.add_argument("--model-card", metavar="MODEL", help="what the model is, how good it is, what it cannot do")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write it there: FILE.onnx with FILE.onnx.json; a card as .md or .json"
    )
    parser.add_argument("--licence", metavar="TEXT", help="of the data, for the card; without: not known")


def run(arguments: argparse.Namespace) -> int:
    """Make it, print or write it; the exit code. Raises ValueError, one sentence."""
    from core.prediction.models import entry

    model = entry(arguments.home, arguments.onnx or arguments.model_card)
    out: Path | None = None if arguments.out is None else arguments.out.expanduser().absolute()
    if out is not None and not out.parent.is_dir():
        raise ModelError(f"There is no folder {out.parent} to write to; make it first.")
    try:
        if arguments.onnx:
            return _graph(arguments.home, model, out)
        return _card(arguments.home, model, out, arguments.licence)
    except OSError as error:
        raise ModelError(f"{out or arguments.home} cannot be written: {error.strerror or error}.") from error


def _graph(home: Path, model: ModelEntry, out: Path | None) -> int:
    from core.learning.model import ModelFacts
    from core.paths import trial_folder
    from core.prediction.onnx_export import export_onnx, metadata
    from core.prediction.onnx_files import GRAPH, read_facts

    if model.kind == "fusion" and out is not None:
        raise ModelError(f"A fusion has a graph a member; export {' and '.join(model.trial_ids)} one by one.")
    for trial_id in model.trial_ids:
        found = export_onnx(home, trial_id)
        largest = found.differences["probabilities"]
        print(
            f"{trial_folder(home, trial_id) / GRAPH}: opset {found.opset}, checked against torch on {found.probes} "
            f"made and {found.images} training images; probabilities differ by at most {largest:.1g}."
        )
    if out is not None:
        folder = trial_folder(home, model.model_id)
        found, graph = read_facts(folder)
        weights = json.loads((folder / "weights.json").read_text())
        weights.pop("sha256")
        told = metadata(ModelFacts(**weights), found.weights_sha256) | {
            "sha256": found.sha256, "opset": found.opset, "inputs": ["images"], "outputs": found.outputs,
        }  # fmt: skip
        write_durably(out, graph)
        write_durably(out.with_name(f"{out.name}.json"), json.dumps(told, indent=1).encode())
        print(f"Written to {out}, with what one needs to use it in {out.name}.json.")
    return 0


def _card(home: Path, model: ModelEntry, out: Path | None, licence: str | None) -> int:
    from core.prediction.card import card

    found = card(home, model.model_id, licence=licence)
    as_json = out is not None and out.suffix.lower() == ".json"
    text = json.dumps(found.to_json(), indent=1, ensure_ascii=False) + "\n" if as_json else found.to_markdown()
    if out is None:
        print(text, end="")
    else:
        write_durably(out, text.encode())
        print(f"Written to {out}.")
    return 0
