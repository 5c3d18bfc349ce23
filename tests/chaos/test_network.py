"""Storms of commands over wires that break, stall and drip, to a chat and a tracker that refuse, limit and forget.

Afterwards each acknowledged command is in the record once, each post, channel, card, issue and comment is outside once. What
nobody can look up, an answer to one person by a response URL or an ephemeral message, may come once more.
"""

import time

import pytest

COMMANDS = 16
ENOUGH = 12   # times that something went wrong

# What becomes of the bytes; probabilities are of each piece that is read.
WIRES = {
    "resets in the middle of answers": dict(
        chat=dict(kind="reset", probability=0.2), socket=dict(kind="reset", probability=0.05), jira=dict(kind="reset", probability=0.1)),
    "resets in the middle of requests": dict(
        chat=dict(kind="reset", way="ask", probability=0.2), socket=dict(kind="reset", way="ask", probability=0.05),
        jira=dict(kind="reset", way="ask", probability=0.1)),
    "a byte at a time": dict(chat=dict(kind="drip"), socket=dict(kind="drip"), jira=dict(kind="drip")),
    "slow": dict(chat=dict(kind="slow"), socket=dict(kind="slow", ms=100), jira=dict(kind="slow")),
    "half-dead": dict(chat=dict(kind="silence", probability=0.1), socket=dict(kind="silence", probability=0.05),
                      jira=dict(kind="silence", probability=0.1)),
    "silence after the request": dict(chat=dict(kind="silence", way="ask", probability=0.1),
                                      socket=dict(kind="silence", way="ask", probability=0.05),
                                      jira=dict(kind="silence", way="ask", probability=0.1)),
}
# What the other side says, or does not.
ANSWERS = {
    "429 with Retry-After": dict(kind="status", status=429, retry_after=1, probability=0.3),
    "429 without": dict(kind="status", status=429, probability=0.1),
    "429 for all": dict(kind="status", status=429, retry_after=2),
    "500": dict(kind="status", status=500, probability=0.4),
    "500 for all": dict(kind="status", status=500),
    "503": dict(kind="status", status=503, probability=0.4),
    "503 with Retry-After": dict(kind="status", status=503, retry_after=1, probability=0.3),
    "500 though it was done": dict(kind="status", status=500, after=True, probability=0.3),
    "lost after the effect": dict(kind="lost_answer", probability=0.3),
    "lost in the middle, after the effect": dict(kind="lost_answer", bytes=60, probability=0.3),
}


def storms(wired, faults):
    """Until the faults have struck often enough. What failed is tried again at once, by a clock that is turned."""
    def hits():
        return sum(fault["hits"] for fault in faults())
    for _ in range(20):
        wired.storm.blow(COMMANDS, kill_after=None)
        for _ in range(3):
            wired.world.later(1)
            time.sleep(0.1)
        if hits() >= ENOUGH:
            break
    assert hits() >= ENOUGH, faults()


@pytest.mark.parametrize("name", WIRES)
def test_a_storm_over_bad_wires(wired, name):
    wired.begin()
    faults = [wired.wires[part].fault(**fault) for part, fault in WIRES[name].items()]
    storms(wired, lambda: [vars(fault) for fault in faults])
    # What is dead by now is found out by the bot itself.
    wired.mend(drop=False)
    wired.at_rest()
    wired.all_is_right()


@pytest.mark.parametrize("name", ANSWERS)
def test_a_storm_against_bad_answers(wired, name):
    wired.begin()
    for method in ("chat.*", "conversations.*", "pins.*", "bookmarks.*", "users.*"):
        wired.sandbox.fault(method=method, **ANSWERS[name])
    wired.sandbox.jira.fault(**ANSWERS[name])
    storms(wired, lambda: wired.sandbox.faults() + wired.sandbox.jira.faults())
    wired.all_is_right()
