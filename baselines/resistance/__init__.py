"""Effective resistances of all edges of a graph."""

from baselines.resistance.solve import effective_resistances

__all__ = ["effective_resistances"]
