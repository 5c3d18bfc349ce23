"""Entries of the message menu and of the shortcuts menu: the same operations, begun where somebody reads."""

import json
import urllib.request

from sandbox import eventually, text_of
from steps import INC, clean, declared, incident, seconds, settled, timeline


def test_declare_out_of_a_message(bot, sandbox):
    message = sandbox.say("carts are empty & slow\nsince the deploy this morning", user="bob", channel="general")
    done = sandbox.shortcut("declare_message", user="alice", channel="general", ts=message["ts"])
    assert done["acked"], done
    view = sandbox.wait_view("alice", timeout=seconds(10))
    shown = text_of(view)
    assert "carts are empty & slow" in str(view) and "since the deploy" not in shown
    assert not bot.rows("SELECT * FROM incident"), "nothing is opened before the form is sent"
    sandbox.submit({"title": "carts are empty", "severity": "sev1"}, view_id=view["id"])
    sandbox.wait_channel(contains="inc-1-carts", timeout=seconds(10))
    settled(bot)
    opened = incident(bot)
    assert opened["reporter"] == "slack:U0ALICE" and opened["severity"] == 1
    [entry] = timeline(bot, "since the deploy this morning")
    assert entry["source"].startswith("https://") and message["ts"].replace(".", "") in entry["source"]
    assert "carts are empty & slow" in entry["text"]
    clean(bot)


def test_a_long_message_without_lines_is_cut_where_people_see_it(bot, sandbox):
    message = sandbox.say("ü" * 2500, channel="general")
    sandbox.shortcut("declare_message", channel="general", ts=message["ts"])
    view = sandbox.wait_view("alice", timeout=seconds(10))
    assert "ü…" in str(view)
    sandbox.submit({"title": "long"}, view_id=view["id"])
    sandbox.wait_channel(contains="inc-1-long", timeout=seconds(10))
    settled(bot)
    [entry] = timeline(bot, "üü")
    assert entry["text"].endswith("…")


def test_a_message_of_a_protected_channel_makes_a_protected_incident(bot, sandbox):
    sandbox.command("declare sev1 a key leaked --security")
    channel = sandbox.wait_channel(contains="inc-", timeout=seconds(10))
    settled(bot)
    message = sandbox.say("another key, in the CI", user="alice", channel=channel["name"])
    sandbox.shortcut("declare_message", user="alice", channel=channel["name"], ts=message["ts"])
    view = sandbox.wait_view("alice", timeout=seconds(10))
    [field] = [block for block in view["blocks"] if block.get("block_id") == "security"]
    assert field["element"].get("initial_options"), "protected is ticked already"


def test_the_global_shortcut_opens_the_form(bot, sandbox):
    sandbox.shortcut("declare", user="bob")
    view = sandbox.wait_view("bob", timeout=seconds(10))
    sandbox.submit({"title": "checkout is failing", "severity": "sev2"}, user="bob", view_id=view["id"])
    sandbox.wait_channel(contains="inc-1", timeout=seconds(10))
    settled(bot)
    assert incident(bot)["reporter"] == "slack:U0BOB"


def test_add_to_timeline_and_unknown_entries(bot, sandbox):
    declared(bot, sandbox)
    message = sandbox.say("errors since 14:02", channel=INC)
    for _ in range(2):
        sandbox.shortcut("timeline_add", channel=INC, ts=message["ts"])
    sandbox.shortcut("something_else", channel=INC, ts=message["ts"])
    eventually(lambda: timeline(bot, "errors since"), timeout=seconds(10))
    settled(bot)
    assert len(timeline(bot, "errors since")) == 1


def test_the_page_and_the_manifest_offer_the_same(bot, sandbox):
    with urllib.request.urlopen(sandbox.page.rstrip("/") + "/page/view?user=U0ALICE", timeout=seconds(10)) as page:
        offered = {one["callback_id"]: one["type"] for one in json.load(page)["shortcuts"]}
    assert len(offered) == 3
    manifest = bot.run("manifest").stdout
    assert "callback_id: declare_message" in manifest and "callback_id: timeline_add" in manifest
    for callback_id, kind in offered.items():
        assert f"type: {kind}\n      callback_id: {callback_id}" in manifest
