"""Each page on an empty store (the published search alone), on a small and on a larger one."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.search.commands import CommandError
from core.search.settings import SearchSettings, preset
from pages.components import commands, launch
from store.journal import HOME_JOURNAL, journal_files, read_records
from store.published import SEARCH_ID as PUBLISHED
from tests.pages.conftest import OpenPage
from tests.store.factory import write_search


def figures(app: AppTest) -> dict[str, str]:
    """The metrics of a page; of several with one label the first."""
    found: dict[str, str] = {}
    for metric in app.metric:
        found.setdefault(metric.label, metric.value)
    return found


def words(app: AppTest) -> str:
    """All text of a page."""
    parts = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.subheader]
    return "\n".join(str(part.value) for part in parts)


def search_of(app: AppTest) -> str:
    """The search that the page's address names."""
    value = app.query_params["search"]
    return value if isinstance(value, str) else value[0]


@pytest.mark.parametrize("page", ["searches", "search", "evaluate", "predict"])
def test_an_empty_store_shows_the_published_search(open_page: OpenPage, page: str):
    app = open_page(page)
    assert app.title[0].value == page.capitalize()
    assert not app.error
    if page == "searches":
        assert "He & Zhou 2025" in words(app)
        assert "This is the published search" in words(app)
        assert figures(app) == {"Best val accuracy": "1.0000", "DE_COUNT": "2 of 2", "Trials": "13 of 13"}
    if page == "predict":
        assert "weights are not public" in words(app)
        assert "Research use only" in words(app)


def test_the_published_search_reads_as_printed(open_page: OpenPage):
    app = open_page("search", search=PUBLISHED)
    shown = figures(app)
    assert shown["Best val accuracy"] == "1.0000"
    assert shown["DE_COUNT"] == "2 of 2"
    assert shown["Trials finished"] == "13 of 13"
    table = app.dataframe[0].value
    assert table["val accuracy"].iloc[:4].tolist() == [0.8787, 0.5293, 0.9760, 0.9933]
    assert table["DE_COUNT"].iloc[:13].tolist() == [0] * 10 + [1] * 3
    assert table["train loss"].iloc[0] == pytest.approx(0.282)  # the plain mean, not the printed 0.0282
    marks = dict(zip(table["trial"], table["mark"], strict=True))
    assert marks["02-learning_rate"] == "best"
    assert [trial for trial, mark in marks.items() if "runner-up" in mark] == ["03-batch_size", "04-batch_size"]
    assert "Why it ended: DE_COUNT reached 2." in words(app)


def test_the_published_evaluation_is_table_4(open_page: OpenPage):
    app = open_page("evaluate", search=PUBLISHED)
    shown = figures(app)
    assert shown["Accuracy"] == "0.9920"
    assert shown["Macro specificity"] == "0.9980"
    assert shown["Macro AUC"] == "1.0000"
    assert shown["Images"] == "750"
    table = app.dataframe[0].value.set_index("class")
    assert table.loc["monocyte", "F1"] == pytest.approx(300 / 306)
    assert table.loc["erythroblast", "recall"] == pytest.approx(0.96)
    assert table.loc["macro average", "n"] == 750
    assert "AUC as reported by the study" in words(app)


def test_a_published_trial_has_no_class_results(open_page: OpenPage):
    app = open_page("evaluate", search=PUBLISHED, trial=f"{PUBLISHED}.00-initial", split="Validation")
    assert figures(app)["Accuracy"] == "0.8787"
    assert "no per-class results" in words(app)


def test_a_running_search(open_page: OpenPage, home: Path):
    search_id = write_search(home, trials=9, epochs=5, status="RUNNING")
    app = open_page("search")  # the running one is what opens
    assert search_of(app) == search_id
    shown = figures(app)
    assert shown["Trials finished"] == "8 of 9"
    assert shown["Epochs saved"] == "15"
    assert shown["Time left"] == "20 s"  # one epoch: five of the six are taken over
    assert "trial 9, epoch 4 of 6" in words(app)
    assert "lost" not in words(app)
    assert app.dataframe[0].value["mark"].iloc[-1] == "running"


def test_a_lost_search_says_so(open_page: OpenPage, home: Path):
    write_search(home, trials=3, status="RUNNING", lost=True)
    app = open_page("search")
    assert "Nothing was heard of it for 10 min" in words(app)
    assert figures(app)["Time left"] == "–"
    assert "lost" in words(open_page("searches"))


def test_a_failed_trial_gives_its_reason(open_page: OpenPage, home: Path):
    search_id = write_search(home, trials=2, status="FAILED")
    app = open_page("search", search=search_id, trial=f"{search_id}.01-batch_size")
    assert "ended by signal 9 at batch size 20" in words(app)
    assert app.dataframe[0].value["mark"].iloc[-1] == "failed"


def test_a_waiting_search_is_no_error(open_page: OpenPage, home: Path):
    search_id = write_search(home, status="WAITING")
    for page in ("search", "evaluate", "predict"):
        app = open_page(page, search=search_id)
        assert not app.error
    assert "No trial has begun yet" in words(open_page("search", search=search_id))


def test_a_launched_search_without_a_record_is_starting(open_page: OpenPage, home: Path):
    folder = home / "searches" / "s-new"
    folder.mkdir(parents=True)
    (folder / "settings.json").write_text("{}")
    app = open_page("search", search="s-new")
    assert app.status[0].label.startswith("The search is starting")


