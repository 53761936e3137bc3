import numpy as np
import pandas as pd
import pytest
import torch
from wis.experiments.lm import small, tiny
from wis.experiments.lm.small import Run, Scale, finetune, plan, run_small, tuned_rates
from wis.experiments.lm.small_report import report_small
from wis.experiments.running.executors import Serial

SCALE = Scale(inputs=40, evaluated=20, samples=3, pretraining=4, steps=2, batch=4)


def test_prompts_have_the_answers_of_their_task():
    data = tiny.make_prompts(300, 0.25, np.random.default_rng(0))
    assert data.unseen.sum() == 75
    for prompt, answer, unseen in zip(data.prompts.tolist(), data.answers.tolist(), data.unseen.tolist(), strict=True):
        letters = prompt[1:-1]
        assert answer == [letters, letters[::-1], sorted(letters)][prompt[0] - 2 * tiny.LETTERS]
        assert all((letter >= tiny.LETTERS) == unseen for letter in letters)


def test_token_f1_counts_the_overlap_of_bags():
    outputs = torch.tensor([[1, 2, 3, 4], [1, 1, 1, 1], [5, 6, 7, 8]])
    answers = torch.tensor([[4, 3, 2, 1], [1, 1, 2, 3], [1, 2, 3, 4]])
    assert tiny.token_f1(outputs, answers).tolist() == [1.0, 0.5, 0.0]


def test_samples_follow_the_model():
    model = tiny.pretrained(0, 3)
    data = tiny.make_prompts(1, 0.0, np.random.default_rng(0))
    outputs = tiny.sample(model, data.prompts.expand(4000, -1), torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits = tiny.answer_logits(model, data.prompts, outputs[:1])
    frequency = torch.bincount(outputs[:, 0], minlength=tiny.VOCABULARY) / 4000
    torch.testing.assert_close(frequency, logits[0, 0].softmax(-1), atol=0.03, rtol=0)


def test_both_kinds_of_finetuning_learn():
    rng = np.random.default_rng(0)
    data = tiny.make_prompts(64, 0.0, rng)
    for train, steps in ((tiny.supervised, 60), (tiny.reinforce, 80)):
        model = tiny.pretrained(0, 100)
        before = tiny.sample_rewards(model, data, 8, seed=0).mean()
        train(model, data, tiny.Tuning(steps, 16, 3e-3), 0)
        assert tiny.sample_rewards(model, data, 8, seed=0).mean() > before + 0.05


def test_a_run_that_diverges_is_recorded_as_such():
    row = finetune(Run(0, 0.5, "SFT", sft=1.0, rft=False), Scale(**{**vars(SCALE), "sft_rate": float("inf")}))
    assert row["diverged"]
    assert "loss became" in row["problem"]


def test_resume_report_and_seed(tmp_path):
    rows = run_small(tmp_path, SCALE, seeds=1, workers=1, progress=False)
    assert len(rows) == len(plan(1)) + 8 == 38 + 20 + 8
    lines = (tmp_path / "runs.jsonl").read_text().splitlines(keepends=True)
    # The machine stops in the middle of the last line: that run alone is done again, with the same result.
    (tmp_path / "runs.jsonl").write_text("".join(lines[:-1]) + lines[-1][:40])
    again = run_small(tmp_path, SCALE, seeds=1, workers=1, progress=False)
    assert len(again) == 66
    assert _without_time(again) == _without_time(rows)
    tables = report_small(tmp_path, again, "wis lm small")
    assert set(tables["claims"].verdict) <= {"agrees", "disagrees"}
    page = (tmp_path / "report.html").read_text()
    for tag in ("[paper]", "[2nd]", "[ours]", "<svg"):
        assert tag in page
    assert "| claim |" in (tmp_path / "claims.md").read_text()


def test_workers_are_those_of_sweeps(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(small, "choose_executor", lambda workers, _: asked.append(workers) or Serial())
    monkeypatch.setattr(small, "finetune", _finetune)
    assert len(run_small(tmp_path, SCALE, seeds=1, workers=3, progress=False)) == 66
    assert len(run_small(tmp_path, SCALE, seeds=2, workers=3, progress=False)) == 112  # more seeds only add runs
    assert asked == [3, 3]


def _finetune(run, scale):
    return {"share": run.share, "seed": run.seed, "name": run.name, "rate": run.rate, "reward_after": run.rate}


def test_rates_are_chosen_on_the_tuning_seeds_alone_and_diverged_ones_are_out():
    rows = [
        {"seed": seed, "name": f"{name} at {rate:g}", "rate": rate, "reward_after": reward}
        for name, best in (("RFT", 3e-3), ("SFT", 1e-2))
        for rate in small.RATES
        for seed in (*small.TUNING_SEEDS, 0)
        for reward in [1.0 if seed == 0 and rate == 3e-4 else 0.9 if rate == best else 0.5]
    ]
    assert tuned_rates(pd.DataFrame(rows)) == {"RFT": 3e-3, "SFT": 1e-2}
    for row in rows:
        if row["name"] == "SFT at 0.01" and row["seed"] == small.TUNING_SEEDS[0]:
            row["reward_after"] = None
    assert tuned_rates(pd.DataFrame(rows)) == {"RFT": 3e-3, "SFT": 3e-4}


def _without_time(rows):
    return sorted((row | {"seconds": 0} for row in rows), key=lambda row: row["run"])


def test_runs_with_other_settings_are_refused(tmp_path):
    (tmp_path / "runs.jsonl").write_text('{"settings": "another"}\n')
    with pytest.raises(ValueError, match="other settings"):
        run_small(tmp_path, SCALE, progress=False)
