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
        ({"ratio_clip": (1.1, 1.2)}, r"ratio_clip must be \(low, high\)"),
        ({"estimator": "full", "level": "sequence"}, "needs level='token'"),
        ({"level": "sequence", "ratio": "prefix"}, "one weight a token"),
    ],
)
def test_contradictions_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        KLConfiguration(**settings)


def test_a_coefficient_is_a_number():
    with pytest.raises(TypeError, match="coefficient must be a number, got '0.1'"):
        KLConfiguration(coefficient="0.1")


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
        ({"ratio_clip": "0.8"}, r"ratio_clip must be \(low, high\)"),
    ],
)
def test_wrong_texts_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        KLConfiguration.from_settings(settings)
