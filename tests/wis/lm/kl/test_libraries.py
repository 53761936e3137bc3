"""Settings of libraries, in their own words, and what they mean here."""

import re

import pytest

from wis.lm.kl.libraries import LIBRARIES, find, read
from wis.lm.kl.libraries.reading import assignments, flattened, version_numbers


def _terms(library, words, version=None):
    return read(library, find(library).parse(words), version).terms


def _fields(term, *names):
    return tuple(getattr(term, name) for name in names)


@pytest.mark.parametrize("library", LIBRARIES)
def test_defaults(library):
    kinds = [_fields(term, "estimator", "placement", "ratio", "coefficient") for term in _terms(library, [])]
    assert (
        kinds
        == {
            "trl": [],  # β is 0
            "verl": [],
            "openrlhf": [("k1", "reward", "token", 0.01)],
            "nemo-rl": [("k3", "loss", "token", 0.01)],
            "skyrl": [("k3", "loss", "none", 0.001)],
        }[library]
    )


def test_trl_changed_between_versions():
    beta = ["beta=0.04"]
    assert _terms("trl", beta, "1.16.0")[0].ratio == "token"
    assert _terms("trl", beta, "1.10")[0].ratio == "token"
    assert _terms("trl", beta, "1.9.2")[0].ratio == "none"
    assert _terms("trl", [*beta, "use_bias_correction_kl=true"], "0.26")[0].ratio == "token"
    assert _terms("trl", [*beta, "use_bias_correction_kl=true"], "0.25")[0].ratio == "none"


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        (["loss_type=grpo"], "aggregation", "sequence-mean-token-mean"),
        (["loss_type=dr_grpo"], "aggregation", "constant"),
        (["loss_type=bnpo"], "aggregation", "token-mean"),
        (["importance_sampling_level=sequence"], "ratio", "geometric"),
        (["scale_rewards=none"], "scaling", "none"),
        (["scale_rewards=False"], "scaling", "none"),
        (["scale_rewards=FALSE"], "scaling", "none"),
        (["scale_rewards=batch"], "scaling", "batch"),
        (["trainer=rloo"], "placement", "reward"),
        (["trainer=rloo", "normalize_advantages=true"], "scaling", "batch"),
        (["trainer=rloo", "epsilon_high=0.3"], "ratio_clip", (0.8, 1.3)),
    ],
)
def test_trl(words, field, value):
    (term,) = _terms("trl", ["beta=0.04", *words])
    assert getattr(term, field) == value
    assert term.coefficient == 0.04


def test_trl_says_what_does_not_touch_the_term():
    reading = read("trl", {"beta": "0.1", "use_vllm": "true", "temperature": "0.9", "num_iterations": "2"})
    assert any("vLLM importance ratio does not touch the KL term" in note for note in reading.notes)
    assert any(note.startswith("num_iterations makes the later updates") for note in reading.notes)
    assert reading.unknown == ("temperature",)


@pytest.mark.parametrize(
    ("library", "words", "given", "meant"),
    [
        ("trl", ["loss_typ=grpo"], "loss_typ", "loss_type"),
        ("trl", ["Loss-Type=grpo"], "Loss-Type", "loss_type"),
        ("verl", ["kl_loss_typ=k1"], "kl_loss_typ", "actor_rollout_ref.actor.kl_loss_type"),
        ("verl", ["algorithm.use_kl_in_rewards=True"], "algorithm.use_kl_in_rewards", "algorithm.use_kl_in_reward"),
        ("openrlhf", ["--algo.kl.use_los"], "algo.kl.use_los", "algo.kl.use_loss"),
        ("openrlhf", ["--init-kl-coef", "0.5"], "init-kl-coef", "init_kl_coef"),
        ("nemo-rl", ["loss_fn.token_level_los=true"], "loss_fn.token_level_los", "loss_fn.token_level_loss"),
        ("skyrl", ["kl_estimator_typ=k1"], "kl_estimator_typ", "trainer.algorithm.kl_estimator_type"),
    ],
)
def test_a_name_that_is_near_a_known_one_is_refused(library, words, given, meant):
    with pytest.raises(ValueError, match=f"unknown setting '{given}' of {library}; did you mean '{meant}'"):
        read(library, find(library).parse(words))


