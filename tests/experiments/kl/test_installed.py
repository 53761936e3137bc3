"""The installed TRL's own loss falls in the class that `explain` says, output by output, in exact expectation."""

import pytest

pytest.importorskip("trl")
from wis.experiments.kl.installed import CASES, SETTINGS, compare


@pytest.mark.parametrize("name", SETTINGS)
def test_trls_loss_is_in_its_class(name):
    found = compare(SETTINGS[name][0])
    assert set(found) == set(CASES)
    for said, does in found.values():
        assert does.kind == said.kind
        if does.kind != "unnamed":
            assert does.scale == pytest.approx(said.scale, rel=1e-4)
