"""What was promised is asked for: heads-up, due, overdue, each once; quiet when it should be."""

import json
import time

import pytest

from sandbox import eventually, text_of
from steps import (INC, RESOLVE, TITLE, card, declared, dms, incident, posted, promise, refused, said, seconds, settled,
                   threaded, timeline)

LADDER = ("-1s", "0s", "1s", "2s", "3s")


@pytest.fixture
def quick(make_bot):
    """Updates are promised within 2 s; a step of the ladder every second."""
    return make_bot().fast(cadence="2s", first_update="2s", offsets=LADDER).start()


def reminders(sandbox, channel=INC):
    return [m for m in posted(sandbox, channel) if "Update on INC-" in m["text"]]


def levels(bot, **of_two):
    """The policy of level 2, the rest as shipped."""
    bot.policy("severity.yml", "levels:\n  2: {" + ", ".join(f"{k}: {v}" for k, v in of_two.items()) + "}\n")
    return bot


def staffed(bot, sandbox, words=f"declare sev2 {TITLE}"):
    sandbox.command("whoami", user="bob")
    declared(bot, sandbox, words)
    sandbox.command("ic @bob", channel=INC)
    sandbox.command("comms @carol", channel=INC)


def test_the_ladder_says_each_step_once_to_whom_it_concerns(quick, sandbox):
    staffed(quick, sandbox)
    due = promise(quick)["due_at"]
    sandbox.wait_message(channel="incidents", contains="3 s overdue", timeout=seconds(15))
    settled(quick)
    now, first, second = reminders(sandbox)
    assert "is due now" in now["text"] and "<@U0CAROL>" in now["text"] and "<@U0BOB>" not in now["text"]
    assert "1 s overdue" in first["text"] and "<@U0BOB>" in first["text"] and "<@U0CAROL>" in first["text"]
    assert "2 s overdue" in second["text"] and "<!channel>" in second["text"]
    for message in (now, first, second):
        assert "Post update" in text_of(message) and "Snooze 10 min" in text_of(message)
    [heads_up] = dms(sandbox, "carol", "is promised for")
    assert "Update on INC-1" in heads_up["text"]
    assert not dms(sandbox, "bob", "is promised for") and not dms(sandbox, "alice", "is promised for")
    assert len(threaded(sandbox, "incidents", "overdue")) == 1
    assert len(timeline(quick, "the promised status update was not posted")) == 1
    assert promise(quick)["missed_at"] == due
    for n, message in enumerate((now, first, second)):
        assert 0 <= float(message["ts"]) - due / 1000 - n < seconds(1)   # late by less than a second


def test_the_next_tier_is_called_by_name(make_bot, sandbox):
    bot = make_bot().fast(cadence="2s", first_update="2s", offsets=LADDER)
    bot.policy("escalation.yml", 'tiers:\n  - {name: triage, people: ["slack:U0DAVE"]}\n').start()
    staffed(bot, sandbox)
    called = sandbox.wait_message(channel=INC, contains="Escalated to triage", timeout=seconds(15))
    settled(bot)
    assert "<@U0DAVE>" in called["text"] and len(posted(sandbox, INC, "Escalated")) == 1
    assert len(dms(sandbox, "dave", "3 s overdue")) == 1 and timeline(bot, "escalated to triage")


def test_only_what_is_still_owed_is_reminded_of(make_bot, sandbox):
    """Updated, resolved, cancelled, reopened, left alone: at the end the last two have been reminded."""
    bot = make_bot().fast(cadence="3s", first_update="3s", offsets=("-1s", "0s", "60s", "70s", "80s")).start()
    for n, what in enumerate(("updated", "resolved", "cancelled", "reopened", "alone"), 1):
        sandbox.command(f"declare sev2 {what}")
        sandbox.wait_channel(contains=f"inc-{n}-{what}", timeout=seconds(10))
    sandbox.command("#1 update on it. in 20m")
    sandbox.command(f"#2 {RESOLVE}")
    sandbox.command("#3 cancel false alarm")
    sandbox.command(f"#4 {RESOLVE}")
    sandbox.command("#4 reopen it is back")
    sandbox.wait_message(channel="inc-4-reopened", contains="is due now", timeout=seconds(15))
    sandbox.wait_message(channel="inc-5-alone", contains="is due now", timeout=seconds(15))
    settled(bot)
    for quiet in ("inc-1-updated", "inc-2-resolved", "inc-3-cancelled"):
        assert not reminders(sandbox, quiet), quiet
    assert promise(bot, number=1)["due_at"] - promise(bot, number=1)["made_at"] == 20 * 60000