@pytest.mark.parametrize(
    ("library", "names"),
    [
        ("trl", "adam_epsilon num_generations vllm_importance_sampling_mode learning_rate do_train"),
        (
            "verl",
            "actor_rollout_ref.actor.policy_loss.ppo_kl_coef algorithm.kl_ctrl.target_kl "
            "critic.loss_agg_mode critic.cliprange_value actor_rollout_ref.actor.use_torch_compile",
        ),
        ("openrlhf", "algo.kl.horizon algo.advantage.gamma algo.advantage.no_std_norm actor.eps_clip kl_target"),
        ("nemo-rl", "loss_fn.ratio_clip_c grpo.adv_estimator.normalize_rewards"),
        ("skyrl", "trainer.algorithm.policy_loss_type trainer.algorithm.clip_ratio_c"),
    ],
)
def test_other_settings_of_the_library_are_not_known_here(library, names):
    given = tuple(names.split())
    assert read(library, dict.fromkeys(given, "1")).unknown == given


@pytest.mark.parametrize(
    ("library", "words", "name"),
    [
        ("trl", ["beta=-1"], "beta"),
        ("trl", ["trainer=rloo", "beta=inf"], "beta"),
        ("verl", ["use_kl_loss=true", "kl_loss_coef=-1"], "actor_rollout_ref.actor.kl_loss_coef"),
        ("verl", ["use_kl_in_reward=true", "kl_ctrl.kl_coef=-1"], "algorithm.kl_ctrl.kl_coef"),
        ("openrlhf", ["--algo.kl.init_coef", "-1"], "algo.kl.init_coef"),
        ("nemo-rl", ["loss_fn.reference_policy_kl_penalty=-1"], "loss_fn.reference_policy_kl_penalty"),
        ("skyrl", ["trainer.algorithm.kl_loss_coef=-1"], "trainer.algorithm.kl_loss_coef"),
    ],
)
def test_a_wrong_coefficient_is_named_as_the_library_names_it(library, words, name):
    with pytest.raises(ValueError, match=rf"^{re.escape(name)} must be finite and at least 0, got"):
        _terms(library, words)


def test_no_setting_of_the_installed_trl_is_taken_for_a_slip():
    trl = pytest.importorskip("trl")
    for config in (trl.GRPOConfig, trl.RLOOConfig):
        read("trl", {name: "1" for name in config.__dataclass_fields__ if name not in find("trl").KNOWN})


def test_trl_objects():
    trl = pytest.importorskip("trl")
    common = {"report_to": "none", "use_cpu": True, "bf16": False}
    grpo = trl.GRPOConfig(output_dir="unused", beta=0.04, scale_rewards="none", **common)
    assert find("trl").settings_of(grpo) == {"trainer": "grpo", "beta": 0.04, "scale_rewards": "none"}
    assert find("trl").settings_of(trl.RLOOConfig(output_dir="unused", **common)) == {"trainer": "rloo"}
    assert (
        read("trl", find("trl").settings_of(trl.RLOOConfig(output_dir="unused", **common))).terms[0].coefficient == 0.05
    )


def test_trl_objects_tell_what_stands_beside_the_term():
    trl = pytest.importorskip("trl")
    common = {"output_dir": "unused", "report_to": "none", "use_cpu": True, "bf16": False, "beta": 0.1}
    apart = trl.GRPOConfig(multi_objective_aggregation="normalize_then_sum", scale_rewards="none", **common)
    reading = read("trl", find("trl").settings_of(apart))
    assert reading.terms[0].scaling == "group"
    assert any("normalize_then_sum divides each reward function by its own std" in note for note in reading.notes)
    again = find("trl").settings_of(trl.GRPOConfig(num_iterations=2, delta=2.0, **common))
    assert again == {"trainer": "grpo", "beta": 0.1, "num_iterations": 2, "delta": 2.0}
    assert len(read("trl", again).notes) == 2
    more = trl.GRPOConfig(steps_per_generation=4, gradient_accumulation_steps=2, **common)
    assert find("trl").settings_of(more)["steps_per_generation"] == 4
    once = trl.GRPOConfig(gradient_accumulation_steps=4, **common)
    assert find("trl").settings_of(once) == {"trainer": "grpo", "beta": 0.1}


