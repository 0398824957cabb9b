"""Queries to begin with on the page Query, over the tables that `store.contract` tells. Each reads; none takes long."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """A query, and how its result is drawn (kind: none, line, bar or scatter; x, y, colour: names of its columns)."""

    title: str
    sql: str
    kind: str = "none"
    x: str = ""
    y: str = ""
    colour: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "sql", self.sql.strip())


_LATEST = "(SELECT arg_max(search_id, created_at) FROM search WHERE origin = 'own')"

EXAMPLES = (
    Example(
        "Best trials of all searches",
        """
SELECT s.name AS search, t.trial_id, t.learning_rate, t.batch_size, t.epochs, t.val_accuracy, t.test_accuracy
FROM trial t
JOIN search s USING (search_id)
WHERE t.status = 'COMPLETE'
ORDER BY t.val_accuracy DESC NULLS LAST
LIMIT 100
""",
    ),
    Example(
        "Recall of each class by epoch, best trial of the newest search",
        f"""
SELECT r.epoch, r.class, r.recall, r.support AS images
FROM class_report r
JOIN search s ON s.best_trial_id = r.trial_id
WHERE r.split = 'val' AND s.search_id = {_LATEST}
ORDER BY r.epoch, r.class_index
""",
        "line", "epoch", "recall", "class",
    ),
    Example(
        "Images most often wrong, over all trials",
        """
WITH called AS (
    SELECT *, list_position(probabilities, list_max(probabilities)) - 1 AS called_index
    FROM prediction
    WHERE split = 'test'
)
SELECT i.path, c.true_class, count(*) AS trials, count(*) FILTER (called_index <> true_index) AS wrong,
    round(wrong / trials, 3) AS share
FROM called c
JOIN search s USING (search_id)
JOIN image i USING (dataset_id, image_id)
GROUP BY ALL
HAVING wrong > 0
ORDER BY share DESC, wrong DESC, i.path
LIMIT 200
""",
    ),
    Example(
        "Which classes are taken for which, models of all searches",
        """
SELECT c.true_class || ' → ' || c.predicted_class AS mistake, sum(c.count) AS images
FROM confusion c
JOIN search s ON c.trial_id = coalesce(s.model_trial_id, s.best_trial_id)
WHERE c.split = 'test' AND c.true_class <> c.predicted_class
GROUP BY mistake
HAVING images > 0
ORDER BY images DESC
LIMIT 25
""",
        "bar", "mistake", "images",
    ),
    Example(
        "Seconds an epoch, by batch size",
        """
SELECT s.name AS search, t.batch_size, median(e.seconds) AS seconds, median(e.images_per_second) AS images_per_second,
    count(*) AS epochs
FROM epoch e
JOIN trial t USING (search_id, trial_id)
JOIN search s USING (search_id)
WHERE e.split = 'train' AND NOT coalesce(e.reused, false) AND e.seconds IS NOT NULL
GROUP BY ALL
ORDER BY search, t.batch_size
""",
        "scatter", "batch_size", "seconds", "search",
    ),
    Example(
        "Epochs saved by continuing earlier trials",
        """
SELECT s.name AS search, sum(t.epochs) AS asked, sum(coalesce(t.reused_epochs, 0)) AS saved,
    round(saved / asked, 3) AS share
FROM trial t
JOIN search s USING (search_id)
GROUP BY s.search_id, s.name
ORDER BY saved DESC
""",
        "bar", "search", "saved",
    ),
    Example(
        "How near the runner-up was, cycle by cycle",
        """
SELECT s.name AS search, c.cycle, c.chosen_trial_id, c.chosen_score, c.runner_up_score,
    c.chosen_score - c.runner_up_score AS lead, c.improved, c.de_count
FROM cycle c
JOIN search s USING (search_id)
WHERE c.runner_up_score IS NOT NULL
ORDER BY search, c.cycle
""",
        "bar", "cycle", "lead", "search",
    ),
    Example(
        "Training against validation accuracy",
        """
SELECT s.name AS search, t.trial_id, t.learning_rate, t.train_accuracy, t.val_accuracy,
    t.train_accuracy - t.val_accuracy AS gap
FROM trial t
JOIN search s USING (search_id)
WHERE t.val_accuracy IS NOT NULL
ORDER BY gap DESC
""",
        "scatter", "train_accuracy", "val_accuracy", "search",
    ),
    Example(
        "Spread of the final trainings from different seeds",
        """
SELECT s.name AS search, count(*) AS seeds, avg(t.test_accuracy) AS mean, min(t.test_accuracy) AS lowest,
    max(t.test_accuracy) AS highest, stddev_samp(t.test_accuracy) AS deviation
FROM trial t
JOIN search s USING (search_id)
WHERE t.coordinate = 'final' AND t.test_accuracy IS NOT NULL
GROUP BY s.search_id, s.name
ORDER BY seeds DESC
""",
    ),
    Example(
        "Disk used by weights",
        """
SELECT s.name AS search, round(sum(t.files_bytes) / 1e6, 1) AS megabytes, count(t.files_bytes) AS trials
FROM trial t
JOIN search s USING (search_id)
GROUP BY s.search_id, s.name
HAVING megabytes > 0
ORDER BY megabytes DESC
""",
        "bar", "search", "megabytes",
    ),
    Example(
        "What experts made of readings, by model",
        """
SELECT model_id, array_to_string(decided_classes, ' or ') AS decided, verdict, expert_class, count(*) AS readings
FROM reviewed_reading
WHERE verdict IS NOT NULL
GROUP BY ALL
ORDER BY readings DESC, model_id, decided
LIMIT 200
""",
    ),
    Example(
        "Trials that failed, and why",
        """
SELECT s.name AS search, t.trial_id, t.error, t.finished_at
FROM trial t
JOIN search s USING (search_id)
WHERE t.status = 'FAILED'
ORDER BY t.finished_at DESC
""",
    ),
)  # fmt: skip
