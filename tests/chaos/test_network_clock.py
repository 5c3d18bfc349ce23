"""A machine whose clock is wrong, or is set right in the middle, while answers get lost: what was posted is found all the same."""

import time

import pytest

HOUR = 3600
# By how much it differs at the start, and how far it is set while answers are outstanding.
CLOCKS = {"ahead": (HOUR, 0), "behind": (-HOUR, 0), "set back": (HOUR, -HOUR), "set forward": (0, HOUR)}


@pytest.mark.parametrize("name", CLOCKS)
def test_a_storm_by_a_wrong_clock(wired, name):
    at_first, step = CLOCKS[name]
    wired.world.later(at_first, monotonic=False)
    wired.begin()
    wired.at_rest()
    for _ in range(2):
        for method in ("chat.postMessage", "conversations.create"):
            wired.sandbox.fault("lost_answer", method=method, probability=0.4)
        wired.sandbox.jira.fault("lost_answer", method="POST", path="*/issue", probability=0.4)
        wired.storm.blow(16, kill_after=None)
        wired.world.later(step, monotonic=False)
        time.sleep(0.3)
        wired.all_is_right()
