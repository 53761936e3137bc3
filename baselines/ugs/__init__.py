"""UGS: ``method`` prunes edges round by round, ``masks`` learns the masks of one round together with a GNN."""

from wis.baselines.ugs.method import rank

__all__ = ["rank"]
