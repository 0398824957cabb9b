"""The paired test: on the same images, is one trial really better than another?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from core.evaluation.paired import Paired, compare, holm
from pages.components.compare_facts import BOUND, ROW, WORDS, Chosen, table_height
from pages.components.csv_button import csv_button
from pages.components.data import read

LEVEL = 0.05
SPELT = 8  # pairs that are told as sentences
LISTED = 3  # groups of trials with the same images that are told one by one
MOST = 40  # trials of which all pairs are tested
PAIRS = {"all": "All pairs", "baseline": "Against the baseline"}


@dataclass(frozen=True)
class Answers:
    """Which images each of some trials has right: `right` (trials, images), all of the same images."""

    ids: list[str]
    right: np.ndarray


def answers(chosen: Chosen, ids: list[str]) -> list[Answers]:
    """Trials with predictions for the same images of the same data and split, together; groups in the order chosen."""
    outputs = read("outputs", ids, chosen.split).set_index("trial_id")
    groups: dict[tuple[str, bytes], Answers] = {}
    collected: dict[tuple[str, bytes], list[np.ndarray]] = {}
    for trial_id in ids:
        if trial_id not in outputs.index:
            continue
        row = outputs.loc[trial_id]
        images = np.asarray(row["image_ids"], dtype=np.int64)
        order = np.argsort(images)
        called = np.asarray(row["probabilities"]).reshape(len(images), -1).argmax(axis=1)
        key = (str(chosen.rows.loc[trial_id, "dataset_id"]), images[order].tobytes())
        groups.setdefault(key, Answers([], np.empty((0, 0)))).ids.append(trial_id)
        collected.setdefault(key, []).append((called == np.asarray(row["true_classes"]))[order])
    return [Answers(group.ids, np.stack(collected[key])) for key, group in groups.items()]


def pair_of(chosen: Chosen, first: str, second: str) -> Paired | None:
    """How two trials differ on the same images; None where they have not answered the same ones."""
    for group in answers(chosen, [first, second]):
        if len(group.ids) == 2:
            return compare(group.right[[group.ids.index(first), group.ids.index(second)]])[0][2]
    return None


def pairs_table(chosen: Chosen, groups: list[Answers], only_baseline: bool) -> pd.DataFrame:
    """A row a pair, smallest p first: first, second (trial_id), first_only, second_only, n, difference, low, high, p,
    p_holm (adjusted over all rows), differs.

    Of two trials the one that is right more often is `first`; against the baseline the other one always is.
    """
    found = []
    for group in groups:
        for i, j, pair in _with(group, chosen.baseline) if only_baseline else compare(group.right):
            first, second = group.ids[i], group.ids[j]
            if not only_baseline and pair.second_only > pair.first_only:
                first, second, pair = second, first, Paired(pair.second_only, pair.first_only, pair.n)
            low, high = pair.interval()
            found.append((first, second, pair.first_only, pair.second_only, pair.n, pair.difference, low, high, pair.p))
    columns = ["first", "second", "first_only", "second_only", "n", "difference", "low", "high", "p"]
    table = pd.DataFrame(found, columns=columns)
    adjusted = holm(table["p"].astype(float))
    table = table.assign(p_holm=adjusted, differs=adjusted < LEVEL)
    return table.sort_values("p", kind="stable", ignore_index=True)


def _with(group: Answers, baseline: str) -> list[tuple[int, int, Paired]]:
    """Every other trial of the group beside the baseline."""
    if baseline not in group.ids:
        return []
    base = group.ids.index(baseline)
    return [(i, base, compare(group.right[[i, base]])[0][2]) for i in range(len(group.ids)) if i != base]


def told(chosen: Chosen, other: str) -> str | None:
    """How a trial differs from the baseline, as a sentence; None where the two have not answered the same images.

    On validation, where the trial may have been picked because it is good on these very images, p is adjusted over all
    trials that could have been.
    """
    base = chosen.names[chosen.baseline]
    if chosen.split != "val":
        pair = pair_of(chosen, other, chosen.baseline)
        return None if pair is None else sentence(pair, chosen.names[other], base)
    table = pairs_table(chosen, answers(chosen, chosen.ids), only_baseline=True)
    for row in table[table["first"] == other].to_dict("records"):
        pair = Paired(int(row["first_only"]), int(row["second_only"]), int(row["n"]))
        return sentence(pair, chosen.names[other], base, float(row["p_holm"]), len(table))
    return None


def sentence(pair: Paired, first: str, second: str, adjusted: float | None = None, tests: int = 1) -> str:
    """'Trial 7 is right on 9 images where trial 4 is wrong, and wrong on 2 where it is right; p = 0.065: not shown to
    differ.' `adjusted` is p after Holm over so many `tests`; it decides where it is given."""
    if not pair.first_only + pair.second_only:
        return f"{_capital(first)} and {second} are right on the same of {pair.n} images: nothing tells them apart."
    p = p_text(pair.p)
    if adjusted is not None and tests > 1:
        p += f"; after Holm over {tests} pairs, {p_text(adjusted)}"
    verdict = "they differ" if (pair.p if adjusted is None else adjusted) < LEVEL else "not shown to differ"
    return (
        f"{_capital(first)} is right on {_images(pair.first_only)} where {second} is wrong, and wrong on "
        f"{pair.second_only} where it is right (of {pair.n}); {p}: {verdict}."
    )


