"""The studies at a small scale: their exact parts, and that finished runs are kept."""

import math

import numpy as np
import pytest
from wis.experiments.kl import bias, train, variance
from wis.experiments.kl.arms import ARMS, find
from wis.experiments.kl.bandit import run_bandit
from wis.experiments.kl.report import report_training
from wis.experiments.kl.sequence import evaluate, make_task, run_sequence
from wis.experiments.kl.train import TRANSFER, Scale, run_training
from wis.experiments.running.rows import read_rows

from wis.lm.kl.verdict import judge


def test_the_named_tables_have_their_zeros_and_ones():
    tables = bias.named_bias(3)
    for table in tables.values():
        exact = table["reference (error / cosine)"].isin(["0", "0 / 1"])
        assert (table.loc[exact, "largest"] == 0).all()
        assert (table.loc[exact, "class"] == "reverse").all()
        assert (table.loc[~exact & (table["reference (error / cosine)"] != "–"), "smallest"] > 0).all()
    on_policy = tables["on_policy"].set_index("configuration")
    assert on_policy.loc["K1 in loss", "class"] == "zero"
    assert on_policy.loc["K1 in loss", "largest"] == pytest.approx(1)
    same = ["K2 in loss, token", "K3 in loss, token ratio", "K1 in reward, own token"]
    assert on_policy.loc[same, "relative error, median"].round(12).nunique() == 1
    assert on_policy.loc["K3 in reward", "class"] == "unbounded"


def test_the_worked_case_and_schulmans_table():
    table = bias.worked_case()
    shown = [text.replace("0.", ".").replace(".3000", ".3").replace(".1000", ".1") for text in table.measured]
    assert shown == table.reference.tolist()
    values = bias.schulman()
    np.testing.assert_allclose(values["std / KL"], values["reference std / KL"], rtol=5e-3)
    unbiased = values[values.estimator != "K2"]
    np.testing.assert_allclose(unbiased["bias / KL"], 0, atol=1e-9)


def test_every_combination_is_listed_once():
    listed = list(bias.combinations())
    assert len(listed) == len(set(listed)) == 1260


def test_variance_agrees_with_samples():
    table = variance.sampled_error()
    for count in variance.SAMPLES:
        np.testing.assert_allclose(table[f"n = {count}: measured"], table[f"n = {count}: expected"], rtol=0.35)
    exact = variance.exact_variance(2).set_index("configuration")["variance / ‖∇KL‖², median"]
    order = ["K1 in reward, full return", "K1 in reward, full return, mean baseline", "K1 in reward, to-go",
             "K3 in both, to-go", "full in both, to-go"]  # fmt: skip
    assert exact[order].is_monotonic_decreasing
    assert exact["K2 in loss, sequence"] == pytest.approx(exact["K1 in reward, full return"])


def test_dead_groups_are_as_many_as_expected():
    table = variance.dead_groups()
    np.testing.assert_allclose(table["groups without reward spread"], table.expected, atol=5e-3)
    assert (table["in groups without"] > 50 * table["in groups with spread"]).all()


def test_the_optimum_of_the_sequence_task_is_a_distribution_and_the_optimum():
    task = make_task(0)
    case = task.case
    padding = (case.token_log_probs(case.reference) * ~case.mask).sum(1)
    assert (task.optimum + padding).exp().sum().item() == pytest.approx(1)
    at_reference = evaluate(task, case.reference)
    assert at_reference["reference"] == pytest.approx(0, abs=1e-12)
    # (J* − J) / β at the reference: log-partition less the mean reward.
    share = case.probabilities(case.reference)
    partition = math.log((share * (task.rewards / 0.1).exp()).sum())
    assert at_reference["optimum"] == pytest.approx(partition - float((share * task.rewards).sum()) / 0.1)


@pytest.mark.parametrize("staleness", [0, 3])
def test_sampled_training_nears_the_optimum(staleness):
    start = evaluate(make_task(0), make_task(0).case.reference)["optimum"]
    (found,) = run_sequence(find("K3 in loss, prefix ratio"), 1, staleness, steps=60)
    assert not found["failed"]
    assert found["optimum"] < start / 3


def test_bandits_end_where_their_objective_says():
    unbiased, zero = (run_bandit(find(name), 1, end_time=1e5) for name in ("K1 in reward", "K1 in loss"))
    assert all(run["optimum"] < 1e-4 for run in unbiased)
    assert all(run["optimum"] > 0.05 for run in zero)


def test_k3_in_reward_leaves_the_reference_and_is_counted():
    runs = run_bandit(find("K3 in reward"), 2)
    assert [run["failed"] for run in runs] == [True, True]
    assert all(math.isnan(run["optimum"]) for run in runs)


def test_arms_have_one_name_each_and_are_what_they_are_called():
    assert len({arm.name for arm in ARMS}) == len(ARMS)
    assert set(TRANSFER) <= {arm.name for arm in ARMS}
    unbiased = [arm.name for arm in ARMS if judge(arm.penalty, "old policy").is_unbiased]
    assert unbiased == [
        "K1 in reward", "K1 in reward, to-go", "K2 in loss, sequence", "K3 in both, to-go", "full in both, to-go",
        "K3 in loss, prefix ratio", "K3 in loss, sequence ratio", "K1 in reward, over group std",
    ]  # fmt: skip


def test_finished_runs_are_kept_and_reported(tmp_path, monkeypatch):
    pytest.importorskip("transformers")
    arms, names = [find("K1 in reward"), find("K3 in loss")], ["K1 in reward"]
    monkeypatch.setattr(train, "ARMS", arms)
    monkeypatch.setattr(train, "TRANSFER", names)
    scale = Scale(bandit_seeds=0, sequence_seeds=1, sequence_steps=2, transfer_seeds=1, transfer_steps=1, pretraining=1)
    rows = run_training(tmp_path, scale, progress=False)
    assert len(rows) == 2 * len(arms) + 1 + 2 * (1 + len(names))
    before = (tmp_path / "training.jsonl").read_bytes()
    run_training(tmp_path, scale, progress=False)
    assert (tmp_path / "training.jsonl").read_bytes() == before

    found = read_rows(tmp_path / "training.jsonl")
    bandit = [row | {"study": "bandit"} for row in found[:3]]
    tables = report_training(tmp_path, bandit + found, "wis lm kl train")
    assert len(tables["sequence"]) == 2 * len(arms)
    assert len(tables["transfer"]) == 1 + 2 * (1 + len(names))
    assert {path.name for path in tmp_path.glob("*.md")} == {"bandit.md", "sequence.md", "transfer.md"}
    assert "<svg" in (tmp_path / "training.html").read_text()
