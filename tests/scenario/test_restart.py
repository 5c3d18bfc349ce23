"""Ended in the middle of everything: what was acknowledged is recorded, what was to be said is said once."""

import signal
import sqlite3
import threading
import time
from collections import Counter

import pytest

from bot import SLOWNESS
from sandbox import eventually, text_of
from steps import (INC, RESOLVE, SOON, TITLE, Shell, announcement, at_once, audit_whole, card, clean, declared, dms, posted,
                   promise, said, seconds, settled, threaded, timeline, waiting)



def burst(sandbox, shells, number):
    """Forty commands at once, by chat and by shell; each says something of its own. {words: acknowledged}."""
    def chat(words, **more):
        return lambda: (words, sandbox.command(words, timeout_ms=1500, **more)["acked"])

    def shell(words):
        def ask():
            try:
                with Shell(shells) as one:
                    answer = one(words)
                    return words, bool(answer and answer["ok"])
            except OSError:
                return words, False
        return ask

    calls = [chat(f"#1 note chat {number}-{i}.") for i in range(16)]
    calls += [shell(f"#1 note shell {number}-{i}.") for i in range(12)]
    calls += [chat(f"declare sev3 case {number}-{i}.", user="bob") for i in range(6)]
    calls += [chat(f"#1 update step {number}-{i}. in 20m") for i in range(6)]
    calls = [calls[(i * 7) % len(calls)] for i in range(len(calls))]
    return dict(pair for pair in at_once(calls, workers=10) if isinstance(pair, tuple))


def test_killed_in_the_middle_of_everything_nothing_is_lost_or_done_twice(make_bot, sandbox):
    bot = make_bot(settings=SOON).start()
    declared(bot, sandbox)
    acked = {}
    for number, delay in enumerate((0.02, 0.05, 0.1, 0.2)):
        killer = threading.Timer(delay * SLOWNESS, bot.kill)
        killer.start()
        acked.update(burst(sandbox, bot, number))
        killer.join()
        bot.start()
    settled(bot)
    assert any(acked.values()) and not all(acked.values())
    recorded = Counter(row["text"] for row in bot.rows("SELECT text FROM timeline"))
    titles = Counter(row["title"] for row in bot.rows("SELECT title FROM incident"))
    for words, was_acked in acked.items():
        what = words.split(" ", 2)[2]
        if words.startswith("declare"):
            count = titles[what]
        elif " update " in words:
            step = what.split(". ")[0] + "."
            count = sum(n for text, n in recorded.items() if step in text)
        else:
            count = recorded[what]
        assert count <= 1 and (count == 1 or not was_acked), (words, was_acked, count)
    # Outside: of every incident one channel with one card, one announcement; every update once in both places.
    names = Counter(c["name"].split("-")[1] for c in sandbox.state()["channels"] if c.get("name", "").startswith("inc-"))
    assert names == {str(row["id"]): 1 for row in bot.rows("SELECT id FROM incident")}
    for row in bot.rows("SELECT id, title FROM incident"):
        assert len(posted(sandbox, "incidents", f"INC-{row['id']}* ")) == 1, row
    for c in sandbox.state()["channels"]:
        if c.get("name", "").startswith("inc-") and c["name"] != INC:
            assert len(posted(sandbox, c["name"])) == 1 == len(sandbox.channel(c["name"])["pins"]), c["name"]
    for row in timeline(bot, "update: step"):
        step = row["text"].split(". ")[0].replace("update: ", "*Known:* ") + "."
        assert len(posted(sandbox, INC, step)) == 1, step
        assert len(threaded(sandbox, "incidents", step)) == 1, step
    assert audit_whole(bot) > 20
    clean(bot)


@pytest.mark.parametrize("method", ["conversations.create", "chat.postMessage", "chat.update", "pins.add",
                                    "bookmarks.add", "conversations.invite", "conversations.setTopic"])
def test_killed_while_a_delivery_is_under_way_it_is_there_once(make_bot, sandbox, method):
    bot = make_bot(settings=SOON).start()
    if method == "chat.update":
        declared(bot, sandbox)
    # Carried out, but the answer has not come when the process dies.
    sandbox.fault("slow_drip", method=method, every_ms=20000, after=True, count=1)
    if method == "chat.update":
        sandbox.command("identified bad config", channel=INC)
    else:
        sandbox.command(f"declare sev2 {TITLE}")
    sandbox.wait_call(method, timeout=seconds(10))
    eventually(lambda: [e for e in waiting(bot) if e["state"] == "started"], timeout=seconds(5))
    bot.kill()
    sandbox.clear_fault()
    bot.start()
    settled(bot)
    assert len([c for c in sandbox.state()["channels"] if c.get("name", "").startswith("inc-")]) == 1
    card(sandbox), announcement(sandbox)
    assert len(posted(sandbox, INC)) == (2 if method == "chat.update" else 1)
    assert sandbox.channel(INC)["topic"].startswith("SEV2 INC-1")
    if method == "chat.update":
        assert "identified" in text_of(card(sandbox)) and "identified" in text_of(announcement(sandbox))


def test_killed_while_a_post_is_on_its_way_it_is_looked_for_after_it_arrived(make_bot, sandbox):
    bot = make_bot(settings=SOON).start()
    declared(bot, sandbox)
    # Carried out a while after it was sent, whether or not its sender still lives.
    sandbox.fault("delay_ms", method="chat.postMessage", delay_ms=600, count=1)
    sandbox.command("update still looking", channel=INC)
    eventually(lambda: [e for e in waiting(bot) if e["state"] == "started"], timeout=seconds(5))
    time.sleep(0.1)
    bot.kill()
    bot.start()
    settled(bot)
    time.sleep(0.6)
    assert len(posted(sandbox, INC, "*Known:* still looking")) == 1
    assert len(threaded(sandbox, "incidents", "*Known:* still looking")) == 1