def p_text(p: float) -> str:
    """'p = 0.065' with two significant digits, 'p < 0.0001' below that."""
    if p < 1e-4:
        return "p < 0.0001"
    p *= 1 + 1e-9  # 0.0625 reads 0.063, as in the table
    return "p = 1" if p > 0.995 else f"p = {p:.2g}" if p < 0.1 else f"p = {p:.2f}"


def left_out(chosen: Chosen, groups: list[Answers]) -> list[str]:
    """Plain sentences on what could not be tested, and why."""
    names = chosen.names
    answered = {trial_id for group in groups for trial_id in group.ids}
    without = [names[trial_id] for trial_id in chosen.ids if trial_id not in answered]
    words = []
    if without:
        words.append(
            f"{_capital(_list(without))} {'has' if len(without) == 1 else 'have'} no predictions of single "
            f"{WORDS[chosen.split]} images in the store, so no paired test is possible with {_them(without)}."
        )
    if len(groups) > LISTED:
        words.append(
            f"Not all saw the same images: these trials fall into {len(groups)} groups by data, and only trials of one "
            "group are tested against each other."
        )
    elif len(groups) > 1:
        parts = "; ".join(_list([names[trial_id] for trial_id in group.ids]) for group in groups)
        words.append(f"Not all saw the same images, so these are tested only among themselves: {parts}.")
    return words


def paired_view(chosen: Chosen) -> None:
    """Every pair (or each against the baseline) as sentences and as a table."""
    many = len(chosen.rows) > MOST
    with st.container(horizontal=True, vertical_alignment="bottom"):
        which = st.segmented_control(
            "Pairs", list(PAIRS), format_func=PAIRS.__getitem__, default="all", required=True, key="pairs",
            **BOUND, disabled=many,
        )  # fmt: skip
    groups = answers(chosen, chosen.ids)
    table = pairs_table(chosen, groups, only_baseline=many or which == "baseline")
    for words in left_out(chosen, groups):
        st.info(words, icon=":material/info:")
    if table.empty:
        st.caption("There is no pair of trials that answered the same images.")
        return
    spelt = table.head(SPELT)
    lines = [
        sentence(
            Paired(row["first_only"], row["second_only"], row["n"]), chosen.names[row["first"]],
            chosen.names[row["second"]], row["p_holm"], len(table),
        )
        for row in spelt.to_dict("records")
    ]  # fmt: skip
    st.markdown("\n".join(f"- {line}" for line in lines), anchors=False)
    notes = [f"McNemar's exact test, two-sided, at the last epoch; two differ where p after Holm is below {LEVEL}."]
    if len(table) > SPELT:
        notes.insert(0, f"The {SPELT} pairs with the smallest p of {len(table)}; the table has all.")
    if many:
        notes.append(f"With more than {MOST} trials each is tested against the baseline only.")
    if chosen.split == "val":
        notes.append("The search chose on these images, which flatters its choice.")
    st.caption(" ".join(notes))
    _table(chosen, table)


def _table(chosen: Chosen, table: pd.DataFrame) -> None:
    bounds = [f"{low:+.4f} to {high:+.4f}" for low, high in zip(table["low"], table["high"], strict=True)]
    shown = pd.DataFrame(
        {
            "first": table["first"].map(chosen.names), "second": table["second"].map(chosen.names),
            "only first right": table["first_only"], "only second right": table["second_only"], "images": table["n"],
            "Δ accuracy": table["difference"],
            "95 % interval": bounds,
            "p": table["p"], "p (Holm)": table["p_holm"],
            "verdict": ["differ" if differs else "not shown to differ" for differs in table["differs"]],
        }
    )  # fmt: skip
    p = st.column_config.NumberColumn(format="%.2g")
    st.dataframe(
        shown, hide_index=True, key="pairs_table", row_height=ROW, height=table_height(shown),
        column_config={
            "p": p, "p (Holm)": p, "Δ accuracy": st.column_config.NumberColumn(format="%+.4f"),
            "95 % interval": st.column_config.TextColumn(help="of the difference: adjusted Wald (Bonett and Price)"),
        },
        alt="Paired tests: for each pair the images that only one has right, p, and p after Holm",
    )  # fmt: skip
    csv_button(lambda: table, f"compare-pairs-{chosen.split}")


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _list(names: list[str], most: int = 5) -> str:
    shown = names if len(names) <= most else [*names[: most - 1], f"{len(names) - most + 1} others"]
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + f" and {shown[-1]}"


def _them(names: list[str]) -> str:
    return "it" if len(names) == 1 else "them"
