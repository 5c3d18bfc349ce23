"""Tiers are called in by rules and by people, followers hear of it, customers only what was confirmed."""

import pytest

from sandbox import eventually, text_of
from steps import INC, TITLE, RESOLVE, card, declared, dms, posted, refused, said, seconds, settled, threaded, timeline

CHAIN = """tiers:
  - name: triage
    people: ["slack:U0DAVE"]
    engage:
      - {when: severity, severity: 2}
  - name: coordination
    people: ["slack:U0CAROL"]
    engage:
      - {when: cross-team}
      - {when: open-long, after: 3s}
  - name: executive
    engage:
      - {when: cost}
"""


@pytest.fixture
def tiered(make_bot):
    return make_bot().policy("escalation.yml", CHAIN).start()


def engagements(bot):
    return bot.rows("SELECT tier, reason, acknowledged_by FROM engagement ORDER BY id")


def press(sandbox, channel, message, label, user):
    return sandbox.click(user=user, channel=channel, ts=message["ts"], text=label)


def im(sandbox, user):
    [channel] = [c["id"] for c in sandbox.state()["channels"]
                 if c.get("is_im") and c.get("user") == f"U0{user.upper()}"]
    return channel


def test_a_tier_is_called_says_it_is_on_it_and_everybody_knows(tiered, sandbox):
    declared(tiered, sandbox)
    [told] = dms(sandbox, "dave", "You are called to INC-1")
    assert "as triage: the level asks for it" in told["text"] and TITLE in told["text"]
    [called] = posted(sandbox, INC, "Escalated to triage")
    assert "<@U0DAVE>" in called["text"]
    assert "U0DAVE" in sandbox.wait_channel(contains=INC, timeout=seconds(10))["members"]
    press(sandbox, im(sandbox, "dave"), told, "On it", "dave")
    sandbox.wait_message(channel=INC, contains="is on it for triage", timeout=seconds(10))
    settled(tiered)
    assert engagements(tiered)[0]["acknowledged_by"] == "slack:U0DAVE"
    press(sandbox, INC, called, "On it", "carol")
    settled(tiered)
    assert len(posted(sandbox, INC, "is on it for triage")) == 1
    assert "triage: @dave" in text_of(eventually(lambda: card(sandbox))).replace("U0DAVE", "dave")
    assert len(timeline(tiered, "is on it for triage")) == 1


def test_time_calls_the_next_one_once_across_a_restart(tiered, sandbox):
    declared(tiered, sandbox)
    tiered.restart(hard=True)
    sandbox.wait_message(channel=INC, contains="Escalated to coordination", timeout=seconds(15))
    settled(tiered)
    tiered.restart()
    sandbox.command("sev 1 it spreads", channel=INC)
    settled(tiered)
    assert [(e["tier"], e["reason"]) for e in engagements(tiered)] == [
        ("triage", "severity"), ("coordination", "open-long")]
    assert len(posted(sandbox, INC, "Escalated to coordination")) == 1
    assert len(dms(sandbox, "carol", "it has been open for long")) == 1
    assert len(dms(sandbox, "dave", "You are called")) == 1


def test_people_call_by_reason_by_name_and_where_nobody_is_named(tiered, sandbox):
    declared(tiered, sandbox, f"declare sev3 {TITLE}")
    assert "coordination was called to INC-1" in said(
        sandbox.command("escalate cross-team the gateway is theirs", channel=INC))
    assert "Nobody was called again" in said(sandbox.command("escalate cross-team again", channel=INC))
    sandbox.command("escalate cost we need twice the fleet", channel=INC)
    settled(tiered)
    assert len(dms(sandbox, "carol", "it crosses teams: the gateway is theirs")) == 1
    [missing] = threaded(sandbox, "incidents", "Nobody is named")
    assert "executive (it costs more than the limit: we need twice the fleet)" in missing["text"]
    press(sandbox, "incidents", missing, "On it", "bob")
    sandbox.wait_message(channel=INC, contains="is on it for executive", timeout=seconds(10))
    shown = said(sandbox.command("escalate", channel=INC))
    assert "it crosses teams: the gateway is theirs" in shown and "nobody is on it yet" in shown
    refused(sandbox.command(f"escalate nobody{' x' * 1600}", channel=INC), "nothing was done")


def test_followers_hear_each_thing_once(tiered, sandbox):
    sandbox.command("subscribe --all", user="bob")
    declared(tiered, sandbox)
    sandbox.command("subscribe", user="bob", channel=INC)
    sandbox.command("update rolling back v2.31. in 20m", channel=INC)
    sandbox.command("sev 1 it spreads", channel=INC)
    sandbox.command(RESOLVE, channel=INC)
    settled(tiered)
    assert len(dms(sandbox, "bob", "rolling back v2.31")) == 1
    assert len(dms(sandbox, "bob", "was SEV2")) == 1
    told = dms(sandbox, "bob")
    assert len(told) == 3 and all("To stop: " in text_of(m) for m in told)
    press(sandbox, im(sandbox, "bob"), told[0], "Unsubscribe", "bob")
    sandbox.command("#1 reopen it is back")
    settled(tiered)
    # By another topic they follow it still, and are told so.
    assert len(dms(sandbox, "bob")) == 4
    assert not dms(sandbox, "alice")


@pytest.mark.parametrize("place", ["", "status"])
def test_customers_read_what_was_confirmed_and_nothing_else(make_bot, sandbox, place):
    settings = {"slack.customer_channel": "#general"} if place else {}
    bot = make_bot(settings=settings).start()
    sandbox.command("whoami", user="bob")
    declared(bot, sandbox)
    sandbox.command("comms @bob", channel=INC)
    settled(bot)
    assert "Nothing was sent yet" in said(sandbox.command("customer Some payments fail. <!channel> <@U0CAROL>", channel=INC))
    settled(bot)
    [draft] = dms(sandbox, "bob", "Wording for customers")
    refused(sandbox.command("customer --confirm 1", channel=INC), "confirmed by")
    assert not bot.rows("SELECT 1 FROM customer_note WHERE ended_at IS NOT NULL")
    press(sandbox, im(sandbox, "bob"), draft, "Confirm and send", "bob")
    press(sandbox, im(sandbox, "bob"), draft, "Confirm and send", "bob")
    press(sandbox, im(sandbox, "bob"), draft, "Drop", "bob")
    settled(bot)
    found = posted(sandbox, "general", "Some payments fail") if place else threaded(
        sandbox, "incidents", "Some payments fail")
    assert len(found) == 1
    assert "<!channel>" not in text_of(found[0]) and "<@" not in text_of(found[0])
    assert ("For customers" in text_of(found[0])) == (not place)
    [entry] = timeline(bot, "told to customers")
    assert "confirmed by @bob" in entry["text"]
