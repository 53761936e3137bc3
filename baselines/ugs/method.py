"""UGS: edges are pruned by the size of a mask that is learned together with a GNN, round by round.

Two forms. ``"edge-mask"`` is the adaptation of Razin et al. (NeurIPS 2023) to edge sparsification: one mask value a
pair, started at 1 ± 1e-5, multiplies the messages; each round trains to early stopping with an L1 penalty on the mask,
removes a fixed share of the original pairs and puts the weights back to the same start. ``"original"`` is the unified
lottery ticket of Chen et al. (ICML 2021): the weights of the GNN have masks too, each round removes a share of the
*remaining* pairs and weights by the masks of the best validation epoch, and rewinds the surviving weights.

Masks are vectors over the pairs: nothing here is n × n.
"""

from __future__ import annotations

import hashlib
import logging
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from wis.baselines.gnn import own
from wis.baselines.gnn.own import check_model
from wis.baselines.gnn.protocol import PROTOCOLS, Protocol

from wis.checks import check_choice, check_count, check_number
from wis.files import replace_file
from wis.graphs.edge_list import EdgeList
from wis.progress import track
from wis.registry import method

if TYPE_CHECKING:
    from wis.baselines.ugs.masks import MaskLearner

_log = logging.getLogger("wis")

# Razin et al.: the protocol of the paper. Chen et al.: their settings on Cora, 200 epochs to find masks.
_PROTOCOLS: Mapping[str, Protocol] = {
    "edge-mask": PROTOCOLS["paper"],
    "original": Protocol(lr=0.008, weight_decay=8e-5, epochs=200),
}
_ORIGINAL_ROUNDS = 20


def training_protocol(
    *,
    model: str,
    hidden: int | None,
    form: str,
    prune: float,
    s1: float,
    s2: float,
    prune_weights: float,
    checkpoint: Any = None,
    **training: Any,
) -> Protocol:
    """Check all options that need no graph, and find the training of one round that they come to."""
    if hidden is not None:
        check_count("hidden", hidden, at_least=1)
    check_model(model)
    check_choice("form", form, tuple(_PROTOCOLS))
    for name, share in (("prune", prune), ("prune_weights", prune_weights)):
        if not 0 < check_number(name, share) <= 1:
            raise ValueError(f"{name} must be above 0 and at most 1, got {share!r}")
    for name, factor in (("s1", s1), ("s2", s2)):
        check_number(name, factor, at_least=0)
    if checkpoint is not None and Path(checkpoint).suffix != ".npz":
        raise ValueError(f"checkpoint must end in .npz, got {str(checkpoint)!r}")
    if checkpoint is not None and not Path(checkpoint).parent.is_dir():
        raise ValueError(f"checkpoint {str(checkpoint)!r} is in a folder that does not exist")
    return replace(_PROTOCOLS[form], **{name: value for name, value in training.items() if value is not None})