def test_a_snooze_needs_a_reason_at_the_severe_levels(quick, sandbox):
    declared(quick, sandbox)
    refused(quick.ctl("snooze", "#1", "10m", check=False)["text"], "needs a reason")
    sandbox.wait_message(channel=INC, contains="is due now", timeout=seconds(10))
    sandbox.click(user="alice", channel=INC, ts=reminders(sandbox)[0]["ts"], text="Snooze 10 min")
    view = sandbox.wait_view("alice")
    assert not promise(quick)["quiet_until"]
    assert set(sandbox.submit({"why": ""}, view_id=view["id"])["ack_payload"]["errors"]) == {"why"}
    sandbox.submit({"why": "waiting for the vendor"}, view_id=view["id"])
    eventually(lambda: promise(quick)["quiet_until"], timeout=seconds(5))
    assert 590 < promise(quick)["quiet_until"] / 1000 - time.time() < 601
    assert timeline(quick, "waiting for the vendor") and "reminders quiet until" in text_of(
        eventually(lambda: card(sandbox) if "quiet" in text_of(card(sandbox)) else None, timeout=seconds(5)))


def test_a_snooze_without_a_reason_is_enough_at_the_light_levels(quick, sandbox):
    declared(quick, sandbox, f"declare sev3 {TITLE}")
    sandbox.wait_message(channel=INC, contains="is due now", timeout=seconds(10))
    sandbox.click(user="alice", channel=INC, ts=reminders(sandbox)[0]["ts"], text="Snooze 10 min")
    eventually(lambda: promise(quick)["quiet_until"], timeout=seconds(5))


def test_a_snooze_keeps_quiet_and_then_goes_on_from_there(quick, sandbox):
    declared(quick, sandbox)
    due = promise(quick)["due_at"]
    answer = said(sandbox.command("snooze 3s the vendor calls back", channel=INC))
    assert "stays promised" in answer and promise(quick)["due_at"] == due
    until = promise(quick)["quiet_until"]
    message = sandbox.wait_message(channel=INC, contains="overdue", timeout=seconds(10))
    assert float(message["ts"]) * 1000 >= until and len(reminders(sandbox)) == 1


def test_a_snooze_is_bounded(quick, sandbox):
    declared(quick, sandbox)
    refused(sandbox.command("snooze 9h vendor", channel=INC), "at most 4 h")
    refused(sandbox.command("snooze until 2020-01-01 10:00 vendor", channel=INC), "is over already")
    assert not promise(quick)["quiet_until"]


def test_the_cadence_of_one_incident_changes_and_the_policy_stays(bot, sandbox):
    declared(bot, sandbox)
    refused(sandbox.command("cadence 10m", channel=INC), "needs a reason")
    refused(sandbox.command("cadence 9h quiet please", channel=INC), "at least every")
    said(sandbox.command("cadence 10m many customers ask", channel=INC))
    due = promise(bot)
    assert due["due_at"] - due["made_at"] == 10 * 60000 and incident(bot)["cadence_ms"] == 600000
    assert timeline(bot, "many customers ask")
    sandbox.command("declare sev2 another")
    other = promise(bot, number=2)
    assert other["due_at"] - other["made_at"] == 30 * 60000


