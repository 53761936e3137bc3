"""The KL study at real scale: one TRL run a model and arm, evaluated in domain and out of it.

``real.yaml`` lists models, arms and data sets; each class of objective that `wis.lm.kl.explain` knows has an arm.
Nothing here was run at that scale by this project: the tests run every arm on a model of the same kind that is built
from a configuration.

    python -m wis.experiments.kl.real qwen3-4b-instruct-2507 reverse --out runs/kl
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from wis.files import replace_file

CONFIGS = Path(__file__).parent / "real.yaml"
INSTRUCTION = "\nReason step by step, and put the final answer in \\boxed{}."
EVALUATION_BATCH = 16


def load_plan(path: Path = CONFIGS) -> dict[str, Any]:
    """Models, settings, arms and data sets."""
    plan: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return plan


def run_arm(plan: Mapping[str, Any], model: str, arm: str, out: Path, *, monitor: bool = True) -> dict[str, float]:
    """Train one arm, evaluate it and write ``results.json``; it goes on from the last checkpoint.

    Parameters
    ----------
    plan
        As `load_plan` gives it.
    model
        A name in the plan, a hub name or a folder.
    arm
        A name in the plan.
    out
        Folder of the run.
    monitor
        Whether `wis.lm.kl.live.KLMonitor` logs what the KL term does, where the arm has one that it can watch.
    """
    from transformers.trainer_utils import get_last_checkpoint

    trainer = build_trainer(plan, model, arm, out)
    if monitor and trainer.args.beta and "RLOO" not in type(trainer).__name__:
        from wis.lm.kl.live import KLMonitor

        KLMonitor().attach(trainer)
    trainer.train(resume_from_checkpoint=get_last_checkpoint(out) if out.is_dir() else None)
    found = {name: accuracy(trainer, read_data(source)) for name, source in plan["evaluate"].items()}
    with replace_file(out / "results.json") as temporary:
        temporary.write_text(json.dumps({"model": model, "arm": arm, "accuracy": found}, indent=2))
    return found


def build_trainer(plan: Mapping[str, Any], model: str, arm: str, out: Path) -> Any:
    """The trainer of one arm.

    Raises
    ------
    ValueError
        If the plan has no such arm.
    """
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

    from wis.lm.kl import KLConfiguration
    from wis.lm.kl.trainer import KLTrainer

    if arm not in plan["arms"]:
        raise ValueError(f"arm must be one of {', '.join(plan['arms'])}, got {arm!r}")
    chosen = plan["arms"][arm]
    settings = plan["settings"] | chosen.get("settings", {})
    name = plan["models"].get(model, model)
    common = {
        "model": name,
        "reward_funcs": [reward],
        "train_dataset": Dataset.from_list(read_data(plan["train"])),
        "processing_class": AutoTokenizer.from_pretrained(name, padding_side="left"),
    }
    if chosen.get("trainer") == "rloo":
        return RLOOTrainer(args=RLOOConfig(output_dir=str(out), **settings), **common)
    arguments = GRPOConfig(output_dir=str(out), **settings)
    if "kl" in chosen:
        return KLTrainer(args=arguments, kl=KLConfiguration(**chosen["kl"]), **common)
    return GRPOTrainer(args=arguments, **common)


def read_data(source: Mapping[str, Any]) -> list[dict[str, str]]:
    """Prompts and answers of a data set, on the hub or in a file of JSON lines."""
    if "file" in source:
        rows: Any = [json.loads(line) for line in Path(source["file"]).read_text(encoding="utf-8").splitlines()]
    else:
        from datasets import load_dataset

        rows = load_dataset(source["path"], source.get("name"), split=source["split"])
    return [{"prompt": _prompt(row, source), "answer": final_answer(str(row[source["answer"]]))} for row in rows]


def reward(completions: Sequence[Any], answer: Sequence[str], **_: Any) -> list[float]:
    """1 for each completion whose final answer is the right one."""
    texts = [text if isinstance(text, str) else text[-1]["content"] for text in completions]
    return [float(final_answer(text) == right) for text, right in zip(texts, answer, strict=True)]


def final_answer(text: str) -> str:
    r"""What stands in the last ``\boxed{}``, else behind the last ``####``, else the last word, without commas."""
    boxed = re.findall(r"\\boxed\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}", text)
    if boxed:
        found = boxed[-1]
    else:
        behind = text.rpartition("####")[2].split()
        found = behind[-1] if behind else ""
    return found.replace(",", "").strip().rstrip(".")


def accuracy(trainer: Any, data: Sequence[Mapping[str, str]]) -> float:
    """Share of prompts that greedy decoding answers right."""
    import torch

    model = trainer.accelerator.unwrap_model(trainer.model).eval()
    tokenizer = trainer.processing_class
    right = 0.0
    for start in range(0, len(data), EVALUATION_BATCH):
        rows = data[start : start + EVALUATION_BATCH]
        batch = tokenizer([row["prompt"] for row in rows], return_tensors="pt", padding=True).to(model.device)
        batch.pop("token_type_ids", None)
        with torch.no_grad():
            outputs = model.generate(
                **batch, do_sample=False, max_new_tokens=trainer.args.max_completion_length,
                pad_token_id=tokenizer.pad_token_id,
            )  # fmt: skip
        texts = tokenizer.batch_decode(outputs[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
        right += sum(reward(texts, [row["answer"] for row in rows]))
    return right / len(data)


def _prompt(row: Mapping[str, Any], source: Mapping[str, Any]) -> str:
    text = str(row[source["prompt"]])
    if "choices" in source:
        choices = row[source["choices"]]
        text += "".join(f"\n{label}. {choice}" for label, choice in zip(choices["label"], choices["text"], strict=True))
    return text + INSTRUCTION


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("arm")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--plan", type=Path, default=CONFIGS)
    given = parser.parse_args()
    print(run_arm(load_plan(given.plan), given.model, given.arm, given.out / given.model / given.arm))


if __name__ == "__main__":
    main()