@method(
    source="Chen et al., ICML 2021 (arXiv:2102.06790); edge-mask form: Razin et al., NeurIPS 2023 (arXiv:2211.16494)",
    seeded=True,
    learns=True,
    check=training_protocol,
    devices=("cpu", "cuda"),
)
def rank(
    edges: EdgeList,
    *,
    data: Any,
    seed: int | None = None,
    device: str = "auto",
    progress: bool = False,
    limit: int | None = None,
    model: str = "gcn",
    hidden: int | None = None,
    form: str = "edge-mask",
    prune: float = 0.05,
    s1: float = 0.01,
    s2: float = 0.01,
    prune_weights: float = 0.2,
    lr: float | None = None,
    weight_decay: float | None = None,
    epochs: int | None = None,
    patience: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
) -> np.ndarray:
    """Remove first the edges whose mask, learned together with a GNN, is smallest.

    Parameters
    ----------
    edges
        The candidate pairs.
    data
        PyG graph with ``x``, ``y`` and bool masks ``train_mask``, ``val_mask`` and ``test_mask``. Its edges are those
        of ``edges``: self-loops and edge weights it may have are not used.
    seed
        Seed of the weights, the masks and dropout. None: a fresh one.
    device
        ``"cpu"``, ``"cuda"`` or ``"auto"``.
    progress
        Show a progress bar.
    limit
        Order exactly only the first ``limit`` removals: rounds that come later are not trained.
    model
        ``"gcn"``, ``"gin"``, ``"resgcn"``, ``"gat"`` or ``"sage"``, or ``package.module:Class`` of a user's own, whose
        ``forward`` takes ``edge_weight``.
    hidden
        Width of the model. None: as in that protocol, 64 (``"resgcn"``: 128). Chen et al. use 512 on Cora.
    form
        ``"edge-mask"`` or ``"original"``.
    prune
        Share of pairs removed a round: of all pairs (``"edge-mask"``; rounds go on until none is left) or of the
        remaining ones (``"original"``; 20 rounds, then the rest is ordered by the last masks).
    s1, s2
        Factors of the L1 norms of the edge mask and, for ``"original"``, of the weight masks in the loss.
    prune_weights
        Share of the remaining weights that ``"original"`` removes a round.
    lr, weight_decay, epochs, patience
        Training of one round; None: as the form was published (``"edge-mask"``: 5e-4, 1e-3, at most 10,000 epochs,
        patience 1000; ``"original"``: 0.008, 8e-5, 200 epochs, no early stopping).
    checkpoint
        An ``.npz`` file that is rewritten after every round. Called again with it, rounds that finished are not
        trained again. It belongs to one graph, seed and choice of options.

    Returns
    -------
    numpy.ndarray
        int64 ``[m]``. Within a round smaller masks come first; equal ones in canonical order.

    Raises
    ------
    ValueError
        If an option is out of range, the data lack something, or the checkpoint belongs to another run.
    RuntimeError
        If ``device="cuda"`` and there is none.

    Notes
    -----
    About ``1 / prune`` trainings of a GNN. The published code orders a round's edges by position; here by mask.

    Adam divides a gradient by its size, so a mask whose loss gradient stays below ``s1`` (and below the weight decay,
    which holds for masks too) shrinks by about ``lr`` a step whatever that gradient says, and those whose gradients
    vary most shrink least, harmful or not. The published ``s1 = 0.01`` is far above most gradients (medians of 1e-5 to
    1e-3 on a graph of 400 vertices and 1,860 edges, 36% of them between four classes and so harmful). Mean position of
    the harmful edges there (0 removed first, 0.5 at random; ``"edge-mask"``, 30 epochs, ``lr=0.005``): GCN 0.42, GIN
    0.61 and ResGCN (of depth 3) 0.38 as published; 0.30, 0.37 and 0.29 with ``s1=1e-5`` and ``weight_decay=0``.
    """
    protocol = training_protocol(
        model=model, hidden=hidden, form=form, prune=prune, s1=s1, s2=s2, prune_weights=prune_weights,
        lr=lr, weight_decay=weight_decay, epochs=epochs, patience=patience, checkpoint=checkpoint,
    )  # fmt: skip
    if edges.num_pairs == 0:
        return np.zeros(0, dtype=np.int64)

    from wis.baselines.gnn.data import TrainingData
    from wis.baselines.ugs.masks import MaskLearner

    ready = TrainingData.from_pyg(data, device)
    if ready.graph.num_nodes != edges.num_nodes:
        raise ValueError(f"data has {ready.graph.num_nodes} vertices, but the graph has {edges.num_nodes}")
    store = None
    if checkpoint is not None:
        settings = (model, hidden, form, prune, s1, s2, prune_weights, protocol)
        store = _Store(checkpoint, _fingerprint(edges, data, settings, seed))
    seed = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else seed
    learner = MaskLearner(ready, model, protocol, seed, s1, s2 if form == "original" else None, hidden)
    rounds = _Rounds(edges, learner, _schedule(edges.num_pairs, prune, form), prune_weights, store)
    return rounds.run(limit, progress)


def _schedule(num_pairs: int, prune: float, form: str) -> list[int]:
    """How many pairs are removed after each round; all of them after the last."""
    if form == "edge-mask":
        removed = [round(min(k * prune, 1.0) * num_pairs) for k in range(1, math.ceil(1 / prune) + 1)]
    else:
        removed = [round((1 - (1 - prune) ** k) * num_pairs) for k in range(1, _ORIGINAL_ROUNDS + 1)]
    removed[-1] = num_pairs
    return sorted(set(removed) - {0})


@dataclass
class _State:
    """What one round hands to the next."""

    rounds: int
    order: np.ndarray
    """int64 ``[m]``: pairs removed so far in order, then the remaining ones by their last mask."""
    kept_weights: dict[str, np.ndarray] = field(default_factory=dict)
    """bool masks of the weights that are left, by the name of the layer."""


