"""Time of the reward recorder as a share of a TRL training step.

    python -m benchmarks.lm_tracker

A GRPO step of a small GPT-2 built from a config, on this machine, with the recorder attached and 100,000 inputs seen;
its own calls (each batch, each log line) are timed inside the same run. Any larger model only makes the share smaller.
The tracker alone is timed on a large batch, and on 64 new inputs where it has many.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np

_TARGET = 0.01
_SEEN = 100_000


def main() -> None:
    """Print the share, and fail if it passes 1%."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=8, help="training steps; the first two are not counted")
    parser.add_argument("--prompts", type=int, default=8, help="prompts a step, eight completions each")
    options = parser.parse_args()
    if options.steps < 3:
        parser.error("--steps must be at least 3")
    own, steps = time_recorder(options.steps, options.prompts)
    share = sum(own) / sum(steps)
    print(f"TRL GRPO step     {1e3 * statistics.median(steps):9.2f} ms   (median of {len(steps)})")
    print(f"recorder in it    {1e3 * statistics.mean(own):9.3f} ms   (mean; {_SEEN:,} inputs seen)")
    print(f"share             {share:9.3%}   (target: under {_TARGET:.0%})")
    print(f"tracker alone     {1e9 * time_tracker():9.0f} ns a reward   (batch of 512 inputs x 16 samples)")
    for seen in (10**4, 10**5, 10**6):
        print(f"64 new inputs     {1e3 * time_new_inputs(seen):9.3f} ms   ({seen:,} seen)")
    if share > _TARGET:
        raise SystemExit(f"the recorder takes {share:.2%} of a step, more than {_TARGET:.0%}")


def time_recorder(steps: int, prompts: int) -> tuple[list[float], list[float]]:
    """Seconds in the recorder, and of the whole step, for every step but the first two."""
    import torch
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    from wis.lm.trl import RewardRecorder

    own = [0.0]
    marks: list[tuple[float, float]] = []

    class TimedRecorder(RewardRecorder):
        def _see_batch(self, *args: Any) -> None:
            _timed(own, super()._see_batch, *args)

        def on_log(self, *args: Any, **kwargs: Any) -> None:
            _timed(own, super().on_log, *args, **kwargs)

    class Marks(TrainerCallback):
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            marks.append((time.perf_counter(), own[0]))

    recorder = TimedRecorder(support=(0, 1), binary=True)
    rng = np.random.default_rng(0)
    successes = rng.random((_SEEN, 8)) < rng.beta(0.3, 3, (_SEEN, 1))
    recorder.tracker.update(range(_SEEN), successes)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        config = GRPOConfig(
            output_dir=folder, per_device_train_batch_size=8 * prompts, num_generations=8, max_completion_length=16,
            max_steps=steps + 1, logging_steps=1, save_strategy="no", report_to="none", use_cpu=True, bf16=False,
            disable_tqdm=True,
        )  # fmt: skip
        trainer = GRPOTrainer(
            model=_model(),
            reward_funcs=_reward,
            args=config,
            train_dataset=Dataset.from_dict({"prompt": [f"w{i} w{i + 1}" for i in range(4 * prompts)]}),
            processing_class=_tokenizer(),
            callbacks=[Marks()],
        )
        recorder.attach(trainer)
        trainer.train()
    # A step's log line comes after its end and before the next begins: each share is from begin to begin.
    pairs = list(itertools.pairwise(marks[2:]))
    return [b[1] - a[1] for a, b in pairs], [b[0] - a[0] for a, b in pairs]


def time_tracker(inputs: int = 512, samples: int = 16, repeats: int = 20) -> float:
    """Median seconds a reward of one update."""
    from wis.lm import RewardTracker

    rng = np.random.default_rng(0)
    tracker = RewardTracker(support=(0, 1))
    times = []
    for _ in range(repeats):
        rewards = rng.random((inputs, samples))
        start = time.perf_counter()
        tracker.update(range(inputs), rewards)
        times.append(time.perf_counter() - start)
    return statistics.median(times) / (inputs * samples)


def time_new_inputs(seen: int, inputs: int = 64, samples: int = 8, repeats: int = 50) -> float:
    """Mean seconds of an update by inputs that are new, where many have been seen; copies of the table included."""
    from wis.lm import RewardTracker

    rng = np.random.default_rng(0)
    tracker = RewardTracker(support=(0, 1))
    tracker.update(range(seen), rng.random((seen, 2)))
    batches = rng.random((repeats, inputs, samples))
    start = time.perf_counter()
    for i, rewards in enumerate(batches):
        tracker.update(range(seen + i * inputs, seen + (i + 1) * inputs), rewards)
    return (time.perf_counter() - start) / repeats


def _timed(total: list[float], function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    start = time.perf_counter()
    function(*args, **kwargs)
    total[0] += time.perf_counter() - start


def _reward(completions: list[str], **_: Any) -> list[float | None]:
    return [float("w1" in text.split()) for text in completions]


def _model() -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=512,
            n_positions=64,
            n_embd=128,
            n_layer=2,
            n_head=4,
            bos_token_id=1,
            eos_token_id=1,
            pad_token_id=0,
        )
    )


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = {"<pad>": 0, "</s>": 1} | {f"w{i}": i + 2 for i in range(510)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="</s>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", padding_side="left")


if __name__ == "__main__":
    main()