def time_passes(bot, minutes):
    """As if so much time had gone by since the bot ended."""
    ms = minutes * 60000
    with sqlite3.connect(bot.store) as db:
        db.execute("UPDATE promise SET made_at = made_at - ?, due_at = due_at - ?", (ms, ms))
        db.execute("UPDATE timer SET due_at = due_at - ?", (ms,))
        db.execute("UPDATE cursor SET value = CAST(value AS INTEGER) - ? WHERE name = 'alive'", (ms,))
    db.close()


@pytest.mark.parametrize("away,late,channel", [(33, "3 min overdue", INC), (77, "47 min overdue", "incidents")])
def test_what_came_due_while_it_was_away_is_said_once_with_how_late(bot, sandbox, away, late, channel):
    declared(bot, sandbox)
    sandbox.command("ic @bob", channel=INC)
    settled(bot)
    bot.stop()
    time_passes(bot, away)
    bot.start()
    message = sandbox.wait_message(channel=channel, contains=f"Update on INC-1 is {late}", timeout=seconds(10))
    settled(bot)
    assert "I was away from <!date^" in message["text"]
    told = [m for where in (INC, "incidents") for m in sandbox.messages(where, "overdue")]
    assert len(told) == 1 and not dms(sandbox, "bob", "is promised for")
    assert len(timeline(bot, "the promised status update was not posted")) == 1
    bot.restart()
    settled(bot)
    assert len([m for where in (INC, "incidents") for m in sandbox.messages(where, "overdue")]) == 1


def test_a_short_restart_is_nothing_to_tell(bot, sandbox):
    declared(bot, sandbox)
    sandbox.command("ic @bob", channel=INC)
    settled(bot)
    before = len(posted(sandbox, INC))
    bot.restart()
    bot.restart(hard=True)
    settled(bot)
    assert len(posted(sandbox, INC)) == before


def end_within_two_seconds(bot):
    began = time.monotonic()
    assert bot.stop(2.0) == 0
    assert time.monotonic() - began < seconds(2)


def test_sigterm_ends_within_two_seconds_whatever_is_queued(make_bot, sandbox):
    bot = make_bot(settings=SOON).start()
    declared(bot, sandbox)
    sandbox.fault("status", method="*", status=503)
    with Shell(bot) as shell:
        for n in range(100):
            assert shell(f"#1 update step {n:03}. in 20m")["ok"]
    assert len(waiting(bot)) > 200
    end_within_two_seconds(bot)
    assert len(waiting(bot)) > 200 and not [e for e in waiting(bot) if e["state"] == "delivered"]
    sandbox.clear_fault()
    bot.start()
    settled(bot)
    for messages in (posted(sandbox, INC, "*Known:* step"), threaded(sandbox, "incidents", "*Known:* step")):
        steps = [text_of(m).split("*Known:* step ")[1][:3] for m in messages]
        assert steps == [f"{n:03}" for n in range(100)]
    audit_whole(bot)


def test_sigterm_while_nothing_answers(make_bot, sandbox):
    bot = make_bot(settings=SOON).start()
    sandbox.fault("slow_drip", method="*", every_ms=30000)
    for n in range(20):
        sandbox.command(f"declare sev3 case {n}")
    eventually(lambda: sandbox.calls("conversations.create"), timeout=seconds(10))
    end_within_two_seconds(bot)
    sandbox.clear_fault()
    bot.start()
    settled(bot)
    channels = [c["name"] for c in sandbox.state()["channels"] if c.get("name", "").startswith("inc-")]
    assert len(channels) == len(set(channels)) == 20
    assert len(posted(sandbox, "incidents")) == 20


def test_sigterm_while_commands_pour_in_answers_what_it_took(make_bot, sandbox):
    bot = make_bot().start()
    declared(bot, sandbox)
    ender = threading.Timer(0.1 * SLOWNESS, lambda: bot.process.send_signal(signal.SIGTERM))
    ender.start()
    done = at_once([lambda n=n: (n, sandbox.command(f"#1 note number {n}.", timeout_ms=1500)) for n in range(60)], 12)
    assert bot.process.wait(seconds(3)) == 0
    kept = Counter(row["text"] for row in timeline(bot, "number "))
    for n, answer in done:
        assert kept[f"number {n}."] <= 1 and (kept[f"number {n}."] or not answer["acked"]), n
    clean(bot)


def test_a_command_delivered_again_after_the_restart_changes_nothing(bot, sandbox):
    declared(bot, sandbox)
    said(sandbox.command("note once", channel=INC))
    bot.restart(hard=True)
    for new in (False, True):
        for again in sandbox.redeliver(last=2, type="slash_commands", new_envelope_id=new, wait_ms=3000):
            assert again["ack"]
    assert len(timeline(bot, "once")) == 1 and len(bot.rows("SELECT id FROM incident")) == 1


def test_an_incident_goes_on_where_it_was(bot, sandbox):
    declared(bot, sandbox)
    due = promise(bot)
    bot.restart(hard=True)
    assert promise(bot) == due
    sandbox.command("identified bad config", channel=INC)
    said(sandbox.command(RESOLVE, channel=INC))
    settled(bot)
    assert "resolved" in text_of(card(sandbox)) and "resolved" in text_of(announcement(sandbox))
    audit_whole(bot)