@dataclass(frozen=True)
class _Rounds:
    """Learns masks, prunes, and begins again with what is left."""

    edges: EdgeList
    learner: MaskLearner
    schedule: list[int]
    prune_weights: float
    store: _Store | None

    def run(self, limit: int | None, progress: bool) -> np.ndarray:
        """Order all pairs; exactly only the first ``limit``."""
        state = (self.store.load() if self.store else None) or _State(0, np.arange(self.edges.num_pairs))
        starts = [0, *self.schedule[:-1]]
        needed = sum(1 for start in starts if limit is None or start < limit)
        longest = self.learner.protocol.epochs
        with track(max(needed - state.rounds, 0) * longest, "UGS", unit="epochs", enabled=progress) as advance:
            for number in range(state.rounds, needed):
                state, epochs = self._round(state, starts[number], advance)
                if self.store:
                    self.store.save(state)
                advance(longest - epochs)
        return state.order

    def _round(self, state: _State, start: int, advance: Callable[[int], Any]) -> tuple[_State, int]:
        left = np.sort(state.order[start:])
        pairs, directed = self.edges.pairs[:, left], self.edges.directed
        learned = self.learner.learn(pairs, directed, state.rounds, state.kept_weights, advance)
        by_mask = left[np.argsort(np.abs(learned.pairs), kind="stable")]
        kept_weights = _prune_weights(learned.weights, state.kept_weights, self.prune_weights)
        _log.info(
            "UGS: round %d of %d: validation accuracy %.3f with %d pairs after %d epochs",
            *(state.rounds + 1, len(self.schedule)),
            *(learned.outcome.val_score, len(left), learned.outcome.epochs),
        )
        order = np.concatenate([state.order[:start], by_mask])
        return _State(state.rounds + 1, order, kept_weights), learned.outcome.epochs


def _prune_weights(
    masks: Mapping[str, np.ndarray], kept: Mapping[str, np.ndarray], share: float
) -> dict[str, np.ndarray]:
    """Prune the share of the remaining weights whose masks are smallest, over all layers together."""
    if not masks:
        return {}
    left = np.concatenate([np.ravel(kept.get(name, np.ones(masks[name].shape, dtype=bool))) for name in masks])
    size = np.where(left, np.concatenate([np.abs(mask).ravel() for mask in masks.values()]), np.inf)
    left[np.argsort(size, kind="stable")[: round(share * np.count_nonzero(left))]] = False
    parts = np.split(left, np.cumsum([mask.size for mask in masks.values()])[:-1])
    return {name: part.reshape(mask.shape) for (name, mask), part in zip(masks.items(), parts, strict=True)}


class _Store:
    """The file that a run is continued from."""

    def __init__(self, path: str | os.PathLike[str], key: str) -> None:
        self._path, self._key = Path(path), key

    def load(self) -> _State | None:
        if not self._path.is_file():
            return None
        with np.load(self._path, allow_pickle=False) as file:
            arrays = dict(file)
        if str(arrays.get("key")) != self._key:
            raise ValueError(
                f"checkpoint {str(self._path)!r} belongs to another graph, seed or choice of options; delete it or "
                "name another file"
            )
        masks = {key.removeprefix("weights/"): arrays[key] for key in arrays if key.startswith("weights/")}
        return _State(int(arrays["rounds"]), arrays["order"], masks)

    def save(self, state: _State) -> None:
        masks: dict[str, Any] = {f"weights/{name}": mask for name, mask in state.kept_weights.items()}
        with replace_file(self._path) as temporary:
            np.savez(temporary, key=np.array(self._key), rounds=state.rounds, order=state.order, **masks)


def _fingerprint(edges: EdgeList, data: Any, settings: tuple[Any, ...], seed: int | None) -> str:
    if seed is None:
        raise ValueError("checkpoint needs a seed: without one, no two calls are the same run")
    digest = hashlib.sha256(f"{edges.fingerprint()} {settings} {seed}".encode())
    # What early stopping goes by, and what a user's own model does.
    if (data.get("metric") or "accuracy") != "accuracy":
        digest.update(data.metric.encode())
    if own.is_own(settings[0]):
        digest.update(own.fingerprint(settings[0]).encode())
    for key in ("x", "y", "train_mask", "val_mask", "test_mask"):
        digest.update(data[key].detach().cpu().contiguous().numpy().data)
    return digest.hexdigest()
