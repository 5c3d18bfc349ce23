"""The wall clock jumps, forward and back, under a bot with reminders, an offer, retries and connections on their way:
nothing is said twice, nothing that waits is forgotten, nothing runs hot. With SITREP_CHAOS_ROUNDS all steps, else a few."""

import time
from collections import Counter
from pathlib import Path

import pytest

from conftest import ROUNDS
from promises import at_rest, outside_is_right, posts_there, store_is_sound
from sandbox import eventually, text_of
from steps import INC, SOON, declared, posted, seconds, settled, threaded, timeline, waiting
from world import World

LONG = ROUNDS > 1
HOUR, DAY, YEAR = 3600, 86400, 365 * 86400
STEPS = {"+day": [DAY, -DAY], "+hour": [HOUR, -HOUR], "+year": [YEAR, -YEAR], "-hour": [-HOUR, HOUR], "-day": [-DAY, DAY],
         "-year": [-YEAR, YEAR], "all": [-YEAR, YEAR, DAY, -DAY]}
WRONG = {"ahead": 3 * DAY, "right": 0, "behind": -3 * DAY}


def some(table):
    """What parametrize takes: all of it, or the first."""
    names = list(table) if LONG else list(table)[:1]
    return {"argvalues": [table[name] for name in names], "ids": names}


def started(make_bot, sandbox, library, off=0, **settings):
    bot = make_bot(settings={**SOON, **settings})
    world = World(bot, library)
    world.step(off)
    return bot.start(), world


def cpu_seconds(bot):
    """Time on the processor so far."""
    fields = Path(f"/proc/{bot.process.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def at_ease(bot):
    """No thread runs hot: a sixth of a processor at most, over a second."""
    before = cpu_seconds(bot)
    time.sleep(1)
    used = cpu_seconds(bot) - before
    assert used < 0.15 * max(1, seconds(1)), used


def said_of(sandbox):
    """Every text of the bot and how often it stands, wherever."""
    found = Counter()
    for channel in sandbox.state()["channels"]:
        for message in sandbox.messages(channel["id"]):
            if message.get("app_id"):
                found[channel["id"], text_of(message)] += 1
    return found


@pytest.mark.parametrize("steps", **some(STEPS))
def test_whatever_the_clock_does_nothing_is_said_twice_or_forgotten(make_bot, sandbox, library, steps):
    bot, world = started(make_bot, sandbox, library)
    for person in ("bob", "carol"):
        sandbox.command("whoami", user=person)
    declared(bot, sandbox, "declare sev2 checkout is failing", settle=False)
    sandbox.command("#1 ic @alice")
    sandbox.command("#1 handover @bob")
    at_rest(bot, sandbox)
    alive = [c["id"] for c in sandbox.connections()["connections"] if c["ready"] and not c["closed"]]
    off, token = 0, 0
    for step in steps:
        # Something waits for its next try when the clock jumps, and the outside comes back after it.
        sandbox.fault("status", status=503, method="chat.*")
        assert sandbox.command(f"#1 update token{token:02}. in 20m")["acked"]
        eventually(lambda: any(row["error"] for row in waiting(bot)), timeout=seconds(10))
        off += step
        world.step(off)
        assert sandbox.command(f"#1 note token{token + 1:02}.")["acked"]
        at_rest(bot, sandbox, timeout=20)
        at_ease(bot)
        token += 2
    for n in range(token):
        assert len(timeline(bot, f"token{n:02}.")) == 1, n
    # The same connection as before: its pings are measured by the other clock.
    assert alive == [c["id"] for c in sandbox.connections()["connections"] if c["ready"] and not c["closed"]]
    repeated = {what: often for what, often in said_of(sandbox).items() if often > 1}
    assert not repeated, repeated
    assert max(posts_there(sandbox).values()) == 1
    if YEAR not in steps:  # after a year what was delivered is not kept
        outside_is_right(bot, sandbox)
    bot.restart()
    assert sandbox.command("#1 note token99.")["acked"]
    at_rest(bot, sandbox)
    assert max(posts_there(sandbox).values()) == 1
    store_is_sound(bot)


def test_set_back_in_the_middle_of_a_ladder_no_step_is_said_twice(make_bot, sandbox, library):
    bot = make_bot(settings=SOON).fast(cadence="2s", first_update="2s", offsets=("-1s", "0s", "1s", "2s", "3s"))
    world = World(bot, library)
    bot.start()
    declared(bot, sandbox, "declare sev2 checkout is failing", settle=False)
    eventually(lambda: [m for m in posted(sandbox, INC) if "is due now" in text_of(m)], timeout=seconds(10))
    world.step(-30)
    sandbox.command("whoami")  # it sleeps a minute at most; whatever wakes it shows it the time
    time.sleep(1)
    world.step(0)
    sandbox.command("whoami")
    eventually(lambda: threaded(sandbox, "incidents", "overdue"), timeout=seconds(20))
    at_rest(bot, sandbox)
    world.step(-30)
    sandbox.command("whoami")
    time.sleep(1)
    assert len([m for m in posted(sandbox, INC) if "is due now" in text_of(m)]) == 1
    assert len(threaded(sandbox, "incidents", "overdue")) == 1
    assert len(timeline(bot, "the promised status update was not posted")) == 1
    store_is_sound(bot)


@pytest.mark.skipif(not LONG, reason="SITREP_CHAOS_ROUNDS")
def test_a_leap_over_all_reminders_says_the_last_once(make_bot, sandbox, library):
    bot, world = started(make_bot, sandbox, library)
    declared(bot, sandbox, "declare sev2 checkout is failing")
    before = said_of(sandbox)
    world.step(DAY)
    sandbox.command("whoami")
    eventually(lambda: threaded(sandbox, "incidents", "overdue"), timeout=seconds(20))
    settled(bot)
    world.step(0)
    sandbox.command("whoami")
    time.sleep(1)
    settled(bot)
    repeated = {what: often for what, often in (said_of(sandbox) - before).items() if often > 1}
    assert not repeated, repeated
    assert len(threaded(sandbox, "incidents", "status update")) <= 1
    at_ease(bot)
    store_is_sound(bot)


@pytest.mark.parametrize("off", **some(WRONG))
def test_a_lost_answer_is_found_by_a_clock_that_is_wrong(make_bot, sandbox, library, off):
    """What was posted is looked for among messages that bear the chat's time, not ours."""
    bot, _ = started(make_bot, sandbox, library, off=off)
    declared(bot, sandbox, "declare sev2 checkout is failing", settle=False)
    at_rest(bot, sandbox)
    sandbox.fault("lost_answer", method="chat.postMessage", count=2)
    sandbox.fault("lost_answer", method="conversations.create", count=1)
    sandbox.command("#1 update token00. in 20m")
    declared(bot, sandbox, "declare sev2 mail is late", settle=False)
    at_rest(bot, sandbox)
    outside_is_right(bot, sandbox)


def test_a_lost_answer_is_found_after_the_clock_was_set_right(make_bot, sandbox, library):
    bot, world = started(make_bot, sandbox, library, off=3 * DAY)
    declared(bot, sandbox, "declare sev2 checkout is failing", settle=False)
    at_rest(bot, sandbox)
    sandbox.fault("lost_answer", method="chat.postMessage", count=1)
    sandbox.fault("status", status=503, method="conversations.replies")
    sandbox.fault("status", status=503, method="conversations.history")
    sandbox.command("#1 update token00. in 20m")
    eventually(lambda: any(row["error"] for row in waiting(bot)), timeout=seconds(10))
    world.step(0)
    at_rest(bot, sandbox)
    outside_is_right(bot, sandbox)
