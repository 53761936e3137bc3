import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration
from wis.experiments.lm.grue import pipeline
from wis.experiments.lm.grue.config import Config, Generation, PPOSettings, SFTSettings, load_configs
from wis.experiments.lm.grue.data import Example, choose, fill, load_examples, look_up
from wis.experiments.lm.grue.findings import (
    movement,
    prevalence,
    rank_correlation,
    read_trackers,
    report_findings,
    separation,
)
from wis.experiments.lm.grue.models import LanguageModel, from_hub
from wis.experiments.lm.grue.pipeline import Inputs, run_stage
from wis.experiments.lm.grue.ppo import AdaptiveKL, finetune_ppo, gae, ppo_loss
from wis.experiments.lm.grue.rewards import make_reward
from wis.experiments.lm.grue.sft import finetune_supervised
from wis.experiments.running.rows import read_rows

from wis.lm import RewardTracker

WORDS = ["<pad>", "</s>", "<unk>", "copy", *"abcdefgh"]
PPO = PPOSettings(learning_rate=3e-3, rollout_tokens=60, iterations=2, kl_target=0.5, epochs=2, batch=16)


def _tokenizer():
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=64
    )


def _network(architecture):
    torch.manual_seed(0)
    size = len(WORDS)
    if architecture == "causal":
        return GPT2LMHeadModel(
            GPT2Config(vocab_size=size, n_positions=64, n_embd=16, n_layer=1, n_head=2, bos_token_id=1, eos_token_id=1)
        )
    return T5ForConditionalGeneration(
        T5Config(
            vocab_size=size,
            d_model=16,
            d_kv=8,
            d_ff=32,
            num_layers=1,
            num_heads=2,
            decoder_start_token_id=0,
            pad_token_id=0,
            eos_token_id=1,
        )
    )


def _config(architecture="causal", reward="rouge_l", **changes):
    base = Config(
        "toy", "no/such-model", architecture, reward, inputs=6, samples=3, prompt_tokens=8,
        generation=Generation(top_k=5, max_new_tokens=4, min_new_tokens=1), ppo=PPO,
        sft=SFTSettings(learning_rate=1e-2, batch=4, epochs=2),
    )  # fmt: skip
    return replace(base, **changes)


@pytest.fixture(params=["causal", "seq2seq"])
def model(request):
    return LanguageModel(_network(request.param), _tokenizer(), request.param, prompt_tokens=8)


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    with (tmp_path / "toy.jsonl").open("w") as file:
        for _ in range(10):
            words = " ".join(rng.choice(list("abcdefgh"), size=3))
            file.write(json.dumps({"prompt": f"copy {words}", "references": [words]}) + "\n")
    for kind in ("causal", "seq2seq"):
        LanguageModel(_network(kind), _tokenizer(), kind).save(tmp_path / kind)
    return tmp_path


EXAMPLES = [Example(str(i), f"copy {a} {b}", (f"{a} {b}",)) for i, (a, b) in enumerate(["ab", "cd", "ef", "ga"])]


def test_the_seven_configurations_are_the_published_ones():
    configs = load_configs()
    assert list(configs) == ["narrativeqa", "totto", "commongen", "iwslt17", "cnn_dailymail", "dailydialog", "imdb"]
    assert {c.samples for c in configs.values()} == {10}
    assert {(c.inputs, c.seed) for c in configs.values()} == {(5000, 7)}
    assert configs["imdb"].ppo.kl_target == 0.1
    assert configs["iwslt17"].ppo.rollout_tokens == 512 * 10
    assert configs["commongen"].ppo.entropy == 0.01
    assert configs["totto"].generation == Generation(top_k=0, min_new_tokens=10, max_new_tokens=50)