def test_verl_files_and_overrides(tmp_path):
    file = tmp_path / "ppo.yaml"
    file.write_text(
        "actor_rollout_ref:\n  actor:\n    use_kl_loss: true\n    kl_loss_coef: 0.01\n    kl_loss_type: k3+\n"
        "algorithm:\n  adv_estimator: grpo\n"
    )
    (term,) = _terms("verl", [str(file)])
    assert _fields(term, "coefficient", "estimator", "straight_through", "scaling") == (0.01, "k3", True, "group")
    assert _fields(term, "difference_clamp", "value_clamp") == (20.0, 10.0)
    (term,) = _terms("verl", [str(file), "actor_rollout_ref.actor.kl_loss_type=kl", "loss_agg_mode=seq-mean-token-sum"])
    assert _fields(term, "estimator", "straight_through", "value_clamp", "aggregation") == ("k1", False, None, "sum")


def test_verl_in_reward():
    words = ["use_kl_in_reward=True", "kl_penalty=low_var_kl+", "adv_estimator=grpo", "kl_ctrl.kl_coef=0.002"]
    reading = read("verl", find("verl").parse(words))
    (term,) = reading.terms
    assert _fields(term, "placement", "returns", "scaling", "penalty_policy", "straight_through", "coefficient") == (
        "reward", "full", "group", "old", False, 0.002)  # fmt: skip
    assert any("trailing + does nothing in the reward" in note for note in reading.notes)
    both = _terms("verl", [*words, "use_kl_loss=true"])
    assert [term.placement for term in both] == ["loss", "reward"]


@pytest.mark.parametrize(
    ("words", "clip"),
    [
        ([], (0.8, 1.2)),
        (["clip_ratio_high=0.28"], (0.8, 1.28)),
        (["actor_rollout_ref.actor.clip_ratio_low=0.1"], (0.9, 1.2)),
        (["clip_ratio=0.3"], (0.8, 1.2)),  # verl's own file sets both ends
        (["clip_ratio=0.5", "clip_ratio_low=null"], (0.5, 1.2)),
    ],
)
def test_verls_clip(words, clip):
    (term,) = _terms("verl", ["use_kl_in_reward=true", *words])
    assert term.ratio_clip == clip


def test_verls_other_advantages_do_not_change_the_term_in_the_loss():
    reading = read("verl", find("verl").parse(["use_kl_loss=true", "adv_estimator=opo"]))
    assert _fields(reading.terms[0], "placement", "baseline", "scaling") == ("loss", "none", "none")
    assert any("adv_estimator=opo was not read" in note for note in reading.notes)
    with pytest.raises(ValueError, match="adv_estimator must be one of gae, .*, got 'opo'"):
        _terms("verl", ["use_kl_in_reward=true", "adv_estimator=opo"])
    with pytest.raises(ValueError, match="adv_estimator must be one of gae, .*, got 'grop'"):
        _terms("verl", ["use_kl_loss=true", "adv_estimator=grop"])


@pytest.mark.parametrize("name", ["grpo", "rloo"])
def test_verls_vectorized_advantages_are_the_same(name):
    for words in (
        ["use_kl_loss=true"],
        ["use_kl_in_reward=true"],
        ["use_kl_in_reward=true", "norm_adv_by_std_in_grpo=0"],
    ):
        one, other = ([*words, f"adv_estimator={name}{end}"] for end in ("", "_vectorized"))
        assert read("verl", find("verl").parse(one)) == read("verl", find("verl").parse(other))


def test_verls_scale_of_the_loss():
    norm = ["use_kl_loss=true", "loss_agg_mode=seq-mean-token-sum-norm"]
    assert _fields(_terms("verl", norm)[0], "aggregation", "constant_length") == ("constant", None)
    assert _terms("verl", [*norm, "loss_scale_factor=4096"])[0].constant_length == 4096
    assert _terms("verl", [*norm, "loss_scale_factor=null"])[0].constant_length is None
    assert _terms("verl", ["use_kl_loss=true", "loss_scale_factor=4096"])[0].constant_length is None  # token-mean
    with pytest.raises(ValueError, match="loss_agg_mode=token-sum, whose weight grows with the batch"):
        _terms("verl", ["use_kl_loss=true", "loss_agg_mode=token-sum"])


