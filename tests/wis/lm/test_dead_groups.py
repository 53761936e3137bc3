import numpy as np
import pytest

from wis.lm.dead_groups import dead_groups
from wis.lm.trained_reward import TrainedReward


def _trained(weights=(1.0,), each=False, clip=None):
    names = tuple(f"f{i}" for i in range(len(weights)))
    return TrainedReward(names, weights, each, "group", clip, 0.0, group_size=3)


def _count(rewards, trained=None, texts=(1, 2, 3), truncated=(False, False, True), support=(0, 1)):
    column = np.array(rewards, dtype=np.float32).reshape(3, -1)
    return dict(dead_groups(trained or _trained(), column, texts, truncated, support))


@pytest.mark.parametrize(
    ("rewards", "changes", "expected"),
    [
        ([0, 0, 1], {}, {}),
        ([1, 1, 1], {}, {"all_right": 1}),
        ([0, 0, 0], {}, {"all_wrong": 1}),
        ([0.3, 0.3, np.nextafter(np.float32(0.3), np.float32(1))], {}, {"equal": 1}),
        ([1, 1, 1], {"support": None}, {"equal": 1}),
        ([0, 0, 0], {"truncated": (True, True, True)}, {"truncated": 1}),
        ([0, 0, 0], {"texts": (1, 1, 1)}, {"identical": 1}),
        ([np.nan, np.nan, 1], {}, {"unscorable": 1}),
        ([np.nan, 1, 1], {}, {"all_right": 1}),
        ([2, 3, 4], {"trained": _trained(clip=(0, 1))}, {"clipped": 1}),
        ([[0, 1], [1, 0], [0, 1]], {"trained": _trained((1.0, 1.0))}, {"all_right": 1}),
        ([[0, 1], [1, 0], [0, 1]], {"trained": _trained((1.0, 1.0), each=True)}, {}),
        ([[0, 1], [1, 1], [0, 1]], {"trained": _trained((0.0, 1.0), each=True)}, {"all_right": 1}),
    ],
)
def test_the_first_reason_that_fits(rewards, changes, expected):
    assert _count(rewards, **changes) == expected


def test_groups_follow_each_other():
    rewards = np.array([0, 1, 0, 0, 0, 0, 1, 1, 1], dtype=np.float32)[:, None]
    found = dead_groups(_trained(), rewards, list(range(9)), [False] * 9, (0, 1))
    assert found == {"all_wrong": 1, "all_right": 1}
