"""The two threads at their busiest; meant for the binary under the thread sanitizer, which ends red at any race."""

import signal
import threading

import pytest

from jira_steps import in_step, opened
from sandbox import eventually
from steps import INC, RESOLVE, Shell, at_once, clean, declared, incident, seconds, settled, timeline

pytestmark = pytest.mark.threads


def burst(bot, sandbox, name, people=20, shells=3):
    def shell(k):
        with Shell(bot) as one:
            return [one(f"#1 note {name} shell {k}-{n}.")["ok"] for n in range(10)]
    calls = [lambda n=n: sandbox.command(f"#1 note {name} chat {n}.") for n in range(people)]
    return at_once(calls + [lambda k=k: shell(k) for k in range(shells)], 8)


def ended_cleanly(bot):
    assert bot.stop(4) == 0
    clean(bot)


def test_bursts_over_two_connections_with_reloads_and_a_refresh(make_bot, sandbox):
    bot = make_bot(settings={"slack.connections": 2}).start()
    sandbox.wait_connected(2)
    sandbox.settings(choose="round_robin")
    declared(bot, sandbox)
    for n in range(4):
        bot.reload()
        if n == 2:
            sandbox.fault("disconnect", reason="refresh_requested", connection="oldest", close_after_ms=300)
        burst(bot, sandbox, n)
    assert len(timeline(bot, " shell ")) == 4 * 30 and len(timeline(bot, " chat ")) == 4 * 20
    settled(bot)
    ended_cleanly(bot)


def test_a_connection_dies_under_load(make_bot, sandbox):
    bot = make_bot(settings={"slack.connections": 2}).start()
    sandbox.wait_connected(2)
    declared(bot, sandbox)
    dropper = threading.Timer(0.2, lambda: sandbox.fault("drop", connection="newest"))
    dropper.start()
    burst(bot, sandbox, "drop", people=60)
    dropper.join()
    eventually(lambda: sandbox.connections()["usable"] == 2, timeout=seconds(20))
    ended_cleanly(bot)


def test_ended_while_busy(make_bot, sandbox):
    bot = make_bot().start()
    declared(bot, sandbox)
    ender = threading.Timer(0.3, lambda: bot.process.send_signal(signal.SIGTERM))
    ender.start()
    at_once([lambda n=n: sandbox.command(f"declare sev3 case {n}", timeout_ms=1500) for n in range(40)], 8)
    ender.join()
    assert bot.process.wait(seconds(5)) == 0
    clean(bot)


def test_reminders_and_commands_at_once(make_bot, sandbox):
    bot = make_bot().fast(cadence="2s", first_update="2s", offsets=("-1s", "0s", "1s", "2s", "3s")).start()
    for n in range(5):
        sandbox.command(f"declare sev2 case {n}")
    sandbox.wait_message(channel="inc-1-case-0", contains="is due now", timeout=seconds(15))
    burst(bot, sandbox, "timers")
    for n in range(1, 6):
        sandbox.command(f"#{n} {RESOLVE}")
    settled(bot)
    ended_cleanly(bot)


def test_an_issue_kept_in_step_both_ways(tracked, sandbox):
    """What is read in Jira passes from one thread to the other: issues, comments, hints, outcomes."""
    bot = tracked()
    key = opened(bot, sandbox)
    for n in range(5):
        sandbox.jira.comment(key, f"seen by dave {n}", user="dave")
        sandbox.jira.edit(key, user="dave", summary=f"theirs {n}")
        eventually(lambda n=n: incident(bot)["title"] == f"theirs {n}", timeout=seconds(10))
        burst(bot, sandbox, n, people=5, shells=1)
        sandbox.command(f"update known: step {n}; next in 30m", channel=INC)
    eventually(lambda: len(timeline(bot, "seen by dave")) == 5, timeout=seconds(10))
    in_step(bot, 20)
    ended_cleanly(bot)