@pytest.mark.parametrize(
    ("mode", "ratio", "clip"),
    [("vanilla", "token", (0.8, 1.2)), ("gspo", "geometric", (0.8, 1.2)), ("gpg", "none", None)],
)
def test_verls_policy_loss_weighs_the_penalty_of_the_reward(mode, ratio, clip):
    (term,) = _terms("verl", ["use_kl_in_reward=true", f"policy_loss.loss_mode={mode}"])
    assert _fields(term, "ratio", "ratio_clip") == (ratio, clip)
    (term,) = _terms("verl", ["use_kl_loss=true", f"policy_loss.loss_mode={mode}"])
    assert _fields(term, "ratio", "ratio_clip") == ("none", None)


@pytest.mark.parametrize(
    ("words", "note"),
    [
        (["policy_loss.loss_mode=cispo"], "policy_loss.loss_mode=cispo was not read"),
        (["kl_ctrl.type=adaptive"], "β begins at kl_coef and is changed at every step"),
        (["gamma=0.99", "lam=0.95"], "gamma=0.99 and lam=0.95 discount what follows a token"),
        (["gamma=0.99", "adv_estimator=reinforce_plus_plus"], "gamma=0.99 discount"),
    ],
)
def test_what_verl_does_and_no_configuration_holds_is_said(words, note):
    reading = read("verl", find("verl").parse(["use_kl_in_reward=true", *words]))
    assert any(note in said for said in reading.notes)
    assert not reading.unknown
    quiet = ["use_kl_in_reward=true", "gamma=0.99", "lam=0.95", "adv_estimator=rloo", "kl_ctrl.type=fixed"]
    assert read("verl", find("verl").parse(quiet)).notes == ()


@pytest.mark.parametrize("wrong", ["policy_loss.loss_mode=gsop", "kl_ctrl.type=moving"])
def test_verls_wrong_choices_are_named(wrong):
    with pytest.raises(ValueError, match=rf"{wrong.split('=')[0]} must be one of .*, got '{wrong.split('=')[1]}'"):
        _terms("verl", ["use_kl_in_reward=true", wrong])


@pytest.mark.parametrize(
    ("mode", "version", "aggregation"),
    [
        ("gspo", "0.6.1", "sequence-mean-token-mean"),
        ("gspo", "0.9.0", "sequence-mean-token-mean"),
        ("gspo", "0.9.1", "sum"),
        ("sapo", "0.9.1", "sequence-mean-token-mean"),
        ("vanilla", "0.9.0", "sum"),
    ],
)
def test_verls_policy_losses_that_do_not_heed_the_aggregation(mode, version, aggregation):
    words = ["use_kl_in_reward=true", "loss_agg_mode=seq-mean-token-sum", f"policy_loss.loss_mode={mode}"]
    in_loss, in_reward = _terms("verl", [*words, "use_kl_loss=true"], version)
    assert in_reward.aggregation == aggregation
    assert in_loss.aggregation == "sum"


@pytest.mark.parametrize(
    ("library", "words", "scaling", "floor"),
    [
        ("trl", ["beta=0.1"], "group", 1e-4),
        ("trl", ["beta=0.1", "scale_rewards=batch"], "batch", 1e-4),
        ("verl", ["use_kl_loss=true", "adv_estimator=grpo"], "group", 1e-6),
        ("verl", ["use_kl_in_reward=true", "adv_estimator=grpo_vectorized"], "group", 1e-6),
        ("verl", ["use_kl_loss=true", "adv_estimator=gae"], "batch", 1e-4),
        ("openrlhf", ["--algo.advantage.estimator group_norm"], "group", 1e-9),
        ("openrlhf", ["--algo.advantage.estimator group_norm --algo.kl.use_loss"], "group", 1e-9),
        ("openrlhf", ["--algo.advantage.estimator reinforce"], "batch", 1e-4),
        ("nemo-rl", [], "group", 1e-6),
        ("skyrl", [], "group", 1e-6),
        ("skyrl", ["advantage_estimator=reinforce++"], "batch", 1e-4),
    ],
)
def test_the_floor_of_the_std_is_the_librarys(library, words, scaling, floor):
    (term,) = _terms(library, words)
    assert _fields(term, "scaling", "std_floor") == (scaling, floor)