def test_roles_nobody_took_are_asked_for_with_buttons(make_bot, sandbox):
    bot = levels(make_bot(), nag_roles="2s").start()
    declared(bot, sandbox)
    declared(bot, sandbox, "declare sev2 staffed")
    sandbox.command("#2 ic @bob")
    sandbox.command("#2 comms @carol")
    nag = sandbox.wait_message(channel=INC, contains="Nobody has these roles", timeout=seconds(15))
    assert "commander" in nag["text"] and "Take command" in text_of(nag)
    sandbox.click(user="alice", channel=INC, ts=nag["ts"], text="Take command")
    eventually(lambda: bot.rows("SELECT 1 FROM role WHERE incident = 1 AND person = 'slack:U0ALICE'"))
    settled(bot)
    assert len(posted(sandbox, INC, "Nobody has these roles")) == 1
    assert not posted(sandbox, "inc-2-staffed", "Nobody has these roles")


def test_missed_targets_are_announced_and_recorded_once(make_bot, sandbox):
    bot = levels(make_bot(), respond="1s", resolve="2s").start()
    declared(bot, sandbox)
    sandbox.wait_message(channel=INC, contains="nobody has responded", timeout=seconds(10))
    sandbox.wait_message(channel=INC, contains="is not resolved", timeout=seconds(10))
    settled(bot)
    assert len(posted(sandbox, INC, "Target missed")) == 2
    assert len(timeline(bot, "nobody had responded")) == 1 and len(timeline(bot, "the incident was not resolved")) == 1
    said(sandbox.command("take command", channel=INC))
    assert promise(bot, "respond", "kept")["missed_at"]      # kept late is missed all the same
    assert "after the target" in said(sandbox.command(RESOLVE, channel=INC))


def test_a_target_that_was_met_is_not_announced(make_bot, sandbox):
    bot = levels(make_bot(), respond="3s", resolve="4s").start()
    declared(bot, sandbox)
    sandbox.command("take command", channel=INC)
    sandbox.wait_message(channel=INC, contains="is not resolved", timeout=seconds(10))
    assert not posted(sandbox, INC, "nobody has responded") and promise(bot, "respond", "kept")["missed_at"] is None


def test_level_1_owes_a_first_notification_before_its_cadence(make_bot, sandbox):
    bot = make_bot()
    bot.policy("severity.yml", "levels:\n  1: {first_update: 2s}\n").start()
    declared(bot, sandbox, f"declare sev1 {TITLE}")
    sandbox.wait_message(channel=INC, contains="is due now", timeout=seconds(10))
    said(sandbox.command("update we are on it", channel=INC))
    due = promise(bot)
    assert due["due_at"] - due["made_at"] == 15 * 60000
    settled(bot)
    assert posted(sandbox, INC, "[SEV1] checkout is failing")


def test_the_wording_of_updates_is_the_users(make_bot, sandbox):
    bot = make_bot()
    bot.policy("messages.yml", 'first:\n  subject: "{{severity}} first word on {{title}}"\n'
                               '  body: ["*We know* {{known}}", "*Not known* {{unknown}}"]\n').start()
    declared(bot, sandbox)
    sandbox.command("update bad config. in 20m", channel=INC)
    message = sandbox.wait_message(channel=INC, contains="SEV2 first word on checkout is failing", timeout=seconds(10))
    assert "*We know* bad config" in text_of(message) and "Not known" not in json.dumps(message["blocks"])


def test_reminders_survive_a_restart(quick, sandbox):
    staffed(quick, sandbox)
    due = promise(quick)["due_at"]
    quick.restart(hard=True)
    sandbox.wait_message(channel="incidents", contains="3 s overdue", timeout=seconds(15))
    settled(quick)
    assert [m["text"].split("INC-1 ")[1].split("(")[0].strip() for m in reminders(sandbox)] == [
        "is due now", "is 1 s overdue", "is 2 s overdue"]
    assert "away" not in "".join(m["text"] for m in reminders(sandbox)) and promise(quick)["due_at"] == due