def test_evaluation_of_any_trial_on_any_split(open_page: OpenPage, home: Path):
    search_id = write_search(home, trials=4, n_val=60, n_test=75)
    app = open_page("evaluate", search=search_id)
    assert "The search's model." in words(app)
    assert figures(app)["Images"] == "75"
    assert app.dataframe[0].value["n"].iloc[-1] == 75
    app = open_page("evaluate", search=search_id, trial=f"{search_id}.00-initial", split="Validation")
    assert figures(app)["Images"] == "60"
    assert "Learning rate 1e-2, batch size 10, 5 epochs" in words(app)


def test_a_larger_store_is_paged_filtered_and_opened(open_page: OpenPage, home: Path):
    for seed in range(10):
        write_search(home, seed=seed, trials=1, epochs=1, final=False, status="STOPPED" if seed == 7 else "COMPLETE")
    app = open_page("searches")
    names = [text.value for text in app.markdown if "Made-up" in text.value]
    assert len(names) == 8
    app = open_page("searches", q="search 3")
    assert [text.value for text in app.markdown if "Made-up" in text.value] == ["**Made-up search 3**"]
    app = open_page("searches", status="Stopped")
    assert [text.value for text in app.markdown if "Made-up" in text.value] == ["**Made-up search 7**"]
    app = open_page("searches", q="nothing like it")
    assert "No search fits this filter." in words(app)


def test_a_wrong_link_falls_back_with_a_sentence(open_page: OpenPage):
    app = open_page("search", search="s-gone")
    assert "There is no search s-gone here" in app.warning[0].value
    assert search_of(app) == PUBLISHED


def test_delete_asks_first_and_then_deletes(open_page: OpenPage, home: Path):
    search_id = write_search(home, trials=1, status="STOPPED")
    app = open_page("searches")
    app.session_state[commands.ASKED] = ("delete", search_id, "Made-up search 0")
    app.run()
    assert "removed for good" in words(app)
    app.button(key="confirm_no").click().run()
    assert "Made-up search 0" in words(app)
    app.session_state[commands.ASKED] = ("delete", search_id, "Made-up search 0")
    app.run()
    app.button(key="confirm_yes").click().run()
    assert app.toast[0].value == "The search is deleted."
    records = [record for path in journal_files(home, HOME_JOURNAL) for record in read_records(path)[0]]
    assert [record["search_id"] for record in records if record["kind"] == "tombstone"] == [search_id]


def test_a_refused_command_is_told_in_its_own_sentence(
    open_page: OpenPage, home: Path, monkeypatch: pytest.MonkeyPatch
):
    search_id = write_search(home, trials=1, status="STOPPED")

    def refuse(home: Path, search_id: str) -> None:
        raise CommandError(f"Search {search_id} is being run by process 7; stop or cancel it first.")

    monkeypatch.setattr("core.search.commands.delete", refuse)
    app = open_page("searches")
    app.session_state[commands.ASKED] = ("delete", search_id, "Made-up search 0")
    app.run()
    app.button(key="confirm_yes").click().run()
    assert app.toast[0].value == f"Search {search_id} is being run by process 7; stop or cancel it first."


def test_commands_that_make_sense():
    own = {"origin": "own", "status": "STOPPED"}
    assert commands.available(own, running=False) == ["resume", "delete"]
    assert commands.available(own, running=True) == ["stop", "cancel"]
    assert commands.available({**own, "status": "COMPLETE"}, running=False) == ["delete"]
    assert commands.available({**own, "origin": "published"}, running=False) == []
    for words in (commands.done("stop", True), commands.done("cancel", True), commands.consequence("cancel", True)):
        assert "training of further points" in words
        assert "start it again from What-if: the search" in words
    assert commands.done("delete", True) == "The search is deleted."
    assert commands.done("stop", False) == "The search will stop after the current epoch."
    assert "the search can be resumed" in commands.consequence("cancel", False)


def test_a_fault_shows_one_sentence_and_no_traceback(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("store.queries.trials", fail)
    monkeypatch.setattr("store.queries.listing", fail)
    for page in ("searches", "search", "evaluate"):
        app = open_page(page)
        assert len(app.error) >= 1
        assert "Something went wrong on this page" in app.error[0].value
        assert "secret detail" not in words(app)


def test_launch_form_has_every_setting_and_says_what_is_wrong(home: Path, monkeypatch: pytest.MonkeyPatch):
    launched: list[SearchSettings] = []
    monkeypatch.setattr("core.search.commands.launch", lambda home, settings: launched.append(settings) or PUBLISHED)
    app = AppTest.from_function(only_the_form, default_timeout=60).run()
    for spec in fields(SearchSettings):
        if spec.name not in launch.ELSEWHERE:
            assert launch_widget(app, spec.name) is not None, f"{spec.name} has no widget"
    app.number_input(key="new_quick_batch_size").set_value(80).run()
    assert any("batch_size 80 lies above its bound" in warning.value for warning in app.warning)
    assert app.button(key="launch").disabled
    app.number_input(key="new_quick_batch_size").set_value(12).run()
    app.number_input(key="new_quick_augment_blur").set_value(0.2).run()
    app.button(key="launch").click().run()
    assert launched == [replace(preset("quick"), batch_size=12, augment=replace(preset("quick").augment, blur=0.2))]


def only_the_form() -> None:
    """The script of AppTest, which knows no fragments: each run of it would close the drawer."""
    from pages.components.launch import launch_form

    launch_form()


def launch_widget(app: AppTest, name: str) -> object:
    key = f"new_quick_{name}"
    widgets = [*app.number_input, *app.text_input, *app.selectbox, *app.multiselect, *app.toggle]
    return next((widget for widget in widgets if widget.key == key), None)