@pytest.mark.parametrize(
    ("library", "words"),
    [
        ("verl", ["use_kl_loss=true", "adv_estimator=grpo", "norm_adv_by_std_in_grpo=false"]),
        ("nemo-rl", ["grpo.normalize_rewards=false"]),
        ("skyrl", ["grpo_norm_by_std=false"]),
    ],
)
def test_without_a_std_there_is_no_floor_to_tell(library, words):
    (term,) = _terms(library, words)
    assert "std" not in str(term)
    assert term.scaling == "none"


def test_verls_full_raises_as_there():
    with pytest.raises(ValueError, match="kl_loss_type=full is not implemented in verl"):
        _terms("verl", ["use_kl_loss=true", "kl_loss_type=full"])


def test_openrlhf_command_lines():
    line = (
        "openrlhf.cli.train_ppo_ray --actor.model x --algo.kl.use_loss --algo.kl.estimator k3 --algo.kl.init_coef 1e-3"
    )
    (term,) = _terms("openrlhf", [line])
    assert _fields(term, "placement", "estimator", "coefficient", "ratio") == ("loss", "k3", 1e-3, "none")
    (term,) = _terms("openrlhf", [f"{line} --algo.kl.unbiased_gradient"])
    assert _fields(term, "straight_through", "ratio", "ratio_differentiated", "ratio_clip") == (
        True, "token", False, (0.0, 10.0))  # fmt: skip
    reading = read("openrlhf", find("openrlhf").parse([f"{line} --algo.kl.unbiased_gradient"]), "0.10.3")
    assert not reading.terms[0].straight_through
    assert any("came with 0.11.0" in note for note in reading.notes)
    (before,) = _terms("openrlhf", ["--init_kl_coef", "0.02", "--kl_estimator=k2", "--use_kl_loss"], "0.9")
    assert _fields(before, "coefficient", "estimator", "placement") == (0.02, "k2", "loss")
    (group,) = _terms("openrlhf", ["--algo.advantage.estimator group_norm"])
    assert _fields(group, "scaling", "penalty_after_scaling") == ("group", True)


@pytest.mark.parametrize(
    ("estimator", "baseline", "scaling"),
    [
        ("gae", "none", "batch"),
        ("reinforce", "none", "batch"),
        ("reinforce_baseline", "mean", "batch"),
        ("rloo", "leave-one-out", "none"),  # not among those that are whitened
        ("dr_grpo", "mean", "none"),
    ],
)
def test_openrlhfs_advantages(estimator, baseline, scaling):
    (term,) = _terms("openrlhf", [f"--algo.advantage.estimator {estimator}"])
    assert _fields(term, "returns", "baseline", "scaling") == ("to-go", baseline, scaling)
    (term,) = _terms("openrlhf", [f"--algo.advantage.estimator {estimator} --algo.kl.use_loss"])
    assert _fields(term, "baseline", "scaling") == (baseline, scaling)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_openrlhf_lines_that_go_on(newline):
    line = f"train --algo.kl.use_loss --algo.kl.init_coef=1e-2 \\{newline} --algo.kl.estimator k2 \\{newline}"
    assert find("openrlhf").parse([line]) == {
        "algo.kl.use_loss": True, "algo.kl.init_coef": "1e-2", "algo.kl.estimator": "k2"}  # fmt: skip


def test_openrlhf_values_after_an_equals_sign_stay():
    assert find("openrlhf").parse(["--algo.kl.init_coef=1e-2", "stray"]) == {"algo.kl.init_coef": "1e-2"}


