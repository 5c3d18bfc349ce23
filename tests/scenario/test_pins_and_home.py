"""A 📌 puts a message on the timeline; the Home tab says what is mine and what is due."""

import json
import time

from sandbox import eventually, text_of
from steps import INC, RESOLVE, TITLE, declared, said, seconds, settled, timeline


def test_a_pinned_message_stands_on_the_timeline_with_author_time_and_link(bot, sandbox):
    declared(bot, sandbox)
    before = time.time()
    sandbox.join("bob", INC)
    message = sandbox.say("the deploy of v2.31 began", user="bob", channel=INC)
    sandbox.react(message["ts"], user="alice", channel=INC)
    eventually(lambda: timeline(bot, "v2.31"), timeout=seconds(10))
    settled(bot)
    [entry] = timeline(bot, "v2.31")
    meta = json.loads(entry["meta"])
    assert entry["author"] == "slack:U0BOB" and meta["pinned_by"] == "slack:U0ALICE"
    assert abs(entry["happened_at"] / 1000 - float(message["ts"])) < 1 and entry["happened_at"] / 1000 >= before - 1
    assert message["ts"] in meta["url"] or message["ts"].replace(".", "") in meta["url"]
    assert message["ts"] in entry["source"]
    assert "v2.31 began" in said(sandbox.command("timeline", channel=INC))


def test_pinned_by_many_and_again_it_stands_there_once(bot, sandbox):
    declared(bot, sandbox)
    message = sandbox.say("errors since 14:02", channel=INC)
    for user in ("alice", "bob", "carol"):
        sandbox.join(user, INC)
        sandbox.react(message["ts"], user=user, channel=INC)
    sandbox.react(message["ts"], user="alice", channel=INC, remove=True)
    sandbox.react(message["ts"], user="alice", channel=INC)
    eventually(lambda: timeline(bot, "errors since"), timeout=seconds(10))
    settled(bot)
    bot.restart()
    sandbox.redeliver(last=5, type="events_api", new_envelope_id=True, wait_ms=3000)
    settled(bot)
    assert len(timeline(bot, "errors since")) == 1


def test_other_reactions_and_other_channels_are_nobodys_business(bot, sandbox):
    declared(bot, sandbox)
    here, there = sandbox.say("in the incident", channel=INC), sandbox.say("in general", channel="general")
    sandbox.react(here["ts"], reaction="eyes", channel=INC)
    sandbox.react(there["ts"], channel="general")
    marker = sandbox.say("the last one", channel=INC)
    sandbox.react(marker["ts"], channel=INC)
    eventually(lambda: timeline(bot, "the last one"), timeout=seconds(10))
    settled(bot)
    assert not timeline(bot, "in the incident") and not timeline(bot, "in general")


def test_a_pinned_thread_reply_is_found(bot, sandbox):
    declared(bot, sandbox)
    root = sandbox.say("what changed?", channel=INC)
    reply = sandbox.say("the canary passed by accident", channel=INC, thread_ts=root["ts"])
    sandbox.react(reply["ts"], channel=INC)
    eventually(lambda: timeline(bot, "canary passed"), timeout=seconds(10))


def test_what_somebody_wrote_cannot_call_anybody_from_the_timeline(bot, sandbox):
    declared(bot, sandbox)
    message = sandbox.say("<!channel> look", channel=INC)
    sandbox.react(message["ts"], channel=INC)
    eventually(lambda: timeline(bot, "look"), timeout=seconds(10))
    assert "<!channel>" not in said(sandbox.command("timeline", channel=INC))


def home_of(sandbox, user, contains):
    return text_of(sandbox.wait("home", seconds(10), user=user, contains=contains))


def test_the_home_tab_shows_my_incidents_roles_and_what_is_due(bot, sandbox):
    sandbox.home("carol")
    assert "no part in an open incident" in home_of(sandbox, "carol", "no part")
    declared(bot, sandbox)
    sandbox.command("comms @carol", channel=INC)
    sandbox.home("carol")
    text = home_of(sandbox, "carol", TITLE)
    assert "INC-1" in text and "communications" in text and "next update" in text and "Declare an incident" in text
    said(sandbox.command(RESOLVE, channel=INC))
    sandbox.home("carol")
    assert TITLE not in home_of(sandbox, "carol", "no part")
