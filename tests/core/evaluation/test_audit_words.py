"""What an audit means, in words: shares, sentences and badges computed by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.evaluation.audit_words import (
    FEATURES,
    FOLDS,
    NO_PATIENTS,
    SHORTCUTS,
    alone,
    badge,
    best_shortcut,
    confounded,
    folds_note,
    lead_over_chance,
    percent,
    sentence,
    source_facts,
)

RATES = st.floats(0, 1)


@pytest.mark.parametrize(
    ("baseline", "model", "chance", "share"),
    [
        (0.6, 1.0, 0.2, 0.5),  # 0.4 of 0.8
        (0.2, 0.9, 0.2, 0.0),
        (0.1, 0.9, 0.2, 0.0),  # below chance: none, not less than none
        (0.95, 0.9, 0.2, 1.0),  # above the model: all, not more than all
        (0.5, 0.2, 0.2, None),
        (0.5, 0.1, 0.2, None),
    ],
)
def test_the_share_of_the_lead_over_chance(baseline: float, model: float, chance: float, share: float | None):
    assert lead_over_chance(baseline, model, chance) == (None if share is None else pytest.approx(share))


@given(RATES, RATES, RATES)
def test_a_share_lies_in_its_range_and_is_none_without_a_lead(baseline: float, model: float, chance: float):
    share = lead_over_chance(baseline, model, chance)
    assert (share is None) == (model <= chance)
    assert share is None or 0 <= share <= 1


def test_the_sentence_of_the_issue():
    # (0.876 - 0.2) / (0.977 - 0.2) = 0.676 / 0.777 = 0.870
    assert sentence({"histogram": 0.876, "corners": 0.44, "thumbnail": 0.99}, 0.2, 0.977) == (
        "87 % of this model's lead over chance can be had from colour alone "
        "(histogram 0.876, chance 0.200, model 0.977)."
    )
    assert sentence({"file": 0.7, "border": 0.6}, 0.2, 0.7).startswith(
        "100 % of this model's lead over chance can be had from facts of the files alone"
    )


def test_the_sentence_names_whose_accuracy_it_is():
    said = sentence({"histogram": 0.876}, 0.2, 0.977, "best trial on val")
    assert said.endswith("(histogram 0.876, chance 0.200, best trial on val 0.977).")
    assert "(final-1 on test 0.100," in badge({"histogram": 0.876}, 0.2, 0.1, measured="final-1 on test").sentence


def test_few_folds_are_explained_and_the_usual_number_is_not():
    assert folds_note("class", FOLDS, FOLDS) == ""
    assert folds_note("source", 2, FOLDS).startswith("2 folds, not 5: the rarest source has only 2 groups")


def test_the_other_sentences():
    assert "has not been audited" in sentence({}, 0.2, 0.9)
    assert "has not been audited" in sentence({"thumbnail": 0.9}, 0.2, 0.9)  # it is no pure shortcut
    assert sentence({"histogram": 0.9}, 0.2, 0.2).startswith("This model has no lead over chance (model 0.200")
    assert sentence({"corners": 0.19}, 0.2, 0.9).startswith("None of this model's lead")
    assert sentence({"border": 0.5}, 0.2) == "The border alone predicts the class with accuracy 0.500 (chance 0.200)."
    assert alone("file", "source", 1.0, 0.6) == (
        "Facts of the files alone predict the source with accuracy 1.000 (chance 0.600)."
    )
    assert percent(0.9999) == "99 %"
    assert percent(1.0) == "100 %"
    assert percent(0.0) == "0 %"


def test_the_thumbnail_is_reported_but_is_no_shortcut():
    assert "thumbnail" in FEATURES
    assert "thumbnail" not in SHORTCUTS
    assert best_shortcut({"thumbnail": 0.99, "corners": 0.3, "file": 0.4}) == "file"
    assert best_shortcut({"thumbnail": 0.99}) is None


@pytest.mark.parametrize(
    ("accuracy", "model", "mixed", "level", "text"),
    [
        (0.84, 1.0, False, "high", "Shortcut: colour, 80 % of the lead"),  # exactly 0.8 of the lead
        (0.83, 1.0, False, "some", "Shortcut: colour, 79 % of the lead"),
        (0.52, 1.0, False, "some", "Shortcut: colour, 40 % of the lead"),
        (0.51, 1.0, False, "low", "Shortcut: colour, 39 % of the lead"),
        (0.51, 1.0, True, "high", "Shortcut: colour, 39 % of the lead, one source a class"),
        (0.9, 0.95, True, "high", "Shortcut: colour, 93 % of the lead"),
        (0.9, 0.2, False, "low", "Shortcut: no lead over chance"),
        (0.9, 0.2, True, "high", "Shortcut: no lead over chance, one source a class"),
        (0.9, None, False, "high", "Shortcut: colour, accuracy 0.900"),
        (0.3, None, False, "low", "Shortcut: colour, accuracy 0.300"),
    ],
)
def test_the_levels_of_a_badge(accuracy: float, model: float | None, mixed: bool, level: str, text: str):
    found = badge({"histogram": accuracy, "thumbnail": 1.0}, 0.2, model, confounded=mixed)
    assert (found.level, found.text) == (level, text)
    assert ("one source only" in found.sentence) == mixed


def test_a_badge_without_an_audit_says_so():
    for found in (badge({}, 0.2, 0.9), badge({"histogram": 0.9}, None, 0.9), badge({"thumbnail": 0.9}, 0.2)):
        assert (found.level, found.text) == ("not audited", "Shortcut: not audited")


def test_facts_of_confounded_sources():
    table = {"Munich": {"myeloblast": 3}, "PBC": {"basophil": 2, "monocyte": 2}}
    assert confounded(table)
    facts = source_facts(table, unknown=1)
    assert facts[0].startswith("Class and source are fully confounded")
    assert facts[1] == (
        "Munich is the only source of myeloblast. How well myeloblast is recognised elsewhere cannot be known from "
        "these data."
    )
    assert "basophil and monocyte are recognised elsewhere" in facts[2]
    assert facts[3] == "Of 1 image the source is not known."
    assert facts[-1] == NO_PATIENTS


def test_facts_of_other_tables():
    mixed = {"a": {"x": 3, "y": 3}, "b": {"x": 3, "y": 0}}
    assert not confounded(mixed)
    assert source_facts(mixed)[0].startswith("a is the only source of y.")
    assert source_facts({"a": {"x": 1}, "b": {"x": 1}}) == [NO_PATIENTS]
    assert not confounded({"a": {"x": 1, "y": 1}})
    assert "come from a" in source_facts({"a": {"x": 1, "y": 1}})[0]
    assert source_facts({}, unknown=5)[0].startswith("No source is known")
    assert len(source_facts({}, unknown=5)) == 2
    assert "no split uses them" in source_facts(mixed, patients=True)[-1]
