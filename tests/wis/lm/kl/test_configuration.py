import numpy as np
import pytest

from wis.lm.kl import KLConfiguration
from wis.lm.kl.configuration import choices


@pytest.mark.parametrize("name", sorted(choices()))
def test_a_choice_that_is_none_is_refused_by_name(name):
    with pytest.raises(ValueError, match=f"{name} must be .*, got 'nothing'"):
        KLConfiguration(**{name: "nothing"})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"coefficient": -1}, "coefficient must be finite and at least 0, got -1"),
        ({"coefficient": float("nan")}, "coefficient must be finite"),
        ({"value_clamp": 0}, "value_clamp must be above 0"),
        ({"difference_clamp": -2.0}, "difference_clamp must be above 0"),
        ({"constant_length": 0}, "constant_length must be above 0"),
        ({"std_floor": 0}, "std_floor must be above 0, got 0"),
        ({"ratio_clip": (1.1, 1.2)}, r"ratio_clip must be \(low, high\)"),
        ({"estimator": "full", "level": "sequence"}, "needs level='token'"),
        ({"level": "sequence", "ratio": "prefix"}, "one weight a token"),
    ],
)
def test_contradictions_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        KLConfiguration(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"coefficient": "0.1"}, "coefficient must be a number, got '0.1'"),
        ({"coefficient": True}, "coefficient must be a number, got True"),
        ({"straight_through": "false"}, "straight_through must be True or False, got 'false'"),
        ({"ratio_differentiated": 0}, "ratio_differentiated must be True or False, got 0"),
        ({"penalty_after_scaling": None}, "penalty_after_scaling must be True or False, got None"),
        ({"value_clamp": "a"}, "value_clamp must be a number, got 'a'"),
        ({"difference_clamp": [1.0]}, r"difference_clamp must be a number, got \[1.0\]"),
        ({"constant_length": 2.7}, "constant_length must be an integer, got 2.7"),
        ({"ratio_clip": 0.2}, r"ratio_clip must be \(low, high\), or None for no bound, got 0.2"),
        ({"ratio_clip": (0.8, "b")}, "each end of ratio_clip must be a number, got 'b'"),
    ],
)
def test_wrong_types_are_refused_by_name(settings, message):
    with pytest.raises(TypeError, match=message):
        KLConfiguration(**settings)


def test_numbers_of_numpy_are_numbers():
    found = KLConfiguration(coefficient=np.float32(0.5), constant_length=np.int64(3), straight_through=np.True_)
    assert found == KLConfiguration(coefficient=0.5, constant_length=3, straight_through=True)


def test_a_reward_penalty_takes_any_ratio_with_a_sequence_estimate():
    assert KLConfiguration(level="sequence", ratio="token", placement="reward").ratio == "token"


def test_text_names_what_was_set():
    text = str(KLConfiguration(ratio="prefix", value_clamp=10.0))
    assert text == "coefficient=0.01 estimator=k3 placement=loss ratio=prefix value_clamp=10.0"


def test_texts_make_a_configuration():
    found = KLConfiguration.from_settings(
        {"coefficient": "0.1", "ratio": "prefix", "ratio_differentiated": "false", "ratio_clip": "0.8,1.2",
         "constant_length": "12", "value_clamp": "none"}
    )  # fmt: skip
    assert found == KLConfiguration(
        coefficient=0.1, ratio="prefix", ratio_differentiated=False, ratio_clip=(0.8, 1.2), constant_length=12
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"beta": "1"}, "unknown setting 'beta'; there are coefficient, estimator"),
        ({"coefficient": "much"}, "coefficient must be a number, got 'much'"),
        ({"straight_through": "1"}, "straight_through must be true or false"),
        ({"straight_trough": "true"}, "unknown setting 'straight_trough'; did you mean 'straight_through'"),
        ({"coefficient": "0.1,5"}, "coefficient must be a number, got '0.1,5'"),
        ({"value_clamp": "1,2"}, "value_clamp must be a number, got '1,2'"),
        ({"constant_length": "2.7"}, "constant_length must be an integer, got '2.7'"),
        ({"constant_length": "2,3"}, "constant_length must be an integer, got '2,3'"),
        ({"ratio_clip": "a,b"}, "ratio_clip must be two numbers, low,high, got 'a,b'"),
        ({"ratio_clip": "0.8,1,1.2"}, r"ratio_clip must be \(low, high\)"),
        ({"ratio_clip": "0.8"}, r"ratio_clip must be \(low, high\)"),
    ],
)
def test_wrong_texts_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        KLConfiguration.from_settings(settings)
