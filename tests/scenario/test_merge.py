"""Two incidents that are one, and one that was two after all; what tools find out about resources."""

import json

from sandbox import eventually, text_of
from steps import (INC, card, clean, declared, dms, incident, posted, promise, refused, said, seconds,
                   settled, timeline)

OTHER = "inc-2-payments-answer-5xx"


def two(bot, sandbox):
    declared(bot, sandbox)
    said(sandbox.command("declare sev1 payments answer 5xx", user="bob"))
    sandbox.wait_channel(contains="inc-2-", timeout=seconds(10))
    settled(bot)


def test_merged_it_goes_on_in_the_other_channel(bot, sandbox):
    two(bot, sandbox)
    sandbox.command("ic @carol", channel=OTHER)
    settled(bot)
    answer = said(sandbox.command("merge into #1 same gateway", user="alice", channel=OTHER))
    assert "INC-2 is merged into INC-1" in answer
    settled(bot)
    # Card, announcement, channel: each says where it goes on, none says cancelled.
    shown = text_of(card(sandbox, OTHER))
    assert "merged into INC-1" in shown and "cancelled" not in shown
    [where] = posted(sandbox, OTHER, contains="It goes on in")
    [channel] = bot.rows("SELECT key FROM reference WHERE incident = 1 AND slot = 'channel'")
    assert channel["key"].removeprefix("slack:") in json.dumps(where), "the other channel is a link"
    [announced] = posted(sandbox, "incidents", contains="merged into INC-1")
    assert channel["key"].removeprefix("slack:") in json.dumps(announced)
    assert "Merged here" in text_of(card(sandbox)) and "SEV1" in text_of(card(sandbox))
    [kept] = [c for c in sandbox.state()["channels"] if c.get("name") == INC]
    assert {"U0BOB", "U0CAROL"} <= set(kept["members"])
    for user in ("bob", "carol"):
        assert len(dms(sandbox, user, "is merged into INC-1")) == 1
    assert promise(bot, number=2) is None and incident(bot, 1)["severity"] == 1
    assert incident(bot, 2)["merged_into"] == 1

    refused(sandbox.command("update known: more", channel=OTHER), "INC-2 is merged into INC-1")
    assert "On the timeline of INC-2" in said(sandbox.command("note seen at the gateway", channel=OTHER))
    both = said(sandbox.command("show", channel=OTHER))
    assert "merged into INC-1" in both and "It goes on there: INC-1" in both

    said(sandbox.command("unmerge another gateway", channel=OTHER))
    settled(bot)
    assert incident(bot, 2)["state"] == "investigating" and promise(bot, number=2)
    assert "Merged here" not in text_of(card(sandbox))
    assert timeline(bot, "told apart", number=1) and timeline(bot, "told apart", number=2)
    clean(bot)


def test_merged_survives_a_restart(bot, sandbox):
    two(bot, sandbox)
    said(sandbox.command("merge #2 into #1"))
    bot.restart(hard=True)
    settled(bot)
    assert "merged into INC-1" in said(sandbox.command("show #2"))
    assert not bot.rows("SELECT * FROM timer WHERE incident = 2")


def test_linked_both_cards_say_so(bot, sandbox):
    two(bot, sandbox)
    said(sandbox.command("link #2 same database", channel=INC))
    settled(bot)
    assert "INC-2" in text_of(card(sandbox)) and "INC-1" in text_of(card(sandbox, OTHER))
    refused(sandbox.command("link PAY-123", channel=INC), "name one as #12")


def test_a_tool_tells_and_people_decide(bot, sandbox):
    declared(bot, sandbox)
    bot.ctl("diagnosis", "pod", "checkout-7f:", "OOMKilled 12 times", "--tool", "kube-doctor", "--link",
            "https://tools.example.com/d/1")
    listed = sandbox.command("diagnoses", channel="general", user="bob")
    assert "OOMKilled" in said(listed)
    shown = listed["ephemeral"][-1] if listed.get("ephemeral") else None
    if shown:
        sandbox.click(user="bob", channel="general", ts=shown["ts"], text="Attach D1…")
        view = sandbox.wait_view("bob", timeout=seconds(10))
        sandbox.submit({"to": "#1"}, user="bob", view_id=view["id"])
    else:
        said(sandbox.command("attach D1 #1", user="bob"))
    eventually(lambda: timeline(bot, "OOMKilled"), timeout=seconds(10))
    bot.ctl("diagnosis", "queue", "orders:", "40000 messages wait")
    assert "INC-2 is open" in said(sandbox.command("promote D2 sev2", user="bob"))
    settled(bot)
    assert incident(bot, 2)["title"] == "orders: 40000 messages wait"
    clean(bot)
