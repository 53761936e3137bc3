"""Sparsification as a PyTorch Geometric transform."""

from __future__ import annotations

from typing import Any

from torch_geometric.data import Data
from torch_geometric.data.datapipes import functional_transform
from torch_geometric.transforms import BaseTransform

from wis.api import sparsify
from wis.calls import check_call
from wis.checks import check_fraction


@functional_transform("wis_sparsify")
class Sparsify(BaseTransform):
    """Keep a fraction of the edges of every graph that passes.

    Parameters
    ----------
    keep
        Fraction of the pairs that stay, in ``[0, 1]``.
    method
        A name from :func:`wis.methods`.
    **options
        ``directed``, ``seed``, ``device`` and the options of the method, as in :func:`wis.sparsify`.

    Raises
    ------
    TypeError, ValueError, RuntimeError
        When the transform is made: if ``keep``, ``method``, ``seed`` or ``device`` does not fit, or the method lacks an
        option.

    Examples
    --------
    >>> import torch_geometric.transforms as T
    >>> import wis
    >>> T.Compose([T.ToUndirected(), wis.Sparsify(keep=0.5, method="wis", depth=3)])
    Compose([
      ToUndirected(),
      Sparsify(keep=0.5, method='wis', depth=3)
    ])
    """

    def __init__(self, keep: float = 0.5, method: str = "wis", **options: Any) -> None:
        self.keep = check_fraction("keep", keep)
        self.method = method
        self.options = options
        own = {name: value for name, value in options.items() if name not in ("directed", "seed", "device")}
        check_call(method, own, options.get("device", "auto"), options.get("seed"))

    def forward(self, data: Data) -> Data:
        """Return a sparse copy of ``data``."""
        return sparsify(data, self.keep, method=self.method, **self.options)

    def __repr__(self) -> str:
        options = "".join(f", {key}={value!r}" for key, value in self.options.items())
        return f"{self.__class__.__name__}(keep={self.keep}, method={self.method!r}{options})"
