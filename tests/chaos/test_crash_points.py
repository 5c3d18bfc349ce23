"""Dead at every step between a frame and its effect: the places that base/crash.h names, each at its nth time.

Needs a binary with crash points (-DSITREP_CRASH_POINTS=ON; `make test-long` builds it). SITREP_CHAOS_ROUNDS: up to which nth.
"""

import random
import re
import signal
from pathlib import Path

import pytest

from bot import ROOT, binary
from conftest import ROUNDS
from promises import at_rest, outside_is_right, record_is_right, store_is_sound, tracker_is_right
from sandbox import eventually
from steps import SOON, declared, seconds
from storm import Storm

COMMANDS = 16
CERTAIN = 4   # so often a storm comes by each of them; more often not all
LAST = 12


def names():
    """All there are, from the source: none is forgotten here."""
    found = set()
    for folder in ("bot", "adapters"):
        for path in (ROOT / folder).rglob("*.c"):
            found.update(re.findall(r'CRASH_POINT\("([a-z-]+)"\)', path.read_text(encoding="utf-8")))
    return sorted(found)


def has_points():
    path = Path(binary())
    return path.exists() and b"SITREP_CRASH" in path.read_bytes()


pytestmark = [pytest.mark.crash_points,
              pytest.mark.skipif(not has_points(), reason="a binary without crash points")]


def started_to_die(bot, sandbox, point, nth):
    """It may be dead before it is connected."""
    bot.env["SITREP_CRASH"] = f"{point}:{nth}"
    bot.start(connected=False)
    eventually(lambda: not bot.running or sandbox.connections()["usable"], timeout=seconds(20))


@pytest.mark.parametrize("nth", range(1, min(ROUNDS, LAST) + 1))
@pytest.mark.parametrize("point", names())
def test_dead_at_any_step_nothing_is_lost_or_done_twice(make_bot, sandbox, point, nth):
    dice = random.Random(f"{point}:{nth}")
    bot = make_bot(settings=SOON).with_jira("relay", search_lag="1s")
    sandbox.jira.settings(retry_scale=0.001, flavour="cloud")
    bot.start()
    for words in ("checkout is failing", "mail is late", "search is slow"):
        declared(bot, sandbox, f"declare sev2 {words}", settle=False)
    at_rest(bot, sandbox)
    bot.stop()
    storm = Storm(bot, sandbox, dice, nth)
    started_to_die(bot, sandbox, point, nth)
    storm.blow(COMMANDS, kill_after=None)
    if bot.running:
        eventually(lambda: not bot.running or nth > CERTAIN, timeout=seconds(5))
    died = not bot.running
    assert not died or bot.process.returncode == -signal.SIGKILL, bot.log()[-4000:]
    del bot.env["SITREP_CRASH"]
    bot.restart(hard=True)
    sandbox.redeliver(last=8, type="slash_commands", new_envelope_id=dice.random() < 0.5)
    at_rest(bot, sandbox)
    record_is_right(bot, storm.commands)
    outside_is_right(bot, sandbox)
    tracker_is_right(bot, sandbox, storm.commands)
    store_is_sound(bot)
    assert died or nth > CERTAIN
