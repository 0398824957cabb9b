"""Runs one search: its own process, which survives the app and goes on after a crash by replaying its journals.

All decisions are GSECA's, and everything that it knows is in the journals, so starting it again is the same as never
having stopped. One controller a search: a lock, held by the caller, says who runs it.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from core.data.dataset import Dataset, DatasetError, ScanCancelled, dataset_records
from core.environment import differences, environment, in_words
from core.heart import Heart
from core.learning import reuse
from core.learning.settings import ModelError, SettingsError
from core.paths import trial_folder
from core.search.commands import CANCEL, STOP, clear_commands, commanded, exact_command
from core.search.every import Every, Method
from core.search.gseca import FAILED, Candidate, Decision, Gseca
from core.search.launcher import Launcher, LocalLauncher
from core.search.pool import Say, Stopped, TrialPool
from core.search.prepare import Prepared, read_data, recorded_data, settle
from core.search.settings import EVERY, SearchSettings
from core.search.state import FINAL, SearchState
from core.search.wanted import Wanted, continued, new_trial
from store.journal import JournalWriter, journal_folder, next_attempt


class Controller:
    """`run` takes the search from wherever its journals left it to its end.

    Args:
        settings: of a new search; None to go on with a recorded one.
        command: the command line that started the search, for the record.
        say: is given the state and every new record, for a terminal.
        launcher: makes the Launcher for a device ("cpu" or "cuda").
        interrupted: the wish of whoever sits at the terminal: "stop", "cancel" or None.
        with_data: is given the id of the data set once it is read and recorded. It must not fail or take long.

    Raises Stopped when there is nothing to go on with.
    """

    def __init__(
        self, home: Path, search_id: str, settings: SearchSettings | None, *, command: str = "",
        say: Say = lambda _state, _records: None, launcher: Callable[[str], Launcher] = LocalLauncher,
        interrupted: Callable[[], str | None] = lambda: None, with_data: Callable[[str], None] = lambda _id: None,
    ) -> None:  # fmt: skip
        self.home, self.search_id, self._with_data = home, search_id, with_data
        self._say, self._make_launcher, self._interrupted = say, launcher, interrupted
        self.state = SearchState(home, search_id)
        self.state.update()
        if self.state.fact is None and settings is None:
            raise Stopped(f"There is no search {search_id} in {home}.")
        self._changed = self._since_then()
        folder = journal_folder(home, search_id)
        self._journal = JournalWriter(folder, "controller", next_attempt(folder, "controller"))
        if self.state.fact is None and settings is not None:
            self._journal.append(
                "search", search_id=search_id, name=settings.title(), origin="own", objective="val_accuracy",
                patience=settings.patience, settings=settings.to_json(), command=command, environment=environment(),
            )  # fmt: skip
            self.state.update()
        assert self.state.fact is not None
        self.settings = SearchSettings.from_json(self.state.fact["settings"])
        limit = self.settings.max_trials or None
        self.gseca: Method
        if self.settings.method == EVERY:
            self.gseca = Every(self.settings.space(), max_trials=limit)
        else:
            self.gseca = Gseca(self.settings.space(), patience=self.settings.patience, max_trials=limit)
        self._position = max((trial.fact["position"] for trial in self.state.trials.values()), default=-1)
        self._model_trial: str | None = None
        self._note: str | None = None

    def run(self) -> str:
        """The status that the search ends with: COMPLETE, STOPPED or FAILED, recorded with its reason."""
        self._event("RUNNING", self._changed)
        heart = Heart(self._journal, self.search_id)
        try:
            dataset, prepared = self._prepare(heart)
            self._with_data(dataset.dataset_id)
            pool = TrialPool(
                self.home, self.search_id, self.state, self._journal, heart, self._wish, self._say, prepared, dataset,
                self._make_launcher(prepared.device),
            )  # fmt: skip
            self._search(pool)
            self._train_final(pool)
        except ScanCancelled:
            return self._event("STOPPED", "stopped by the person while the images were read")
        except Stopped as stopped:
            return self._event("STOPPED", str(stopped))
        except (DatasetError, ModelError, SettingsError) as error:
            return self._event("FAILED", str(error))
        except OSError as error:
            return self._give_up(f"{error} Mend that (is the disk full?), then resume.")
        except Exception as error:
            self._give_up(f"The controller met an error ({type(error).__name__}: {error}); see its log, then resume.")
            raise
        finally:
            heart.stop()
            clear_commands(self.home, self.search_id)
        if self.gseca.best is None:
            errors = [trial.error for trial in self.state.ordered() if trial.error]
            return self._event("FAILED", f"No trial succeeded. The first error: {errors[0] if errors else 'unknown'}")
        return self._event("COMPLETE", self._note)

    def _since_then(self) -> str | None:
        """Of a resumed search, what may change the numbers and is not as it was when it began."""
        then = (self.state.fact or {}).get("environment") or {}
        found = [one for one in differences(then, environment()) if one.decides]
        return f"Resumed with {in_words(found)}." if found else None

    def _prepare(self, heart: Heart) -> tuple[Dataset, Prepared]:
        """Read the data and settle what all trials share; a resumed search takes what it recorded."""

        def wished() -> bool:
            return self._wish() is not None

        if self.state.data is not None:
            return recorded_data(self.settings, self.state.data, self.home, heart.tell, wished)
        dataset = read_data(self.settings, self.home, heart.tell, wished)
        for kind, payload in dataset_records(dataset):
            self._journal.append(kind, **payload)
        heart.tell("settle initial weights", 0, 0)
        prepared = settle(self.settings, dataset.dataset_id, self.home)
        command = exact_command(self.settings, prepared.files, prepared.device, prepared.threads)
        self._journal.append(
            "search_data", search_id=self.search_id, dataset_id=dataset.dataset_id, settled=asdict(prepared),
            command=command,
        )  # fmt: skip
        return dataset, prepared

    def _search(self, pool: TrialPool) -> None:
        while candidates := self.gseca.ask():
            pool.train([self._candidate(candidate, pool.prepared) for candidate in candidates])
            for candidate in candidates:
                self.gseca.tell(candidate, self._score(self._id(candidate)))
            decision = self.gseca.decisions[-1]
            if decision.cycle not in self.state.cycles:
                self._record(decision)
                self._event("RUNNING", None)
                pool.tell_news()
            self._drop_checkpoints(decision)

    def _train_final(self, pool: TrialPool) -> None:
        """Train the best point again from other seeds; the one best on validation is the search's model."""
        best, settings = self.gseca.best, self.settings
        if best is None:
            return
        size = settings.final_image_size or settings.image_size
        finals = [
            self._wanted(f"final-{seed}", None, FINAL, best, pool.prepared, seed=seed, image_size=size)
            for seed in range(settings.seed + 1, settings.seed + 1 + settings.final_seeds)
        ]
        pool.train(finals)
        for item in finals:
            self._drop_checkpoint(item.trial_id)
        complete = [item.trial_id for item in finals if self.state.trials[item.trial_id].status == "COMPLETE"]
        self._model_trial = max(complete, key=self._score, default=self._id(best))  # a tie: the first seed
        if finals and not complete:
            self._note = "Every final training failed, so the search's model is the best trial itself."

    # --- trials ----------------------------------------------------------------------------------------------

    def _candidate(self, candidate: Candidate, prepared: Prepared) -> Wanted:
        settings = self.settings
        wanted = self._wanted(
            f"{candidate.cycle:02d}-{candidate.coordinate}", candidate.cycle, candidate.coordinate, candidate, prepared,
            seed=settings.seed, image_size=settings.image_size,
        )  # fmt: skip
        if wanted.trial_id not in self.state.trials and settings.reuse == "yes":
            wanted.fact.update(continued(self.home, self.state, wanted, prepared))
        return wanted

    def _wanted(
        self, name: str, cycle: int | None, coordinate: str, at: Candidate, prepared: Prepared, *, seed: int,
        image_size: int,
    ) -> Wanted:  # fmt: skip
        trial_id = f"{self.search_id}.{name}"
        if trial_id not in self.state.trials:
            self._position += 1
        item = new_trial(
            trial_id, self.search_id, self.settings, at.point, prepared, position=self._position, cycle=cycle,
            coordinate=coordinate, seed=seed, image_size=image_size, de_count=self.gseca.de_count,
        )  # fmt: skip
        recorded = self.state.trials.get(trial_id)
        return Wanted(recorded.fact, item.settings) if recorded else item

    def _drop_checkpoints(self, decision: Decision) -> None:
        """Free the optimiser states that no candidate still to come can continue."""
        for earlier in self.gseca.decisions:
            for candidate in earlier.candidates:
                if self.gseca.finished or not self._within_reach(candidate, decision.chosen):
                    self._drop_checkpoint(self._id(candidate))

    def _drop_checkpoint(self, trial_id: str) -> None:
        folder = trial_folder(self.home, trial_id)
        if reuse.drop(folder):
            self._journal.append("files", trial_id=trial_id, search_id=self.search_id, bytes=reuse.bytes_taken(folder))

    def _within_reach(self, candidate: Candidate, current: Candidate | None) -> bool:
        """Steps only grow: a candidate behind the current point in anything but epochs is never reached again."""
        if current is None:
            return False
        names = [coordinate.name for coordinate in self.gseca.space.coordinates]
        pairs = zip(names, candidate.steps, current.steps, strict=True)
        return all(own >= reached for name, own, reached in pairs if name != "epochs")

    def _id(self, candidate: Candidate) -> str:
        return f"{self.search_id}.{candidate.cycle:02d}-{candidate.coordinate}"

    def _score(self, trial_id: str) -> float:
        trial = self.state.trials[trial_id]
        score = trial.metric("val", "accuracy")
        return FAILED if trial.status != "COMPLETE" or score is None else score

    # --- records ---------------------------------------------------------------------------------------------

    def _record(self, decision: Decision) -> None:
        chosen = decision.chosen
        self._journal.append(
            "cycle", search_id=self.search_id, cycle=decision.cycle,
            trial_ids=[self._id(candidate) for candidate in decision.candidates],
            chosen_trial_id=self._id(chosen) if chosen else None,
            chosen_score=max(decision.scores) if chosen else None, runner_up_score=decision.runner_up_score,
            improved=decision.improved, de_count=decision.de_count,
        )  # fmt: skip

    def _event(self, status: str, message: str | None) -> str:
        best = self._id(self.gseca.best) if self.gseca.best else None
        self._journal.append(
            "search_event", search_id=self.search_id, attempt=self._journal.attempt, status=status,
            de_count=self.gseca.de_count, best_trial_id=best, model_trial_id=self._model_trial,
            stop_reason=self.gseca.stop_reason, message=message,
        )  # fmt: skip
        self._say(self.state, self.state.update())
        return status

    def _give_up(self, message: str) -> str:
        with contextlib.suppress(OSError):  # a disk that is still full takes no record; the terminal gets the sentence
            return self._event("STOPPED", message)
        print(message, file=sys.stderr)
        return "STOPPED"

    def _wish(self) -> str | None:
        wishes = (self._interrupted(), commanded(self.home, self.search_id))
        return CANCEL if CANCEL in wishes else STOP if STOP in wishes else None
