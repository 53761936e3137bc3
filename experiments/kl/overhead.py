"""What `wis.lm.kl.live.KLMonitor` costs a run: its share of the time of 50 GRPO steps of a small GPT-2.

The share is of one run's own time, so that a slow machine slows both. Generation, whose share is larger with longer
outputs, is part of a step.

    python -m wis.experiments.kl.overhead
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

EVERY = 50
LENGTH = 64
VOCABULARY = 2048


def measure(steps: int = EVERY) -> dict[str, float]:
    """Seconds of a run of `steps` steps, of the monitor in it, and their ratio.

    The monitor measures gradients at the first of every `EVERY` steps.
    """
    from wis.lm.kl.live import KLMonitor

    with tempfile.TemporaryDirectory() as folder:
        trainer = _trainer(Path(folder), steps)
        monitor = KLMonitor(every=EVERY)
        monitor.attach(trainer)
        start = time.perf_counter()
        trainer.train()
        whole = time.perf_counter() - start
    return {"run": whole, "monitor": monitor.seconds, "share": monitor.seconds / whole}


def _trainer(folder: Path, steps: int) -> Any:
    import torch
    from datasets import Dataset
    from transformers import GPT2Config, GPT2LMHeadModel
    from trl import GRPOConfig, GRPOTrainer
    from wis.experiments.kl.installed import new_tokenizer

    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=VOCABULARY, n_positions=2 * LENGTH, n_embd=256, n_layer=4, n_head=4, bos_token_id=1, eos_token_id=1,
        pad_token_id=0,
    )  # fmt: skip
    GPT2LMHeadModel(config).save_pretrained(folder / "model")
    settings = GRPOConfig(
        output_dir=str(folder), per_device_train_batch_size=8, num_generations=4, max_completion_length=LENGTH,
        max_steps=steps, report_to="none", use_cpu=True, bf16=False, beta=0.04, save_strategy="no", logging_steps=10,
        model_init_kwargs={"dtype": "float32"},
    )  # fmt: skip
    return GRPOTrainer(
        model=str(folder / "model"),
        reward_funcs=[lambda completions, **_: [float(len(text) % 2) for text in completions]],
        args=settings,
        train_dataset=Dataset.from_dict({"prompt": ["a b", "c d"]}),
        processing_class=new_tokenizer(),
    )


def main() -> None:
    """Print the measurement."""
    found = measure()
    print(f"{found['run']:.1f} s, of which the monitor {found['monitor']:.2f} s: {found['share']:.2%}")


if __name__ == "__main__":
    main()