def test_nemo_rl():
    (before,) = _terms("nemo-rl", [], "0.6")
    assert before.ratio == "none"
    (term,) = _terms("nemo-rl", ["use_on_policy_kl_approximation=true", "token_level_loss=false"])
    assert _fields(term, "ratio", "sampler", "aggregation") == ("token", "rollout-engine", "sequence-mean-token-mean")
    (term,) = _terms("nemo-rl", ["kl_output_clamp_value=null"])
    assert _fields(term, "difference_clamp", "value_clamp") == (20.0, None)
    words = ["loss_fn.use_kl_in_reward=true"]
    assert _terms("nemo-rl", words) == ()
    (term,) = _terms("nemo-rl", [*words, "grpo.adv_estimator.name=reinforce_plus_plus"])
    assert _fields(term, "placement", "returns", "baseline", "scaling") == ("reward", "none", "mean", "batch")
    # Its call of the KL function names no clamp: the function's own hold, whatever loss_fn says.
    words += ["grpo.adv_estimator.name=reinforce_plus_plus", "kl_output_clamp_value=null"]
    assert _fields(_terms("nemo-rl", words)[0], "difference_clamp", "value_clamp") == (20.0, 10.0)
    with pytest.raises(ValueError, match="adv_estimator.name must be one of grpo, reinforce_plus_plus, got 'gae'"):
        _terms("nemo-rl", ["grpo.adv_estimator.name=gae"])


def test_skyrl():
    (term,) = _terms("skyrl", ["trainer.algorithm.loss_reduction=token_mean", "grpo_norm_by_std=false"])
    # The KL term has an aggregation of its own.
    assert _fields(term, "aggregation", "scaling", "value_clamp") == ("sequence-mean-token-mean", "none", 10.0)
    (term,) = _terms("skyrl", ["use_kl_in_reward=true", "use_kl_loss=false", "kl_estimator_type=k1"])
    assert _fields(term, "placement", "aggregation") == ("reward", "token-mean")
    with pytest.raises(ValueError, match="use_kl_in_reward needs trainer.algorithm.use_kl_loss=false"):
        _terms("skyrl", ["use_kl_in_reward=true"])


@pytest.mark.parametrize(
    ("library", "version"), [("trl", "2.0"), ("verl", "1.2"), ("openrlhf", "0.8"), ("nemo-rl", "0.6")]
)
def test_a_version_that_was_not_read_says_so(library, version):
    assert any("was not read" in note for note in read(library, {}, version).notes)
    assert not any("was not read" in note for note in read(library, {}, find(library).NEWEST).notes)


def test_refusals():
    with pytest.raises(ValueError, match="library must be one of trl, verl, openrlhf, nemo-rl, skyrl, got 'rl2'"):
        read("rl2", {})
    with pytest.raises(ValueError, match="loss_type must be one of grpo, .*, got 'best'"):
        read("trl", {"beta": 0.1, "loss_type": "best"})
    with pytest.raises(ValueError, match="beta must be a number, got 'much'"):
        read("trl", {"beta": "much"})
    with pytest.raises(ValueError, match="beta must be a number, got 'none'"):
        read("trl", {"beta": "none"})
    for none in (None, "null", True, [0.1]):
        with pytest.raises(ValueError, match=re.escape(f"actor.kl_loss_coef must be a number, got {none!r}")):
            read("verl", {"actor_rollout_ref.actor.use_kl_loss": True, "actor_rollout_ref.actor.kl_loss_coef": none})
    with pytest.raises(ValueError, match="scale_rewards must be one of group, batch, none, true, false, got 'std'"):
        read("trl", {"beta": 0.1, "scale_rewards": "std"})
    with pytest.raises(ValueError, match="use_kl_loss must be true or false, got 'perhaps'"):
        read("verl", {"actor_rollout_ref.actor.use_kl_loss": "perhaps"})
    with pytest.raises(ValueError, match="settings are written name=value, got 'beta'"):
        assignments(["beta"])
    with pytest.raises(ValueError, match="version must be like"):
        version_numbers("newest")


def test_nested_settings_are_dotted():
    assert flattened({"a": {"b": 1, "c": {"d": 2}}, "e": 3}) == {"a.b": 1, "a.c.d": 2, "e": 3}


def test_a_yaml_file_without_settings_is_refused(tmp_path):
    file = tmp_path / "list.yaml"
    file.write_text("- 1\n- 2\n")
    with pytest.raises(ValueError, match="must hold settings"):
        find("verl").parse([str(file)])


@pytest.mark.parametrize("content", [b"a: [1, 2\nb: }", b"a: \x00", b"a: \xff"])
def test_what_is_no_yaml_is_refused_by_its_name(tmp_path, content):
    file = tmp_path / "bad.yaml"
    file.write_bytes(content)
    with pytest.raises(ValueError, match="bad.yaml is no YAML file that can be read"):
        find("verl").parse([str(file)])
