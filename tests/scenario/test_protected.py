"""Protected incidents (FEATURES G1-G3) against the sandbox: what somebody without access sees of one, on the
wire, on the page and in the log, is nothing."""

import json
import re
import urllib.request

from sandbox import OPENER, eventually, text_of
from steps import audit_whole, card, clean, declared, dms, posted, said, seconds, settled, threaded, waiting

SECRET = "vault"
TITLE = f"breach of the {SECRET}"
KEYS = "the keys were copied"


def protected(bot, sandbox, words=f"declare --security sev2 {TITLE}", **more):
    """A protected incident with all of its opening outside: its number, and its channel."""
    answer = said(sandbox.command(words, **more))
    number = int(re.search(r"INC-(\d+)", answer)[1])
    channel = f"inc-{number}"
    sandbox.wait_channel(contains=channel, timeout=seconds(10))
    settled(bot)
    return number, channel


def page_of(sandbox, user, channel=None):
    """All that the person sees of the workspace, every channel they can open, as one text."""
    def view(channel):
        query = f"user=U0{user.upper()}" + (f"&channel={channel}" if channel else "")
        with OPENER.open(urllib.request.Request(f"{sandbox.page.rstrip('/')}/page/view?{query}")) as response:
            return json.load(response)
    first = view(channel)
    return json.dumps([first] + [view(c["id"]) for c in first["channels"]])


def members(sandbox, channel):
    return [c["members"] for c in sandbox.state()["channels"] if c.get("name") == channel][0]


def test_nobody_else_sees_anything_of_it(bot, sandbox):
    number, channel = protected(bot, sandbox)
    assert 1000000 <= number <= 999999999
    [there] = [c for c in sandbox.state()["channels"] if c.get("name") == channel]
    assert there["is_private"] and "U0BOB" not in there["members"] and "U0ALICE" in there["members"]
    said(sandbox.command(f"update known: {KEYS}; in 20m", channel=channel))
    said(sandbox.command("sev 1 it is worse", channel=channel))
    settled(bot)
    assert TITLE in text_of(card(sandbox, channel)) and posted(sandbox, channel, KEYS)
    assert SECRET not in sandbox.channel(channel)["topic"]
    assert not sandbox.messages("incidents")
    before = page_of(sandbox, "bob")
    for word in (SECRET, KEYS, str(number)):
        assert word not in before, word
    # By every command that shows something: as if there were none.
    for words in ("list", "list all", "mine", f"search {SECRET}", "whoami", "sync", "show", "timeline"):
        answer = said(sandbox.command(words, user="bob"))
        assert SECRET not in answer and str(number) not in answer, words
    absent = number - 1 if number % 10 else number + 1
    for words in ("show", "timeline", "access", "update known: all is well", "grant @carol", "ic @bob", "resolve x"):
        real = said(sandbox.command(f"#{number} {words}", user="bob"))
        none = said(sandbox.command(f"#{absent} {words}", user="bob"))
        assert real.replace(str(number), "N") == none.replace(str(absent), "N"), words
    sandbox.home("bob")
    settled(bot)
    assert SECRET not in page_of(sandbox, "bob") and not dms(sandbox, "bob")
    # What is logged is for the operator: the number, no title and no word of it.
    assert SECRET not in bot.log() and KEYS not in bot.log()
    declared(bot, sandbox, "declare sev3 the search is slow")
    assert [row["id"] for row in bot.rows("SELECT id FROM incident WHERE is_private = 0")] == [1]
    audit_whole(bot)
    clean(bot)