def test_rewards_of_known_texts():
    example = Example("0", "", ("the cat sat on the mat", "a cat sat"))
    perfect = ["the cat sat on the mat"]
    for name in ("rouge_l", "bleu", "bleu_intl"):
        reward = make_reward(_config(reward=name))
        assert reward([example], perfect) == [pytest.approx(1)]
        assert reward([example], ["dogs bark"]) == [0]
        assert reward([example], [""]) == [0]
    # LCS of "a cat ran" and "a cat sat" is 2 of 3.
    assert make_reward(_config())([example], ["a cat ran"]) == [pytest.approx(2 / 3)]
    meteor = make_reward(_config(reward="meteor"), synonyms=False)
    # One chunk of 6 matches: 1 - 0.5 (1/6)^3.
    assert meteor([example], perfect) == [pytest.approx(1 - 0.5 / 216)]


def test_wordnet_that_is_missing_is_said(tmp_path):
    with pytest.raises(RuntimeError, match=r"METEOR needs WordNet .*--no-synonyms"):
        make_reward(_config(reward="meteor"), wordnet=tmp_path)


def test_hub_errors_are_clear(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from transformers import AutoTokenizer

    with pytest.raises(RuntimeError, match=r"cannot load '/no/such/model'.*local folder"):
        from_hub(AutoTokenizer, "/no/such/model")
    with pytest.raises(ValueError, match="names no hub data set"):
        load_examples(_config(), "train")
    import datasets

    def unreachable(**_):
        raise ConnectionError("no route")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    with pytest.raises(RuntimeError, match=r"cannot load x/y \(train\) from the hub.*--data"):
        load_examples(_config(hub={"path": "x/y"}), "train")


def test_rows_become_examples(tmp_path):
    row = {"translation": {"en": "one", "de": "eins"}, "answers": [{"text": "x"}, {"text": "y"}], "words": ["p", "q"]}
    assert fill("say: {translation.en} {words}", row) == "say: one p q"
    assert look_up(row, "answers.*.text") == ["x", "y"]
    with pytest.raises(ValueError, match="no 'fr' in en, de"):
        look_up(row, "translation.fr")
    (tmp_path / "d.jsonl").write_text(json.dumps({"dialog": ["hi", "hello", "bye"]}) + "\n")
    found = load_examples(_config(dialogue="dialog"), "train", tmp_path / "d.jsonl")
    assert found == [Example("0.0", "hi\n", ("hello",)), Example("0.1", "hi\nhello\n", ("bye",))]
    (tmp_path / "bad.jsonl").write_text('{"prompt": "a", "references": "b"}\n{oops\n')
    with pytest.raises(ValueError, match="line 2: not JSON"):
        load_examples(_config(), "train", tmp_path / "bad.jsonl")
    assert [e.id for e in choose(EXAMPLES, 2, seed=0)] == [e.id for e in choose(EXAMPLES, 2, seed=0)]


def test_generation_is_seeded_and_masked(model):
    prompts = ["copy a b", "copy c"]
    first = model.generate(prompts, _config().generation, seed=3)
    again = model.generate(prompts, _config().generation, seed=3)
    assert first.texts == again.texts
    end = model.tokenizer.eos_token_id
    for tokens, mask in zip(first.tokens, first.mask, strict=True):
        length = int(mask.sum())
        assert mask[:length].all()
        assert end not in tokens[: length - 1]
    assert model.outputs(torch.tensor([[4, end, 0, 0]])).mask.tolist() == [[True, True, False, False]]


def test_scores_do_not_depend_on_padding(model):
    one = model.targets(["a b"], 8)
    alone = model.score(["copy c"], one)
    both = model.score(["copy c", "copy a b d e"], model.targets(["a b", "h g f e"], 8))
    length = one.tokens.shape[1]
    torch.testing.assert_close(both.log_probs[0, :length], alone.log_probs[0], atol=1e-5, rtol=1e-4)
    assert (both.log_probs[0, length:] == 0).all()


def test_sft_learns_and_stops_at_its_steps(model):
    losses = finetune_supervised(model, EXAMPLES, _config(sft=SFTSettings(1e-2, 4, 30)), seed=0, progress=False)
    assert len(losses) == 30
    assert losses[-1] < 0.6 * losses[0]
    few = _config(sft=SFTSettings(1e-2, 1, 9, max_steps=5, labels=0.25))
    assert len(finetune_supervised(model, EXAMPLES, few, seed=0, progress=False)) == 5


def test_gae_by_hand():
    rewards, values = torch.tensor([[0.0, 1.0, 9.0]]), torch.tensor([[0.5, 0.25, 9.0]])
    mask = torch.tensor([[True, True, False]])
    found = gae(rewards, values, mask, 0.9, 0.8)
    last = 1 - 0.25
    assert found.tolist() == [[pytest.approx(0.9 * 0.25 - 0.5 + 0.72 * last), pytest.approx(last), 0.0]]


def test_the_kl_coefficient_moves_towards_its_target():
    kl = AdaptiveKL(1.0, 0.5)
    kl.update(5.0)
    assert kl.coefficient == pytest.approx(1.02)
    kl.update(0.45)
    assert kl.coefficient == pytest.approx(1.02 * 0.99)


def test_ppo_raises_the_reward_and_resumes(model, tmp_path):
    def reward(_, texts):
        return [float("a" in text.split()) for text in texts]

    config = _config(model.architecture, ppo=replace(PPO, iterations=12))
    start = {key: value.clone() for key, value in model.model.state_dict().items()}
    whole = finetune_ppo(model, EXAMPLES, config, reward, seed=0, progress=False)
    assert len(whole) == 12
    assert np.mean([row["reward"] for row in whole[-3:]]) > whole[0]["reward"] + 0.1
    assert whole[0]["kl"] == pytest.approx(0, abs=1e-6)

    model.model.load_state_dict(start)
    calls = 0

    def stops(examples, texts):
        nonlocal calls
        calls += 1
        if calls == 9:
            raise KeyboardInterrupt
        return reward(examples, texts)

    options = {"seed": 0, "checkpoint": tmp_path / "ppo.pt", "checkpoint_every": 1, "progress": False}
    with pytest.raises(KeyboardInterrupt):
        finetune_ppo(model, EXAMPLES, config, stops, **options)
    assert (tmp_path / "ppo.pt").exists()
    reference = {key: value.clone() for key, value in start.items()}
    model.model.load_state_dict(reference)
    resumed = finetune_ppo(model, EXAMPLES, config, reward, **options)
    assert resumed == whole
    assert not (tmp_path / "ppo.pt").exists()


def test_ppo_that_diverges_says_so(model):
    config = _config(ppo=replace(PPO, learning_rate=1e30, iterations=5))
    history = finetune_ppo(model, EXAMPLES, config, lambda _, t: [1.0] * len(t), seed=0, progress=False)
    assert history[-1]["diverged"] == 1
    assert len(history) < 5


@pytest.mark.parametrize("kind", ["causal", "seq2seq"])
def test_all_stages_and_findings(kind, files):
    inputs = Inputs(file=files / "toy.jsonl", model=str(files / kind))
    config = _config(kind)
    for stage in pipeline.STAGES:
        tracker = run_stage(config, stage, files / "out", inputs, progress=False)
        assert len(tracker) == 6
        assert tracker.counts.tolist() == [3] * 6
    samples = files / "out" / "toy" / "sft" / "samples.jsonl"
    stored = samples.read_text()
    # The pass stops after two of its inputs: the others are sampled again, and the whole is what it was.
    samples.write_text("".join(stored.splitlines(keepends=True)[:3]))
    assert len(run_stage(config, "sft", files / "out", inputs, progress=False)) == 6
    with pytest.raises(ValueError, match="other settings"):
        run_stage(replace(config, samples=4), "sft", files / "out", inputs, progress=False)
    phases = {row["run"]: row for row in read_rows(files / "out" / "toy" / "sft+rft" / "phases.jsonl")}
    assert set(phases) == {"settings", "sft", "rft"}
    assert phases["settings"]["config"]["samples"] == 3
    assert len(phases["rft"]["iterations"]) == config.ppo.iterations
    tables = report_findings(files / "out", "wis lm grue findings")
    assert tables["prevalence"].inputs.tolist() == [6]
    assert tables["movement"].stage.tolist() == ["sft"] * 2 + ["rft"] * 2 + ["sft+rft"] * 2
    assert len(tables["separation"]) == 1
    page = (files / "out" / "report.html").read_text()
    assert "[paper]" in page
    assert "[2nd]" in page


def test_findings_of_known_rewards():
    stuck, free = [0.0] * 4, [0.0, 1.0, 0.0, 1.0]
    stages = {
        "pretrained": [stuck, stuck, free],
        "sft": [[1.0] * 4] * 3,
        "rft": [stuck, stuck, [1.0] * 4],
    }
    trackers = {"toy": {name: RewardTracker.from_rewards(r, support=(0, 1)) for name, r in stages.items()}}
    first = prevalence(trackers).iloc[0]
    assert first["zero std"] == pytest.approx(2 / 3)
    assert first["std < 0.05 and reward < 0.1"] == pytest.approx(2 / 3)
    moved = movement(trackers).set_index(["stage", "inputs with"]).change
    assert moved["rft", "small std"] == 0
    assert moved["rft", "other"] == 0.5
    assert moved["sft", "small std"] == 1
    assert separation(trackers).iloc[0]["SFT − RFT"] == pytest.approx(2 / 3)
    assert math.isnan(rank_correlation(separation(trackers)))


def test_findings_without_runs(tmp_path):
    with pytest.raises(FileNotFoundError, match="no sampling pass"):
        read_trackers(tmp_path / "none")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reward": "f1"}, "unknown reward 'f1'"),
        ({"architecture": "rnn"}, "architecture"),
        ({"samples": 1}, "at least 2"),
        ({"reward": "classifier"}, "reward_model"),
    ],
)
def test_bad_settings(changes, message):
    with pytest.raises(ValueError, match=message):
        _config(**changes)


