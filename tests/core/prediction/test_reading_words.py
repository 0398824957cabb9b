"""What tables, pages and reports say of a reading in the same words."""

import numpy as np

from core.prediction.reading import REFER, BlastFlag, Decision, Flag
from core.prediction.reading_words import reasons_to_look, sets_words, share_of, share_words, watch_words
from tests.store.factory_readings import a_reading, called


def test_the_probability_beside_a_decision_is_that_of_the_decided_class():
    at_a_point = a_reading(called("erythroblast"))  # which is less probable than monocyte
    assert share_of(at_a_point) == 0.3
    assert share_words(at_a_point) == "30.0%"
    assert share_words(a_reading()) == "monocyte 60.0%"  # of two classes
    assert share_words(a_reading(Decision(REFER, (), "flag"))) == "monocyte 60.0%"


def test_nearly_certain_is_not_told_as_certain():
    sure = np.array([0, 0, 1 - 1e-6, 1e-6, 0])
    assert share_words(a_reading(called("monocyte"), probabilities=sure)) == ">99.9%"


def test_reasons_to_look_tell_what_nothing_vouches_for():
    assert reasons_to_look(a_reading()) == "2 classes possible, 1 check not made"
    unknown = (Flag("blur", None, "Unknown."), Flag("size", None, "Unknown."))
    assert reasons_to_look(a_reading(calibrated=False, prediction_set=(), flags=unknown)) == (
        "Not calibrated, 2 checks not made"
    )
    fine = a_reading(called("monocyte"), prediction_set=("monocyte",), flags=(Flag("blur", False, "Sharp."),))
    assert reasons_to_look(fine) == ""
    assert reasons_to_look(a_reading(prediction_set=(), flags=())) == "Unlike every class, No checks made"


def test_sets_and_the_watch_are_told_as_shares_of_new_images():
    assert sets_words({"monocyte": 0.95, "seg_neutrophil": 0.9375}) == (
        "Such sets hold the true class of at least 93.7% of new images of each class (monocyte 95.0%), on "
        "average, as far as they are like the calibration images."
    )
    assert watch_words(BlastFlag("myeloblast", True, 0.000123, 0.00011, 0.967, 60)) == (
        "Watch on myeloblast: raised (uncalibrated probability 0.012%, threshold 0.011%, set to find at least 96.7% of "
        "new ones, on average, as far as they are like the calibration images, of which there are 60)."
    )
