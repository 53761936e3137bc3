import asyncio
import math

import numpy as np
import pytest
import torch

pytest.importorskip("trl")
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

from wis.lm import RewardTracker
from wis.lm.trl import PREFIX, STATE_FILE, RewardRecorder

WORDS = ["<pad>", "<eos>", "a", "b", "c", "d", "e", "f"]


def _tokenizer():
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<eos>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", padding_side="left"
    )


def _reward(completions, prompts, **kwargs):
    # "a b" never gets anything: its std is 0.
    return [0.0 if prompt == "a b" else float("c" in text) for prompt, text in zip(prompts, completions, strict=True)]


def _length(completions, **kwargs):
    return [min(len(text), 9) / 9 for text in completions]


def _train(kind, out, reward_funcs, recorder=None, resume=None, steps=2, **options):
    config, trainer_class = {"grpo": (GRPOConfig, GRPOTrainer), "rloo": (RLOOConfig, RLOOTrainer)}[kind]
    torch.manual_seed(0)
    model = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=8, n_positions=16, n_embd=16, n_layer=1, n_head=2, bos_token_id=1, eos_token_id=1, pad_token_id=0
        )
    )
    arguments = config(
        output_dir=str(out), per_device_train_batch_size=8, num_generations=4, max_completion_length=3, max_steps=steps,
        logging_steps=1, save_steps=1, learning_rate=1e-3, report_to="none", use_cpu=True, bf16=False, seed=3, beta=0.0,
        **options,
    )  # fmt: skip
    data = Dataset.from_dict({"prompt": ["a b", "c d"], "row": [10, 20]})
    trainer = trainer_class(
        model=model, reward_funcs=reward_funcs, args=arguments, train_dataset=data, eval_dataset=data,
        processing_class=_tokenizer(),
    )  # fmt: skip
    if recorder is not None:
        recorder.attach(trainer)
    trainer.train(resume_from_checkpoint=resume)
    return trainer


def _weights(trainer):
    return torch.cat([p.detach().flatten() for p in trainer.model.parameters()])


@pytest.mark.parametrize("kind", ["grpo", "rloo"])
def test_recording_logs_and_does_not_change_training(kind, tmp_path):
    plain = _train(kind, tmp_path / "plain", [_reward])
    recorder = RewardRecorder(support=(0, 1), binary=True, key="row")
    recorded = _train(kind, tmp_path / "recorded", [recorder.wrap(_reward)], recorder)
    torch.testing.assert_close(_weights(plain), _weights(recorded), rtol=0, atol=0)

    lines = [line for line in recorded.state.log_history if f"{PREFIX}/zero" in line]
    assert len(lines) == 2
    assert [line[f"{PREFIX}/seen/inputs"] for line in lines] == [2, 2]
    assert "rewards/_reward/mean" in lines[0]
    assert sorted(recorder.tracker.keys) == [10, 20]
    stuck = recorder.tracker.keys.index(10)
    assert recorder.tracker.is_zero()[stuck]
    assert recorder.tracker.counts.tolist() == [4, 4]
    # TRL's own batch-level mean of the last step, from the same rewards.
    assert recorder.tracker.mean().mean() == pytest.approx(lines[-1]["reward"])
    saved = RewardTracker.load(tmp_path / "recorded" / "checkpoint-2" / STATE_FILE)
    np.testing.assert_array_equal(saved.std(), recorder.tracker.std())


def test_evaluation_is_left_out_and_a_resumed_run_remembers(tmp_path):
    first = RewardRecorder(support=(0, 1))
    trainer = _train("grpo", tmp_path, [first.wrap(_reward)], first, steps=1)
    before = first.tracker.state_dict()
    trainer.model.eval()
    trainer.evaluate()
    assert first.tracker.state_dict()["keys"] == before["keys"]
    np.testing.assert_array_equal(first.tracker.state_dict()["table"], before["table"])
    again = RewardRecorder(support=(0, 1))
    again.on_train_begin(trainer.args, trainer.state, None)
    assert again.tracker.keys == first.tracker.keys


def test_several_reward_functions_are_summed_with_their_weights(tmp_path):
    recorder = RewardRecorder(support=(0, 3), weights=[1.0, 2.0])
    rewards = [recorder.wrap(_reward), recorder.wrap(_length)]
    trainer = _train("grpo", tmp_path, rewards, recorder, steps=1, reward_weights=[1.0, 2.0])
    assert recorder.tracker.mean().mean() == pytest.approx(trainer.state.log_history[0]["reward"], rel=1e-5)


def test_none_and_nan_and_async():
    recorder = RewardRecorder()
    values = iter([[1.0, None, math.nan], [0.0, 2.0, 1.0]])

    async def reward(prompts, **kwargs):
        return next(values)

    wrapped = recorder.wrap(reward)
    for _ in range(2):
        asyncio.run(wrapped(prompts=["x", [{"role": "user", "content": "y"}], "z"]))
    assert recorder._recent.counts.tolist() == [2, 1, 1]
    assert recorder.dropped == 1


def test_a_wrong_range_stops_recording_and_not_training():
    recorder = RewardRecorder(support=(0, 1))
    wrapped = recorder.wrap(lambda prompts, **kwargs: [7.0])
    with pytest.warns(UserWarning, match="no longer recorded: a reward must be between 0 and 1"):
        assert wrapped(prompts=["x"]) == [7.0]
    assert wrapped(prompts=["x"]) == [7.0]


def test_bad_input():
    with pytest.raises(TypeError, match="reward function, got Linear"):
        RewardRecorder().wrap(torch.nn.Linear(1, 1))
    recorder = RewardRecorder(weights=[1.0])
    recorder.wrap(_reward)
    with pytest.raises(ValueError, match="one more"):
        recorder.wrap(_reward)
    with pytest.raises(ValueError, match="no column"):
        RewardRecorder(key="id").wrap(_length)(completions=["a"], prompts=["x"])
