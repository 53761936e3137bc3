"""What `explain` says of the configurations whose objective is known, on policy and off."""

from dataclasses import replace

import pytest

from wis.lm.kl import KLConfiguration, explain
from wis.lm.kl.verdict import NAMES, SAMPLING, is_unbiased, judge

LOSS = KLConfiguration(aggregation="sum", sampler="rollout-engine")
REWARD = replace(LOSS, estimator="k1", placement="reward")
BOTH = replace(LOSS, placement="both", ratio_differentiated=False)
KNOWN = {
    "K1 in reward": (REWARD, "reverse"),
    "K1 in reward, to-go": (replace(REWARD, returns="to-go"), "reverse"),
    "K2 in loss, sequence": (replace(LOSS, estimator="k2", level="sequence"), "reverse"),
    "K1 in both": (replace(BOTH, estimator="k1"), "reverse"),
    "K3 in both": (BOTH, "reverse"),
    "K3 in both, to-go": (replace(BOTH, returns="to-go"), "reverse"),
    "full in both, to-go": (replace(BOTH, estimator="full", returns="to-go"), "reverse"),
    "K3, prefix ratio": (replace(LOSS, ratio="prefix"), "reverse"),
    "K3, sequence, sequence ratio": (replace(LOSS, level="sequence", ratio="sequence"), "reverse"),
    "K1 in loss": (replace(LOSS, estimator="k1"), "zero"),
    "K2 in loss, token": (replace(LOSS, estimator="k2"), "partial reverse"),
    "K3, token ratio": (replace(LOSS, ratio="token"), "partial reverse"),
    "K1 in reward, own token": (replace(REWARD, returns="none"), "partial reverse"),
    "full in loss": (replace(LOSS, estimator="full"), "partial reverse"),
    "K3 straight through": (replace(LOSS, straight_through=True), "partial reverse"),
    "K3 in loss, token": (LOSS, "partial forward"),
    "K3 in loss, sequence": (replace(LOSS, level="sequence"), "forward"),
    "abs in loss, sequence": (replace(LOSS, estimator="abs", level="sequence"), "variation"),
    "abs in loss, token": (replace(LOSS, estimator="abs"), "partial variation"),
    "K3 in reward": (replace(REWARD, estimator="k3"), "unbounded"),
    "K3 in reward, own token": (replace(REWARD, estimator="k3", returns="none"), "unbounded"),
    "K3 in reward, sequence": (replace(REWARD, estimator="k3", level="sequence"), "unbounded"),
    "K2 in reward": (replace(REWARD, estimator="k2"), "unnamed"),
    "K1 in reward, mean a sequence": (replace(REWARD, aggregation="sequence-mean-token-mean"), "unnamed"),
    "K1 in reward, token mean": (replace(REWARD, aggregation="token-mean"), "reverse"),
}


@pytest.mark.parametrize("name", KNOWN)
def test_the_objective_on_policy(name):
    configuration, kind = KNOWN[name]
    verdict = judge(configuration, "on policy")
    assert verdict.kind == kind
    assert verdict.is_unbiased == (kind == "reverse")
    if kind == "reverse":
        assert verdict.error < 1e-9
        assert verdict.scale == pytest.approx((1, 1))
        assert verdict.cosine == pytest.approx(1)
    if kind == "zero":
        assert verdict.error == pytest.approx(1)
    if kind == "variation":
        assert verdict.scale == pytest.approx((2, 2))


OFF_POLICY = {
    "K3, prefix ratio": (replace(LOSS, ratio="prefix"), True),
    "K3, sequence ratio": (replace(LOSS, level="sequence", ratio="sequence"), True),
    "K2, sequence ratio detached": (
        replace(LOSS, estimator="k2", level="sequence", ratio="sequence", ratio_differentiated=False), True),
    "K1 in reward, sequence ratio": (replace(REWARD, ratio="sequence"), True),
    "K2, sequence ratio": (replace(LOSS, estimator="k2", level="sequence", ratio="sequence"), False),
    "K3, token ratio": (replace(LOSS, ratio="token"), False),
    "K3, prefix ratio detached": (replace(LOSS, ratio="prefix", ratio_differentiated=False), False),
    "K1 in reward, no ratio": (REWARD, False),
    "K2, no ratio": (replace(LOSS, estimator="k2", level="sequence"), False),
    "K3 in both, no ratio": (BOTH, False),
}  # fmt: skip


@pytest.mark.parametrize("name", OFF_POLICY)
@pytest.mark.parametrize("sampling", ["old policy", "rollout engine"])
def test_what_is_unbiased_off_policy(name, sampling):
    configuration, unbiased = OFF_POLICY[name]
    verdict = judge(configuration, sampling)
    assert verdict.is_unbiased == unbiased
    assert (verdict.error < 1e-9) == unbiased


def test_a_ratio_to_the_old_policy_does_not_correct_the_engine():
    trl = replace(LOSS, ratio="prefix", sampler="old-policy")
    assert is_unbiased(trl, ("on policy", "old policy"))
    assert not is_unbiased(trl, ("rollout engine",))