def test_bad_configuration_files(tmp_path):
    (tmp_path / "a.yaml").write_text("toy: {model: m, architecture: causal, reward: bleu, ppo: {lr: 1}}\n")
    with pytest.raises(ValueError, match=r"toy.ppo: unknown setting 'lr'"):
        load_configs(tmp_path / "a.yaml")
    (tmp_path / "b.yaml").write_text("toy: {model: m}\n")
    with pytest.raises(ValueError, match="architecture"):
        load_configs(tmp_path / "b.yaml")


def test_ppo_loss_is_the_policy_gradient_at_the_start(model):
    from wis.experiments.lm.grue.ppo import _roll_out

    head = torch.nn.Linear(model.width, 1)
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)
    rollout = _roll_out(model, model, head, EXAMPLES, _config(), lambda _, t: [0.0, 1.0, 0.0, 1.0], 0.1, seed=0)
    settings = replace(PPO, entropy=0.0, value_weight=0.0)
    loss = ppo_loss(model, head, rollout, settings, torch.tensor(0.0), torch.tensor(1.0))
    weight = next(model.model.parameters())
    (found,) = torch.autograd.grad(loss, [weight])
    scores = model.score(rollout.prompts, rollout.outputs)
    (expected,) = torch.autograd.grad(-(scores.log_probs * rollout.advantages).sum(), [weight])
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-4)


def test_the_classifier_reward_is_its_probability_of_label_1(tmp_path):
    from transformers import DistilBertConfig, DistilBertForSequenceClassification

    torch.manual_seed(0)
    network = DistilBertForSequenceClassification(
        DistilBertConfig(vocab_size=len(WORDS), dim=16, n_layers=1, n_heads=2, hidden_dim=32, num_labels=2)
    )
    network.save_pretrained(tmp_path)
    _tokenizer().save_pretrained(tmp_path)
    reward = make_reward(replace(_config(reward_model=str(tmp_path)), reward="classifier"))
    found = reward([EXAMPLES[0], EXAMPLES[1]], [" e", " f g"])
    tokens = _tokenizer()("copy a b e", return_tensors="pt")
    with torch.no_grad():
        expected = network.eval()(tokens["input_ids"], tokens["attention_mask"]).logits.softmax(-1)[0, 1].item()
    assert found[0] == pytest.approx(expected, abs=1e-5)
    assert all(0 <= value <= 1 for value in found)
