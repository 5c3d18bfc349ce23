"""Killed again and again in the middle of everything, with a chat and a tracker that fail: nothing lost, nothing twice.

SITREP_CHAOS_ROUNDS: how many storms, each with a seed of its own; SITREP_CHAOS_SEED: the first of them.
"""

import random
import time

from bot import SLOWNESS
from promises import at_rest, outside_is_right, record_is_right, store_is_sound, tracker_is_right
from sandbox import eventually, text_of
from steps import SOON, declared, posted, seconds, settled, threaded, timeline
from storm import Storm

KILLS = 3
COMMANDS = 30
CHAT_FAULTS = (
    dict(kind="lost_answer", probability=0.1), dict(kind="lost_request", probability=0.1),
    dict(kind="status", status=503, probability=0.1), dict(kind="status", status=429, retry_after=1, probability=0.05),
    dict(kind="error", error="fatal_error", after=True, probability=0.1), dict(kind="delay_ms", delay_ms=200, probability=0.2),
    dict(kind="truncated_json", after=True, probability=0.1),
)
JIRA_FAULTS = (dict(kind="lost_answer", probability=0.1), dict(kind="lost_request", probability=0.1),
               dict(kind="status", status=503, probability=0.1), dict(kind="delay_ms", delay_ms=100, probability=0.2))


def trouble(sandbox, dice):
    """Three ways to fail for what the bot asks of the chat, one for the tracker, and perhaps one of the wire itself."""
    sandbox.clear_fault()
    for fault in dice.sample(CHAT_FAULTS, 3):
        for method in ("chat.*", "conversations.*", "pins.*", "bookmarks.*"):
            sandbox.fault(method=method, **fault)
    sandbox.jira.fault(**dice.choice(JIRA_FAULTS))
    wire = dice.choice((None, "redeliver_all", "disconnect", "drop"))
    if wire == "redeliver_all":
        sandbox.fault(wire, count=20, new_envelope_id=dice.random() < 0.5)
    elif wire and sandbox.connections()["usable"]:
        sandbox.fault(wire)


def delivered_again(sandbox, dice):
    """What Slack has sent comes again after the restart, some of it with another envelope's id."""
    for new in (False, True):
        sandbox.redeliver(last=8, type="slash_commands", new_envelope_id=new, delay_ms=dice.choice((0, 50, 500)))


def test_killed_in_a_storm_nothing_is_lost_or_done_twice(make_bot, sandbox, seed):
    dice = random.Random(seed)
    bot = make_bot(settings=SOON)
    bot.with_jira(dice.choice(("relay", "poll")), search_lag="1s")
    sandbox.jira.settings(retry_scale=0.001, flavour="cloud")
    bot.start()
    for person in ("bob", "carol", "dave"):
        sandbox.command("whoami", user=person)
    for words in ("checkout is failing", "mail is late", "search is slow"):
        declared(bot, sandbox, f"declare sev2 {words}", settle=False)
    storm = Storm(bot, sandbox, dice, seed)
    for _ in range(KILLS):
        trouble(sandbox, dice)
        storm.blow(COMMANDS, kill_after=dice.uniform(0.02, 0.6), slowness=SLOWNESS)
        bot.start()
        delivered_again(sandbox, dice)
    storm.blow(COMMANDS, kill_after=None)
    at_rest(bot, sandbox)
    fates = {fate: sum(c.fate == fate for c in storm.commands) for fate in ("done", "refused", "answered", "silent")}
    assert fates["done"] > 20, fates
    record_is_right(bot, storm.commands)
    outside_is_right(bot, sandbox)
    tracker_is_right(bot, sandbox, storm.commands)
    store_is_sound(bot)
    print(f"seed {seed}: {fates}")


def test_a_ladder_goes_on_across_kills_and_says_no_step_twice(make_bot, sandbox, seed):
    dice = random.Random(seed)
    bot = make_bot(settings=SOON).fast(cadence="2s", first_update="2s", offsets=("-1s", "0s", "1s", "2s", "3s")).start()
    number = 3  # incidents, each with a promise that nobody keeps
    for n in range(number):
        declared(bot, sandbox, f"declare sev2 case {n}", settle=False)
    sandbox.fault("lost_answer", method="chat.postMessage", probability=0.3)
    for _ in range(4):
        time.sleep(dice.uniform(0.2, 1.2))
        bot.restart(hard=True)
    sandbox.clear_fault()
    eventually(lambda: len(threaded(sandbox, "incidents", "overdue")) >= number, timeout=seconds(20))
    settled(bot)
    for n in range(1, number + 1):
        told = [m for m in threaded(sandbox, "incidents", "overdue") if f"INC-{n} " in text_of(m)]
        assert len(told) == 1, (n, [text_of(m) for m in told])
        assert len(timeline(bot, "the promised status update was not posted", number=n)) == 1
        [channel] = [c["name"] for c in sandbox.state()["channels"] if (c.get("name") or "").startswith(f"inc-{n}-")]
        steps = [m["text"] for m in posted(sandbox, channel) if "Update on INC-" in m["text"]]
        assert len([s for s in steps if "is due now" in s]) <= 1 and len(steps) <= 4, steps
    outside_is_right(bot, sandbox)
    store_is_sound(bot)