def test_access_is_granted_and_revoked_by_name(bot, sandbox):
    number, channel = protected(bot, sandbox)
    assert "has access" in said(sandbox.command(f"grant #{number} @bob", channel=channel))
    settled(bot)
    assert "U0BOB" in members(sandbox, channel) and dms(sandbox, "bob", TITLE)
    assert TITLE in said(sandbox.command("show", user="bob", channel=channel))
    kept = [m for m in sandbox.channel(channel)["messages"] if m.get("blocks")][-1]
    sandbox.home("bob")
    said(sandbox.command("revoke @bob", channel=channel))
    settled(bot)
    assert "U0BOB" not in members(sandbox, channel)
    eventually(lambda: not dms(sandbox, "bob", TITLE), timeout=seconds(10))
    assert dms(sandbox, "bob", "withdrawn")
    assert SECRET not in page_of(sandbox, "bob")
    answer = said(sandbox.command(f"show #{number}", user="bob"))
    assert f"There is no INC-{number}" in answer and kept
    looks = bot.rows("SELECT actor, action, meta FROM audit WHERE entity_id = ? AND action LIKE 'incident.%'", number)
    assert ("slack:U0BOB", "incident.viewed") in [(row["actor"], row["action"]) for row in looks]
    actions = [row["action"] for row in looks]
    assert "incident.access_granted" in actions and "incident.access_revoked" in actions
    access = said(sandbox.command(f"access #{number}"))
    assert "bob" in access and "1 person" in access
    audit_whole(bot)


def test_protected_later_it_is_withdrawn_and_goes_on_in_private(bot, sandbox):
    declared(bot, sandbox, f"declare sev2 {TITLE}")
    old = f"inc-1-{TITLE.replace(' ', '-')}"
    said(sandbox.command("ic @carol", channel=old))
    said(sandbox.command(f"update known: {KEYS}; in 20m", channel=old))
    settled(bot)
    assert posted(sandbox, old, KEYS) and threaded(sandbox, "incidents", KEYS)
    [old] = [c["id"] for c in sandbox.state()["channels"] if c.get("name") == old]
    many = len(sandbox.channel(old)["messages"]) + len(sandbox.messages("incidents"))
    assert "protected now" in said(sandbox.command("protect customer keys may have leaked", channel=old))
    sandbox.wait_channel(contains="inc-1", timeout=seconds(10))
    eventually(lambda: not waiting(bot), timeout=seconds(30))
    assert not bot.rows("SELECT * FROM effect WHERE state = 'failed'")
    # Everything the bot had said is a neutral line; nothing is deleted.
    for where in (old, "incidents"):
        for message in sandbox.messages(where):
            if message.get("app_id") and not message.get("subtype"):
                assert "withdrawn" in text_of(message) and SECRET not in text_of(message), text_of(message)
                assert KEYS not in text_of(message)
    assert len(sandbox.channel(old)["messages"]) + len(sandbox.messages("incidents")) >= many
    assert sandbox.channel(old)["topic"] == ""
    assert SECRET not in json.dumps([c.get("name") for c in sandbox.state()["channels"]])
    [new] = [c for c in sandbox.state()["channels"] if c.get("name") == "inc-1"]
    assert new["is_private"] and {"U0ALICE", "U0CAROL"} <= set(new["members"]) and "U0BOB" not in new["members"]
    assert TITLE in text_of(card(sandbox, "inc-1"))
    assert not dms(sandbox, "bob") and dms(sandbox, "carol", TITLE)
    # It goes on there; in the old channel there is nothing to be had any more.
    said(sandbox.command("update known: rotated; in 20m", channel="inc-1", user="carol"))
    settled(bot)
    assert posted(sandbox, "inc-1", "rotated")
    assert not sandbox.messages(old, "rotated") and not sandbox.messages("incidents", "rotated")
    assert "No incident is open" in said(sandbox.command("show", channel=old, user="bob"))
    audit_whole(bot)
    clean(bot)


def test_it_stays_protected_over_a_restart_and_an_outage(bot, sandbox):
    fault = sandbox.fault("status", status=503, method="conversations.create")
    answer = said(sandbox.command(f"declare --private sev2 {TITLE}"))
    number = int(re.search(r"INC-(\d+)", answer)[1])
    said(sandbox.command(f"#{number} update known: {KEYS}; in 20m"))
    bot.restart(hard=True)
    assert SECRET not in page_of(sandbox, "bob") and not sandbox.messages("incidents")
    sandbox.clear_fault(fault)
    sandbox.wait_channel(contains=f"inc-{number}", timeout=seconds(40))
    settled(bot)
    assert posted(sandbox, f"inc-{number}", KEYS) and not sandbox.messages("incidents")
    assert SECRET not in bot.log()