def test_effective_beta_falls_with_the_std_where_only_the_reward_is_divided():
    found = explain(replace(LOSS, ratio="prefix", scaling="group", coefficient=0.04))
    assert [w.effective for w in found.weights[:2]] == pytest.approx([0.04 * 0.5, 0.04 * 0.05], rel=3e-3)
    assert not found.cancels
    undivided = explain(replace(LOSS, ratio="prefix", coefficient=0.04))
    assert [w.effective for w in undivided.weights[:2]] == pytest.approx([0.04, 0.04])


def test_beta_cancels_where_rewards_tie_and_the_penalty_is_divided_with_them():
    divided = replace(REWARD, scaling="group", coefficient=1e-3)
    found = explain(divided)
    assert found.cancels
    assert found.weights[0].effective == pytest.approx(1e-3)
    assert found.weights[-1].penalty / 1e-3 > 100
    assert any("β cancels" in text for text in found.warnings)
    assert not explain(replace(divided, penalty_after_scaling=True)).cancels


# The std of a batch of one input of each std.
BATCH_STD = ((0.5**2 + 0.05**2 + 0) / 3) ** 0.5


def test_the_std_of_a_batch_is_over_its_inputs():
    found = explain(replace(LOSS, ratio="prefix", scaling="batch", coefficient=0.04))
    assert [w.effective for w in found.weights[:2]] == pytest.approx([0.04 * BATCH_STD] * 2, rel=1e-3)
    assert found.weights[-1].penalty == pytest.approx(0.04)
    assert found.effective.endswith("; these three inputs make the batch")
    assert found.effective.startswith("effective β of an input, outputs of one length (β = ")
    assert "these three" not in explain(replace(LOSS, ratio="prefix", scaling="group")).effective


def test_beta_does_not_cancel_where_a_batch_is_divided_by_its_std():
    # Other inputs have spread: an input whose rewards tie is pushed by β over the batch's std.
    found = explain(replace(REWARD, scaling="batch", coefficient=1e-3))
    assert not found.cancels
    assert not any("cancels" in text for text in found.warnings)
    assert [w.effective for w in found.weights[:2]] == pytest.approx([1e-3] * 2)
    assert found.weights[-1].penalty / 1e-3 == pytest.approx(1 / BATCH_STD, rel=2e-3)
    # Where the penalty is what spreads the rewards of the batch, it does.
    assert explain(replace(REWARD, scaling="batch", coefficient=10.0)).cancels


def test_a_floor_above_the_spread_keeps_beta():
    tied = replace(REWARD, scaling="group", coefficient=1e-5)
    assert not explain(tied).cancels
    assert explain(tied).weights[-1].penalty < 1e-5 * 1e4
    assert explain(replace(tied, std_floor=1e-9)).cancels
    assert explain(replace(LOSS, ratio="prefix", std_floor=1e-6)).ignored == ("std_floor",)


def test_the_clamp_is_found_in_the_slope():
    found = explain(replace(LOSS, difference_clamp=20.0, value_clamp=10.0))
    assert pow(2.718281828, found.dead_below) == pytest.approx(0.0735, abs=1e-3)
    assert any("π < 0.074 ref" in text for text in found.warnings)
    k2 = explain(replace(LOSS, estimator="k2", value_clamp=10.0))
    assert (k2.dead_below, k2.dead_above) == pytest.approx((-4.47, 4.47), abs=0.02)


def test_fields_that_do_nothing_are_named():
    found = explain(replace(LOSS, returns="to-go", penalty_policy="old", ratio="prefix"))
    assert found.ignored == ("returns", "penalty_policy")
    assert explain(replace(REWARD, returns="to-go", sampler="on-policy")).ignored == ()


def test_lengths_that_differ_are_told_apart():
    found = explain(replace(REWARD, aggregation="sequence-mean-token-mean"))
    assert found.equal_lengths.is_unbiased
    assert not found.verdicts["on policy"].is_unbiased
    assert any("different lengths" in text for text in found.warnings)


@pytest.mark.parametrize("name", KNOWN)
def test_the_change_it_names_is_unbiased(name):
    configuration, _ = KNOWN[name]
    change = explain(configuration).change
    assert is_unbiased(replace(configuration, **change), tuple(SAMPLING))
    assert bool(change) != is_unbiased(configuration, tuple(SAMPLING))


def test_the_change_for_trls_default_is_the_prefix_ratio():
    assert explain(replace(LOSS, ratio="token")).change == {"ratio": "prefix"}


def test_the_text_says_it_all():
    text = str(explain(replace(LOSS, estimator="k1")))
    assert "on policy: zero: the penalty has no expected gradient (relative error 1)" in text
    assert "warning: the penalty does nothing in expectation" in text
    assert "to be unbiased however outputs are drawn: ratio='prefix'" in text
    assert set(NAMES) >= {kind for _, kind in KNOWN.values()}


def test_no_coefficient_no_objective():
    with pytest.raises(ValueError, match="coefficient is 0"):
        explain(replace(LOSS, coefficient=0.0))
