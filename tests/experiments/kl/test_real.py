"""The configured runs at real scale, on a model of the same kind that is built from a configuration."""

import json

import pytest
import torch

pytest.importorskip("trl")
from wis.experiments.kl.installed import new_tokenizer
from wis.experiments.kl.real import build_trainer, final_answer, load_plan, read_data, reward, run_arm

PLAN = load_plan()


@pytest.fixture
def small(tmp_path):
    """The plan with a tiny Llama, files for data and two steps; and the model's folder."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=8, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=64, bos_token_id=1, eos_token_id=1, pad_token_id=0,
    )  # fmt: skip
    folder = tmp_path / "model"
    LlamaForCausalLM(config).save_pretrained(folder)
    new_tokenizer().save_pretrained(folder)
    file = tmp_path / "data.jsonl"
    file.write_text("".join(json.dumps({"question": "a b", "answer": word}) + "\n" for word in "cdef"))
    source = {"file": str(file), "prompt": "question", "answer": "answer"}
    tiny = {
        "per_device_train_batch_size": 8, "gradient_accumulation_steps": 1, "num_generations": 4, "max_steps": 2,
        "max_completion_length": 3, "bf16": False, "use_cpu": True, "gradient_checkpointing": False,
        "save_strategy": "no", "model_init_kwargs": {"dtype": "float32"},
    }  # fmt: skip
    settings = PLAN["settings"] | tiny
    settings.pop("save_steps")
    return PLAN | {"settings": settings, "train": source, "evaluate": {"in domain": source}}, str(folder)


@pytest.mark.parametrize("arm", PLAN["arms"])
def test_every_arm_trains_and_is_evaluated(small, arm, tmp_path):
    plan, model = small
    found = run_arm(plan, model, arm, tmp_path / "run")
    assert set(found) == {"in domain"}
    assert found["in domain"] in (0, 0.25, 0.5, 0.75, 1)
    assert json.loads((tmp_path / "run" / "results.json").read_text()) == {
        "model": model,
        "arm": arm,
        "accuracy": found,
    }


def test_each_arm_has_the_objective_of_its_name():
    from wis.lm.kl import KLConfiguration
    from wis.lm.kl.libraries import read
    from wis.lm.kl.verdict import judge

    kinds = {}
    for name, arm in PLAN["arms"].items():
        settings = {"beta": PLAN["settings"]["beta"], "trainer": arm.get("trainer", "grpo")} | arm.get("settings", {})
        terms = (KLConfiguration(**arm["kl"]),) if "kl" in arm else read("trl", settings).terms
        kinds[name] = judge(terms[0], "on policy").kind if terms else "none"
    assert kinds == {
        "no-penalty": "none",
        "reverse": "reverse",
        "reverse-off-policy": "reverse",
        "partial-reverse": "partial reverse",
        "partial-reverse-undivided": "partial reverse",
        "partial-forward": "partial forward",
        "mean-a-sequence": "unnamed",
        "zero": "zero",
        "unbounded": "unbounded",
    }


def test_an_unknown_arm_is_refused(small, tmp_path):
    with pytest.raises(ValueError, match="arm must be one of no-penalty, .*, got 'best'"):
        build_trainer(*small, "best", tmp_path)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"so \boxed{1} and \boxed{\frac{1}{2}}.", r"\frac{1}{2}"),
        ("48 + 24 = 72\n#### 1,072", "1072"),
        ("The answer is B.", "B"),
        ("", ""),
    ],
)
def test_final_answers(text, answer):
    assert final_answer(text) == answer


def test_rewards_are_for_texts_and_conversations():
    assert reward(["so 4", [{"content": "so 5"}]], ["4", "4"]) == [1.0, 0.0]


def test_choices_are_part_of_the_prompt(tmp_path):
    file = tmp_path / "arc.jsonl"
    file.write_text(json.dumps({"q": "Which?", "key": "B", "choices": {"label": ["A", "B"], "text": ["x", "y"]}}))
    (row,) = read_data({"file": str(file), "prompt": "q", "answer": "key", "choices": "choices"})
    assert row["answer"] == "B"
    assert row["prompt"].startswith("Which?\nA. x\nB. y\nReason")
