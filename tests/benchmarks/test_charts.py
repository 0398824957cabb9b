"""Both sides of the chart benchmark make the same figure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go
import pytest

from benchmarks.charts import PAIRS, main


@pytest.mark.parametrize(("ours", "plain"), PAIRS.values(), ids=list(PAIRS))
def test_ours_and_plotlys_helpers_make_the_same_figure(
    ours: Callable[[], go.Figure], plain: Callable[[], go.Figure]
) -> None:
    assert _rounded(ours().to_dict()) == _rounded(plain().to_dict())


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    return round(value, 9) if isinstance(value, float) else value


def test_it_reports_both_times_and_their_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--rounds", "2"]) == 0

    printed = capsys.readouterr().out
    for name in PAIRS:
        assert any(line.startswith(name) and "ratio" in line for line in printed.splitlines())
