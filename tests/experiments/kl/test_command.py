"""``wis lm kl`` as it is typed."""

import json

import pytest
from typer.testing import CliRunner
from wis.experiments.commands.lm import app


def _run(*arguments):
    done = CliRunner().invoke(app, ["kl", *map(str, arguments)])
    if done.exception:
        raise done.exception
    return done.output


def test_explain_reads_trl_and_names_objective_and_change():
    text = _run("explain", "--trl", "beta=0.04", "loss_type=dapo", "--library-version", "1.16.0")
    assert text.startswith("TRL 1.16.0\n")
    assert "on policy: partial (token-level) reverse KL" in text
    assert text.rstrip().endswith("to be unbiased (on policy): trainer=rloo")
    before = _run("explain", "--trl", "beta=0.04", "--library-version", "1.9")
    assert "on policy: partial (token-level) forward KL" in before


def test_explain_reads_a_command_line_of_openrlhf():
    text = _run("explain", "--openrlhf", "--algo.kl.use_loss --algo.kl.estimator k1")
    assert "on policy: zero: the penalty has no expected gradient" in text
    assert "to be unbiased (on policy): algo.kl.use_loss=False algo.kl.estimator=k1" in text


def test_explain_reads_yaml_and_overrides(tmp_path):
    file = tmp_path / "ppo.yaml"
    file.write_text("algorithm:\n  use_kl_in_reward: true\n  adv_estimator: grpo\n")
    assert "β cancels" in _run("explain", "--verl", file)
    assert "on policy: unbounded" in _run("explain", "--verl", file, "algorithm.kl_penalty=low_var_kl")


def test_explain_reads_the_other_two():
    assert _run("explain", "--nemo-rl").startswith("NeMo-RL 0.7\n")
    assert "with equal lengths it is partial (token-level) forward KL" in _run("explain", "--skyrl")


def test_explain_takes_a_configuration_of_its_own():
    text = _run("explain", "estimator=k3", "ratio=prefix", "sampler=rollout-engine")
    assert "nothing to change" in text
    assert text.count("reverse KL(π ‖ ref) of whole outputs (relative error 0, cosine 1)") == 3


def test_refusals(tmp_path):
    with pytest.raises(ValueError, match="give one library, got --trl and --verl"):
        _run("explain", "--trl", "--verl")
    with pytest.raises(ValueError, match="unknown setting 'beta'"):
        _run("explain", "beta=1")
    with pytest.raises(FileNotFoundError, match=r"training.jsonl is not there; run 'wis lm kl train"):
        _run("report", "--out", tmp_path)


def test_report_makes_tables_of_what_is_there(tmp_path):
    rows = [{"settings": "any"}]
    common = {"seed": 0, "failed": False, "seconds": 1.0}
    for study, more in (
        ("bandit", {"optimum": 0.0, "reference": 1.0}),
        ("sequence", {"optimum": 0.03, "reference": 1.1, "reward": 0.7}),
        ("transfer", {"in domain: reward": 0.5, "out of domain: accuracy": 0.25}),
    ):
        rows.append({"run": study, "study": study, "arm": "K1 in reward", "staleness": 0, **common, **more})
    (tmp_path / "training.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    text = _run("report", "--out", tmp_path)
    assert "K1 in reward" in text
    assert (tmp_path / "sequence.svg").exists()
    assert "0 of 1" in (tmp_path / "bandit.md").read_text()


def test_bias_writes_every_table(tmp_path, monkeypatch):
    from wis.experiments.kl import bias, variance

    some = list(bias.combinations())[::200]
    monkeypatch.setattr(bias, "combinations", lambda: some)
    monkeypatch.setattr(variance, "REPEATS", 2)
    text = _run("bias", "--out", tmp_path, "--policies", 2, "--no-installed")
    assert "K3 in loss, prefix ratio" in text
    names = {path.stem for path in tmp_path.glob("*.md")}
    assert names == {
        "on_policy", "off_policy", "lengths", "worked_case", "schulman", "variance", "samples", "dead_groups", "classes"
    }  # fmt: skip
    assert len((tmp_path / "grid.csv").read_text().splitlines()) == 1 + 7
    assert "<table" in (tmp_path / "bias.html").read_text()
