"""Every claim of the sources beside what was measured here: ``wis claims``.

A claim says which quantity it is about and where it must lie; its number comes from a stored result, and its verdict
from one rule (:mod:`wis.experiments.claims.claim`). The claims stand in one file a source; ``stored`` reads results,
``missing`` computes those that are not there, ``table`` shows the claims.
"""

from wis.experiments.claims.claim import Claim, Measured, Region
from wis.experiments.claims.table import all_claims, write_claims

__all__ = ["Claim", "Measured", "Region", "all_claims", "write_claims"]
