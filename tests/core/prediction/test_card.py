"""A model's card says what the journals and files say, marks synthetic data, and names what is not known."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from core.__main__ import main
from core.data.dataset import Dataset
from core.data.external import register_external
from core.data.importing import import_data
from core.data.sample import make_sample
from core.evaluation.conformal import class_conditional
from core.evaluation.external import judge
from core.evaluation.intervals import wilson
from core.jobs import running
from core.learning.results import SplitResult
from core.learning.settings import ModelError
from core.learning.weights_hash import weights_hash
from core.paths import trial_folder
from core.prediction.calibration import Calibration, save_calibration
from core.prediction.card import SYNTHETIC, Card, card
from core.prediction.card_words import not_known
from core.prediction.report_facts import card_sections
from core.prediction.wording import share
from core.statements import save_fusion, set_sources
from store.journal import JournalWriter, journal_folder
from tests.core.evaluation.elsewhere import finished_search, sample

TRIAL, OTHER = "s-1.final-1", "s-1.00-initial"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Dataset, Dataset]:
    """A home with a finished search, judged by its own test images and by images from elsewhere."""
    home = tmp_path_factory.mktemp("card") / "home"
    own = sample(home, "own", per_class=12)
    finished_search(home, own)
    for trial_id, wrong in ((TRIAL, 2), (OTHER, 4)):
        evaluate(home, own, trial_id, wrong)
    elsewhere = home.parent / "elsewhere"
    make_sample(elsewhere, per_class=3, size=40, seed=7)
    shutil.rmtree(elsewhere / "basophil")
    external = import_data(home, elsewhere, held_out=True)
    register_external(home, own.dataset_id, external.dataset_id)
    with running(home, "external", "s-1") as job:
        judge(home, ["s-1"], job, [TRIAL, OTHER])
    return home, own, external


def evaluate(home: Path, dataset: Dataset, trial_id: str, wrong: int) -> None:
    """Record test predictions of which the first `wrong` are wrong."""
    rows = np.array([image.image_id for image in dataset.usable if image.split == "test"])
    true = np.array([dataset.classes.index(dataset.usable[row].class_ or "") for row in rows])
    called = true.copy()
    called[:wrong] = (called[:wrong] + 1) % len(dataset.classes)
    probabilities = np.full((len(rows), len(dataset.classes)), 0.05, np.float32)
    probabilities[np.arange(len(rows)), called] = 0.8
    result = SplitResult.of(rows, true, probabilities, np.ones(len(rows), np.float32))
    journal = JournalWriter(journal_folder(home, "s-1"), trial_id.partition(".")[2])
    journal.append(
        "evaluation", trial_id=trial_id, search_id="s-1", epoch=1, splits={"test": result.metrics()},
        predictions={"test": result.predictions()},
    )  # fmt: skip
    journal.close()


@pytest.fixture
def home(made: tuple[Path, Dataset, Dataset], tmp_path: Path) -> Path:
    shutil.copytree(made[0], tmp_path / "home")
    return tmp_path / "home"


def everything(found: Card) -> str:
    return json.dumps(found.to_json()) + found.to_markdown()


def test_a_card_says_what_is_recorded(made: tuple[Path, Dataset, Dataset]):
    home, own, external = made
    found = card(home, "s-1")
    facts = found.facts
    assert (facts["model"]["id"], facts["model"]["kind"]) == (TRIAL, "search")
    assert facts["model"]["weights_sha256"] == weights_hash(trial_folder(home, TRIAL))
    n = sum(image.split == "test" for image in own.usable)
    test = facts["accuracy"]["test"]
    assert (test["right"], test["images"], (test["low"], test["high"])) == (n - 2, n, wilson(n - 2, n))
    assert sum(one["images"] for one in test["classes"].values()) == n
    assert facts["data"]["images"] == own.counts()
    [elsewhere] = facts["elsewhere"]
    assert (elsewhere["id"], elsewhere["name"], elsewhere["without_images"]) == (
        external.dataset_id, "elsewhere", ["basophil"],
    )  # fmt: skip
    assert elsewhere["images"] == len(external.usable)
    said = found.to_markdown()
    for part in ("# Model card: made up: final-1", weights_hash(trial_folder(home, TRIAL)), f"{n - 2} of {n}"):
        assert part.replace("_", "\\_") in said
    assert "licence: not known" in said.lower()
    assert json.loads(json.dumps(found.to_json())) == found.to_json()


def test_synthetic_data_are_marked_first(made: tuple[Path, Dataset, Dataset]):
    found = card(made[0], TRIAL)
    assert found.synthetic
    assert found.to_markdown().splitlines()[2] == f"**{SYNTHETIC}**"
    assert next(iter(found.to_json())) == "synthetic_data"
    assert next(iter(found.to_words())) == "Synthetic data"


def test_what_is_not_known_follows_from_the_facts(home: Path, made: tuple[Path, Dataset, Dataset]):
    text = " ".join(not_known(card(home, TRIAL).facts))
    assert "No image from elsewhere shows: basophil;" in text
    assert "No patient is identifiable" in text
    assert "not calibrated" in text
    assert "has not been measured" in text  # the out-of-scope score
    assert card(home, TRIAL).facts["shortcuts"]["verdict"] == "not audited"
    for path in (home / "journals" / "s-1").glob("external-*.jsonl"):
        path.unlink()
    assert "has not been judged by images from elsewhere" in " ".join(not_known(card(home, TRIAL).facts))
    (home / "datasets" / f"{made[1].dataset_id}.json").unlink()
    gone = card(home, TRIAL)
    assert "are not described here any more" in gone.to_markdown()
    assert gone.facts["data"]["images"] is None


def test_sources_and_licence_stand_on_it_once_somebody_tells_them(home: Path, made: tuple[Path, Dataset, Dataset]):
    own = made[1]
    set_sources(home, own.dataset_id, {image.image_id: f"place {image.class_}" for image in own.usable})
    found = card(home, TRIAL, licence="CC BY 4.0")
    assert found.facts["shortcuts"]["one_source_a_class"] is True
    assert found.facts["data"]["sources"]["place basophil"] == 12
    assert "fully confounded" in found.to_markdown()
    assert "Licence: CC BY 4.0" in found.to_markdown()


def test_a_calibration_of_these_weights_stands_on_it_and_one_of_others_does_not(home: Path):
    classes = card(home, TRIAL).facts["model"]["classes"]
    labels = np.repeat(np.arange(5), 12)
    raw = np.eye(5)[labels] * 0.75 + 0.05
    sets = class_conditional(raw, labels, classes)
    own = Calibration(tuple(classes), 1.5, sets, "myeloblast")
    save_calibration(trial_folder(home, TRIAL), "torch", weights_hash(trial_folder(home, TRIAL)), own)
    save_calibration(trial_folder(home, TRIAL), "onnx", "of others", own)
    found = card(home, TRIAL)
    assert list(found.facts["calibration"]) == ["torch"]
    assert found.facts["calibration"]["torch"]["images"] == dict.fromkeys(classes, 12)
    assert "temperature 1.50 by 60 images" in found.to_markdown()
    assert "myeloblast is watched" in found.to_markdown()
    assert "not calibrated" not in found.to_markdown()


def test_how_far_its_readings_hold_stands_on_it(home: Path):
    assert "How far its readings hold has not been measured on its test images." in not_known(card(home, TRIAL).facts)
    share = {"k": 19, "n": 20, "low": 0.76, "high": 0.99}
    figures = {
        "ece_before": 0.08, "ece_after": 0.02, "ece_by_chance": 0.04, "right": share, "referred": share,
        "coverage": {"basophil": share}, "decided": share, "sets": share,
    }  # fmt: skip
    journal = JournalWriter(journal_folder(home), "readings")
    journal.append(
        "reading_check", model_id=TRIAL, runtime="torch", images="test", images_kind="test", n=20,
        weights_sha256=weights_hash(trial_folder(home, TRIAL)), figures=figures,
    )  # fmt: skip
    journal.close()
    found = card(home, TRIAL)
    rows = found.to_words()["How far its readings hold"]
    assert rows["test images, on torch: most probable class right"].startswith("19 of 20 (95.0 %")
    assert "on its test images." not in " ".join(not_known(found.facts))
    assert "measured on images from elsewhere." in " ".join(not_known(found.facts))


def test_a_fusion_has_its_members_cards_and_an_accuracy_of_its_own(home: Path, made: tuple[Path, Dataset, Dataset]):
    fusion = save_fusion(home, "both", made[1].dataset_id, "average", {TRIAL: 3, OTHER: 1})
    found = card(home, fusion)
    assert [one.facts["model"]["id"] for one in found.members] == [TRIAL, OTHER]
    wrong = [one.facts["accuracy"]["test"]["images"] - one.facts["accuracy"]["test"]["right"] for one in found.members]
    test = found.facts["accuracy"]["test"]
    assert wrong == [2, 4]
    assert test["images"] - test["right"] == 2  # the heavier member's
    assert found.facts["elsewhere"][0]["images"] == len(made[2].usable)
    assert [one["model"]["id"] for one in found.to_json()["members"]] == [TRIAL, OTHER]
    assert "## Model card: made up: final-1" in found.to_markdown()


def test_a_report_can_print_it(made: tuple[Path, Dataset, Dataset]):
    words = card(made[0], TRIAL).to_words()
    assert [title for title, _ in card_sections(words)] == list(words)
    assert all(isinstance(said, str) for part in words.values() for said in part.values())


def test_names_cannot_break_the_document(home: Path):
    journal = JournalWriter(journal_folder(home, "s-2"), "controller")
    journal.close()
    found = card(home, TRIAL)
    found.facts["model"]["name"] = "x\n# <b>y</b> [z](w)"
    assert found.to_markdown().splitlines()[0] == r"# Model card: x \# \<b\>y\</b\> \[z\](w)"


def test_a_share_without_images_is_said():
    assert share(0, 0, 0.0, 1.0) == "no images"
    assert share(222, 225, 0.962, 0.995) == "222 of 225 (98.7 %; 95 % interval 96.2 to 99.5 %)"


def test_a_model_that_is_not_there(made: tuple[Path, Dataset, Dataset]):
    with pytest.raises(ModelError, match="no search s-9"):
        card(made[0], "s-9")


def test_the_command_writes_it(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    command = ["export", "--home", str(home), "--model-card", "s-1"]
    assert main(command) == 0
    assert capsys.readouterr().out == card(home, "s-1").to_markdown()
    for name in ("card.md", "card.json"):
        assert main([*command, "--out", str(tmp_path / name), "--licence", "CC0"]) == 0
    assert "Licence: CC0" in (tmp_path / "card.md").read_text()
    assert json.loads((tmp_path / "card.json").read_text())["data"]["licence"] == "CC0"
    assert main([*command, "--out", str(tmp_path / "nowhere" / "card.md")]) == 1
    assert "There is no folder" in capsys.readouterr().err


def test_the_command_exports_a_graph(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    out = tmp_path / "model.onnx"
    assert main(["export", "--home", str(home), "--onnx", "s-1", "--out", str(out)]) == 0
    told = json.loads((tmp_path / "model.onnx.json").read_text())
    assert told["classes"] == card(home, "s-1").facts["model"]["classes"]
    assert (told["image_size"], len(told["mean"]), told["inputs"]) == (32, 3, ["images"])
    session = onnxruntime.InferenceSession(out)
    assert [one.name for one in session.get_outputs()] == told["outputs"]
    assert "checked against torch on 3 made and 4 training images" in capsys.readouterr().out
    assert card(home, "s-1").facts["model"]["onnx"]["sha256"] == told["sha256"]
    fusion = save_fusion(home, "both", card(home, "s-1").facts["data"]["id"], "average", {TRIAL: 3, OTHER: 1})
    assert main(["export", "--home", str(home), "--onnx", fusion, "--out", str(out)]) == 1
    assert "a graph a member" in capsys.readouterr().err
