"""Advice in a library's own words: it is tried before it is given."""

import pytest

from wis.lm.kl import advise, advise_config
from wis.lm.kl.libraries import find, read
from wis.lm.kl.verdict import is_unbiased

CASES = {
    "trl": ["beta=0.04"],
    "trl, grpo": ["beta=0.04", "loss_type=grpo"],
    "trl, before 1.10": ["beta=0.04", "use_bias_correction_kl=false"],
    "verl": ["use_kl_loss=true"],
    "verl, k3 in reward": ["use_kl_in_reward=true", "kl_penalty=low_var_kl", "adv_estimator=grpo"],
    "openrlhf, k1 in loss": ["--algo.kl.use_loss"],
    "skyrl": [],
}

LENGTH = ("actor_rollout_ref.actor.loss_scale_factor",)


def _advise(name):
    library = name.split(",")[0]
    return library, find(library).parse(CASES[name]), advise(library, find(library).parse(CASES[name]))


@pytest.mark.parametrize("name", CASES)
def test_the_change_that_is_named_is_unbiased_on_policy(name):
    library, settings, found = _advise(name)
    assert found.change
    assert "on policy" in found.samplings
    terms = read(library, {**settings, **found.change}).terms
    assert terms
    assert all(is_unbiased(term, found.samplings) for term in terms)
    assert f"to be unbiased ({', '.join(found.samplings)}): " in str(found)


def test_what_each_library_runs():
    kinds = {name: _advise(name)[2].explanations[0].verdicts["on policy"].kind for name in CASES}
    assert kinds == {
        "trl": "partial reverse",
        "trl, grpo": "unnamed",
        "trl, before 1.10": "partial forward",
        "verl": "partial forward",
        "verl, k3 in reward": "unbounded",
        "openrlhf, k1 in loss": "zero",
        "skyrl": "unnamed",
    }
    assert _advise("skyrl")[2].explanations[0].equal_lengths.kind == "partial forward"


@pytest.mark.parametrize("words", [[], ["use_kl_in_reward=true", "grpo.adv_estimator.name=reinforce_plus_plus"]])
def test_nemo_rls_grpo_has_nothing_that_is_unbiased(words):
    found = advise("nemo-rl", find("nemo-rl").parse(words))
    assert found.explanations[0].verdicts["on policy"].kind in ("partial reverse", "unbounded")
    assert found.change is None
    assert "NeMo-RL has no option that makes it unbiased; wis.lm.kl.objective does, with " in str(found)


def test_verls_gspo_is_told_by_its_version():
    settings = {"algorithm.use_kl_in_reward": "true", "actor_rollout_ref.actor.policy_loss.loss_mode": "gspo"}
    assert advise("verl", settings, "0.9.1").change == {}
    before = advise("verl", settings, "0.9.0")
    assert not before.explanations[0].verdicts["on policy"].is_unbiased
    assert before.change is None  # whatever loss_agg_mode says


def test_rloo_has_nothing_to_change_on_policy():
    found = advise("trl", {"trainer": "rloo"})
    assert found.change == {}
    assert "unbiased (on policy): nothing to change" in str(found)


def test_settings_without_effect_are_named():
    found = advise("trl", {"beta": "0.04", "epsilon": "0.3", "loss_type": "dapo"})
    assert found.ignored == ("epsilon",)
    found = advise("verl", {"actor_rollout_ref.actor.use_kl_loss": "true", "algorithm.kl_penalty": "k1"})
    assert found.ignored == ("algorithm.kl_penalty",)
    found = advise("verl", {"actor_rollout_ref.actor.use_kl_loss": "true", **dict.fromkeys(LENGTH, "8")})
    assert found.ignored == LENGTH  # of token-mean


@pytest.mark.parametrize(
    "given",
    [
        {"actor_rollout_ref.actor.policy_loss.loss_mode": "gspo"},
        {"actor_rollout_ref.actor.policy_loss.loss_mode": "vanilla"},
        {"algorithm.kl_ctrl.type": "adaptive"},
        {"algorithm.kl_ctrl.type": "fixed"},
        {"algorithm.gamma": "0.99", "algorithm.lam": "1"},
        {"actor_rollout_ref.actor.loss_agg_mode": "seq-mean-token-sum-norm", LENGTH[0]: "8"},
    ],
)
def test_settings_with_an_effect_are_not_said_to_have_none(given):
    assert advise("verl", {"algorithm.use_kl_in_reward": "true", **given}).ignored == ()


def test_settings_that_are_not_known_are_told_apart():
    found = advise("trl", {"beta": "0.04", "epsilon": "0.3", "temperature": "0.9"})
    assert found.ignored == ("epsilon",)
    assert "not known here, and not read: temperature" in str(found)


def test_no_term_is_said():
    assert "no KL term" in str(advise("trl", {}))


def test_no_option_of_the_library_leads_there():
    # Without on-policy outputs, none of TRL's options is unbiased for the engine's own probabilities.
    assert advise("trl", {"beta": 0.1}).samplings == ("on policy",)


def test_a_config_object():
    trl = pytest.importorskip("trl")
    config = trl.GRPOConfig(output_dir="unused", beta=0.1, report_to="none", use_cpu=True, bf16=False)
    found = advise_config(config)
    assert found.reading.version == trl.__version__
    assert found.explanations[0].configuration.coefficient == 0.1
    with pytest.raises(TypeError, match="GRPOConfig or RLOOConfig, got dict"):
        advise_config({})
