"""How far the path rests on the luck of the validation images: shares over redrawn sets, undecided ones apart."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

import pandas as pd
import streamlit as st

from core.search.replay import PointKey, point_key
from core.search.stability import Count, Stability
from pages.charts.redraws import choices
from pages.charts.wording import short_point
from pages.components.csv_button import csv_button
from pages.components.drawing import draw, show
from pages.components.whatif_search_known import Known
from pages.components.whatif_search_rules import Rules
from pages.components.whatif_search_scores import Redrawn
from pages.components.whatif_search_training import offer

_BARS = 9
_ASKED = 5  # untrained points that are listed


def noise(known: Known, rules: Rules, redrawn: Redrawn | None, costs: Mapping[int, float]) -> None:
    """The section on noise."""
    st.subheader("Would other validation images have led elsewhere?", anchor=False)
    if redrawn is None:
        st.info(
            "This needs the probabilities of single images, which "
            + ("the study does not print." if known.published else "no finished trial of this search has on record."),
            icon=":material/info:",
        )
        return
    against = redrawn.against_recorded
    st.markdown(_sentence(redrawn, rules.recorded(known)), anchors=False)
    grid = st.grid(2, min_column_width=400)
    with grid.cell():
        if not rules.recorded(known):
            _shares("Against the path above, of these rules on the images as they are", redrawn.against_shown, known,
                    "shown")  # fmt: skip
        _shares("Against the recorded path", against, known, "recorded")
        st.caption(
            f"{against.redraws:,} redraws with a fixed seed: as many images of each class as there are, drawn with "
            f"replacement; each share is itself uncertain by up to {uncertainty(against.redraws):.1f} percentage "
            "points. **Undecided** redraws ask for points without a score: what they would have chosen is not known. "
            "The noise of training (other seeds) comes on top and is not in here."
        )
    with grid.cell():
        st.markdown("**Which point is chosen how often**", anchors=False)
        bars = chosen_rows(against, None if known.recorded.best is None else point_key(known.recorded.best.point))
        show(
            draw(choices, bars), key="whatif_redraws",
            alt="Share of the redrawn validation sets in which each point is chosen, and of undecided ones",
        )  # fmt: skip
        shares = bars[["name", "count", "share"]]
        csv_button(lambda: shares, f"{known.search['search_id']}-what-if-redraws", "whatif_redraws_csv")
    if against.missing:
        _asked(known, against, costs)


def uncertainty(redraws: int) -> float:
    """Half the width of a share's 95 % interval at 1/2 (normal approximation), the widest, in percentage points."""
    return 196 * math.sqrt(0.25 / max(1, redraws))


def shares_table(counted: Stability) -> pd.DataFrame:
    """A row a question: path, points trained, choice, DE_COUNT at the end; shares in [0, 1]."""
    rows = [
        _row("path", counted.path),
        _row("points trained", counted.points),
        _row("choice", counted.choice),
        _row("DE_COUNT at the end", counted.de_count),
    ]
    return pd.DataFrame(rows)


def chosen_rows(counted: Stability, recorded: PointKey | None) -> pd.DataFrame:
    """The bars of `pages.charts.redraws.choices`: the points most often chosen, then the rest, then undecided."""
    total = max(1, counted.redraws)
    common = counted.chosen.most_common()
    rows = [
        ("every trial failed" if key is None else short_point(dict(key)), number,
         "recorded" if key is not None and key == recorded else "other")
        for key, number in common[:_BARS]
    ]  # fmt: skip
    rows = [(f"{name} (recorded)" if kind == "recorded" else name, number, kind) for name, number, kind in rows]
    if len(common) > _BARS:
        rows.append((f"{len(common) - _BARS} other points", sum(number for _, number in common[_BARS:]), "other"))
    if counted.undecided:
        rows.append(("undecided: asks for points without score", counted.undecided, "undecided"))
    table = pd.DataFrame(rows, columns=["name", "count", "kind"])
    return table.assign(share=table["count"] / total)


def _sentence(redrawn: Redrawn, recorded_rules: bool) -> str:
    """The shares that matter most; with other rules against the path that these take on the images as they are."""
    counted = redrawn.against_recorded if recorded_rules else redrawn.against_shown
    reference = "the recorded one" if recorded_rules else "the one above"
    choice = counted.choice
    text = (
        f"On {counted.redraws:,} redrawn validation sets of {redrawn.images:,} images these rules take **another path "
        f"than {reference} in {_up_to(counted.path)}** (they train other points in {_up_to(counted.points)})"
    )
    if choice.same + choice.another == 0:
        return f"{text}; whether they choose another point cannot be told of any."
    return f"{text} and **choose another point in {_up_to(choice)}**."


def _up_to(count: Count) -> str:
    """'12.0%', or '12.0%, up to 15.0% should all 30 undecided ones do so'."""
    total = max(1, count.same + count.another + count.undecided)
    text = f"{count.another / total:.1%}"
    if not count.undecided:
        return text
    most = (count.another + count.undecided) / total
    return f"{text}, up to {most:.1%} should all {count.undecided:,} undecided ones do so"


def _shares(title: str, counted: Stability, known: Known, key: str) -> None:
    st.markdown(f"**{title}**", anchors=False)
    table = shares_table(counted)
    percent = st.column_config.NumberColumn(format="percent")
    st.dataframe(
        table, hide_index=True, key=f"whatif_shares_{key}", alt=f"{title}: shares of the redrawn validation sets",
        column_config=dict.fromkeys(("another", "the same", "undecided"), percent),
    )  # fmt: skip
    csv_button(lambda: table, f"{known.search['search_id']}-what-if-shares-{key}", f"whatif_shares_{key}_csv")


def _row(name: str, count: Count) -> dict[str, object]:
    total = max(1, count.same + count.another + count.undecided)
    return {"of the redraws": name, "another": count.another / total, "the same": count.same / total,
            "undecided": count.undecided / total}  # fmt: skip


def _asked(known: Known, counted: Stability, costs: Mapping[int, float]) -> None:
    """The untrained points that most undecided redraws wait for."""
    lacking = Counter({key: number for key, number in counted.missing.items() if key not in known.finished})
    trained = len(counted.missing) - len(lacking)  # finished, but without predictions on these images
    common = lacking.most_common(_ASKED)
    with st.expander(f"What the {counted.undecided:,} undecided redraws ask for", icon=":material/help_center:"):
        st.caption(
            "; ".join(f"{short_point(dict(key))} in {number / counted.redraws:.1%}" for key, number in common)
            + (f"; and {len(lacking) - len(common)} more points" if len(lacking) > len(common) else "")
        )
        if trained:
            st.caption(
                f"{trained} finished trial{'s are' if trained != 1 else ' is'} asked for too, without predictions on "
                "these validation images on record; training would not help."
            )
        if common and not known.published:
            names = known.names
            offer(
                known,
                [{name: dict(key)[name] for name in names} for key, _ in common],
                costs,
                key="whatif_asked",
                primary=False,
            )
