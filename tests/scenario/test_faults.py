"""The chat fails in every way it can; the incident goes on, and afterwards all of it is outside, once, in order."""

import sqlite3

import pytest

from sandbox import eventually, text_of
from steps import (INC, RESOLVE, SOON, TITLE, Shell, announcement, audit_whole, card, clean, declared, dms, incident, posted,
                   said, seconds, settled, threaded, timeline, waiting)


@pytest.fixture
def patient(make_bot):
    """The bot, trying again every second."""
    return make_bot(settings=SOON).start()


def whole_incident(bot, sandbox, updates=6):
    """A life of an incident, without waiting for anything outside."""
    assert sandbox.command(f"declare sev2 {TITLE}")["acked"]
    for n in range(updates):
        said(sandbox.command(f"#1 update step {n}. in 20m"))
    said(sandbox.command("#1 ic @bob"))
    said(sandbox.command("#1 sev 1 error rate doubled"))
    said(sandbox.command(f"#1 {RESOLVE}"))


def all_outside_once(bot, sandbox, updates=6):
    assert not bot.rows("SELECT * FROM effect WHERE state = 'failed'")
    assert [c["name"] for c in sandbox.state()["channels"] if c.get("name", "").startswith("inc-")] == [INC]
    assert "SEV1 · resolved" in text_of(card(sandbox)) and "@bob" in text_of(card(sandbox))
    assert "SEV1 INC-1" in text_of(announcement(sandbox)) and "resolved" in text_of(announcement(sandbox))
    for messages in (posted(sandbox, INC, "*Known:* step"), threaded(sandbox, "incidents", "*Known:* step")):
        assert [text_of(m).split("step ")[1][0] for m in messages] == [str(n) for n in range(updates)]
    assert len(posted(sandbox, INC, "RESOLVED")) == 1 == len(threaded(sandbox, "incidents", "RESOLVED"))
    assert len(dms(sandbox, "bob", "You lead the response")) <= 1
    assert sandbox.channel(INC)["topic"].startswith("SEV1 INC-1 · resolved")
    clean(bot)


STORMS = {
    "500 now and then": [dict(kind="status", status=500, probability=0.3)],
    "503 for a while": [dict(kind="status", status=503, count=8)],
    "429 now and then": [dict(kind="status", status=429, retry_after=1, probability=0.2)],
    "errors after doing it": [dict(kind="error", error="fatal_error", after=True, probability=0.3),
                              dict(kind="error", error="internal_error", after=True, probability=0.2)],
    "answers lost": [dict(kind="lost_answer", probability=0.3)],
    "answers cut": [dict(kind="lost_answer", bytes=40, probability=0.2),
                    dict(kind="truncated_json", after=True, probability=0.2)],
    "requests lost": [dict(kind="lost_request", probability=0.3)],
    "garbage of all kinds": [dict(kind=kind, after=True, probability=0.12) for kind in (
        "garbage_body", "oversized_body", "deep_json", "not_utf8", "duplicate_keys")],
    "everything at once": [dict(kind="status", status=503, probability=0.1), dict(kind="lost_answer", probability=0.1),
                           dict(kind="lost_request", probability=0.1),
                           dict(kind="error", error="fatal_error", after=True, probability=0.1),
                           dict(kind="delay_ms", delay_ms=300, probability=0.2)],
}


@pytest.mark.parametrize("name", STORMS)
def test_after_a_storm_all_is_outside_once(patient, sandbox, name):
    for fault in STORMS[name]:
        for method in ("chat.*", "conversations.*", "pins.*", "bookmarks.*"):
            sandbox.fault(method=method, **fault)
    whole_incident(patient, sandbox)
    eventually(lambda: sum(f["hits"] for f in sandbox.faults()) >= 4 or not waiting(patient), timeout=seconds(10))
    eventually(lambda: len(waiting(patient)) < 8, timeout=seconds(40))
    sandbox.clear_fault()
    settled(patient)
    all_outside_once(patient, sandbox)


@pytest.mark.parametrize("spelled", ["ratelimited", "rate_limited"])
def test_a_rate_limit_that_names_no_time_pauses_that_method_only(patient, sandbox, spelled):
    sandbox.fault("error", method="pins.add", error=spelled, count=1)
    declared(patient, sandbox, settle=False)
    sandbox.wait_message(channel="incidents", contains=TITLE, timeout=seconds(5))
    eventually(lambda: sandbox.channel(INC)["pins"], timeout=seconds(30))
    first, *later = sandbox.calls("pins.add")
    assert len(later) == 1 and later[0]["at"] - first["at"] > 5


def test_an_incident_runs_by_shell_while_chat_is_down_and_is_told_in_order_later(make_bot, sandbox):
    sandbox.fault("status", method="*", status=503)
    bot = make_bot(settings=SOON).start(connected=False)
    eventually(bot.socket.exists, timeout=seconds(10))
    bot.ctl("declare", "sev2", TITLE)
    for n in range(6):
        bot.ctl("update", "#1", f"step {n}.", "in", "20m")
    bot.ctl("sev", "#1", "1", "error rate doubled")
    bot.ctl("resolve", "#1", "rolled back", "--signal", "99.9 %", "--health", "5xx at baseline")
    assert incident(bot)["state"] == "resolved" and "wait" in bot.ctl("sync", "#1")["text"]
    assert not [c for c in sandbox.state()["channels"] if c.get("name", "").startswith("inc-")]
    sandbox.clear_fault()
    bot.wait_connected()
    settled(bot)
    steps = [text_of(m).split("step ")[1][0] for m in posted(sandbox, INC, "*Known:* step")]
    assert steps == list("012345") and len(posted(sandbox, INC, "RESOLVED")) == 1
    assert "SEV1 · resolved" in text_of(card(sandbox)) and "nothing waits" in bot.ctl("sync", "#1")["text"]
    assert announcement(sandbox)
    audit_whole(bot)


def test_what_waits_is_said_on_the_card_and_by_sync_with_the_reason(patient, sandbox):
    declared(patient, sandbox)
    sandbox.fault("status", method="chat.postMessage", status=503)
    said(sandbox.command("update rolling back. in 20m", channel=INC))
    eventually(lambda: [e for e in waiting(patient) if e["error"]], timeout=seconds(10))
    answer = said(sandbox.command("sync", channel=INC))
    assert "changes wait since" in answer and "503" in answer and "Try now" in answer
    # Older than a minute, it stands on the card as well.
    patient.stop()
    with sqlite3.connect(patient.store) as db:
        db.execute("UPDATE effect SET created_at = created_at - 120000 WHERE ended_at IS NULL")
    db.close()
    patient.start()
    assert "wait for Slack since" in said(sandbox.command("show", channel=INC))
    sandbox.clear_fault()
    settled(patient)
    assert "wait for Slack" not in said(sandbox.command("show", channel=INC))
    assert len(posted(sandbox, INC, "*Known:* rolling back")) == 1


NICETIES = ("pins.add", "bookmarks.add", "conversations.setTopic", "conversations.invite", "users.info",
            "chat.getPermalink")


@pytest.mark.parametrize("error", ["missing_scope", "unknown_method", "restricted_action"])
def test_a_refused_nicety_costs_itself_only(patient, sandbox, error):
    for method in NICETIES:
        sandbox.fault("error", method=method, error=error, needed="some:scope")
    for n in range(2):
        said(sandbox.command(f"declare sev2 case {n}"))
    settled(patient)
    for n in (1, 2):
        assert f"INC-{n}" in text_of(posted(sandbox, f"inc-{n}-case-{n - 1}")[0])
    assert len(posted(sandbox, "incidents")) == 2
    said(sandbox.command("#1 update found it. in 20m"))
    said(sandbox.command(f"#1 {RESOLVE}"))
    settled(patient)
    assert posted(sandbox, "inc-1-case-0", "RESOLVED")
    for method in ("pins.add", "bookmarks.add"):
        about = [line for line in patient.log().splitlines() if method in line]
        assert len(about) <= (1 if error in ("missing_scope", "unknown_method") else 2), about


def test_without_an_announcement_channel_the_incident_goes_on_and_sync_says_so(make_bot, sandbox):
    bot = make_bot(settings={**SOON, "slack.announce_channel": "#nowhere"}).start()
    said(sandbox.command(f"declare sev2 {TITLE}"))
    settled(bot)
    assert card(sandbox) and sandbox.channel(INC)["topic"]
    answer = said(sandbox.command("sync", channel=INC))
    assert "Not done: post a message" in answer and "nowhere" in answer or "channel_not_found" in answer
    said(sandbox.command("update all the same. in 20m", channel=INC))
    settled(bot)
    assert len(posted(sandbox, INC, "all the same")) >= 1


def test_a_refused_channel_leaves_the_incident_under_its_announcement(patient, sandbox):
    sandbox.fault("error", method="conversations.create", error="restricted_action")
    said(sandbox.command(f"declare sev2 {TITLE}"))
    settled(patient)
    said(sandbox.command("#1 update all the same. in 20m"))
    settled(patient)
    assert threaded(sandbox, "incidents", "all the same") and timeline(patient, "all the same")
    assert "Not done: open the channel" in said(sandbox.command("#1 sync"))


def test_what_was_refused_goes_after_a_retry(patient, sandbox):
    fault = sandbox.fault("error", method="conversations.setTopic", error="restricted_action")
    declared(patient, sandbox)
    assert "Not done: set the topic" in said(sandbox.command("sync", channel=INC))
    sandbox.clear_fault(fault)
    assert "Trying again now" in said(sandbox.command("sync --retry", channel=INC))
    eventually(lambda: sandbox.channel(INC)["topic"].startswith("SEV2"), timeout=seconds(10))


def test_a_card_that_somebody_deleted_comes_back(patient, sandbox):
    declared(patient, sandbox)
    sandbox.fault("error", method="chat.update", error="message_not_found", channel=INC, count=1)
    old = card(sandbox)["ts"]
    said(sandbox.command("sev 1 doubled", channel=INC))
    eventually(lambda: len(sandbox.channel(INC)["pins"]) == 2, timeout=seconds(10))
    settled(patient)
    newest = posted(sandbox, INC, "SEV1 · triage")[-1]
    assert newest["ts"] != old and "INC-1" in newest["text"]


@pytest.mark.parametrize("new_envelope_id", [False, True])
def test_everything_delivered_twice_happens_once(patient, sandbox, new_envelope_id):
    sandbox.fault("redeliver_all", delay_ms=200, new_envelope_id=new_envelope_id)
    declared(patient, sandbox)
    said(sandbox.command("note only once", channel=INC))
    said(sandbox.command("update rolling back. in 20m", channel=INC))
    said_message = sandbox.say("the deploy began at 14:02", channel=INC)
    sandbox.react(said_message["ts"], channel=INC)
    said(sandbox.command("sev 1 doubled", channel=INC))
    sandbox.wait_idle(700, timeout=seconds(10))
    settled(patient)
    for text in ("only once", "rolling back", "14:02", "SEV2 → SEV1"):
        assert len(timeline(patient, text)) == 1, text
    assert len(patient.rows("SELECT id FROM incident")) == 1
    assert len(posted(sandbox, INC, "*Known:* rolling back")) == 1


def test_a_button_pressed_again_by_redelivery_is_answered_the_same(patient, sandbox):
    declared(patient, sandbox)
    sandbox.click(user="alice", channel=INC, ts=card(sandbox)["ts"], text="Take command")
    eventually(lambda: timeline(patient, "Incident commander: @alice"))
    sandbox.command("drop ic", channel=INC)
    sandbox.redeliver(last=1, type="interactive", new_envelope_id=True, wait_ms=3000)
    settled(patient)
    assert not patient.rows("SELECT 1 FROM role") and len(timeline(patient, "Incident commander: @alice")) <= 2


def test_the_shells_delivery_key_makes_a_repeat_harmless(bot, sandbox):
    with Shell(bot) as shell:
        first = shell("declare sev2 checkout is failing", id="once-1")
        again = shell("declare sev2 checkout is failing", id="once-1")
    assert first["ok"] and again["text"] == first["text"]
    assert len(bot.rows("SELECT id FROM incident")) == 1


def test_slow_answers_hold_up_nobody(patient, sandbox):
    sandbox.fault("slow_drip", method="conversations.create", bytes=20, every_ms=100, after=True, count=1)
    said(sandbox.command("declare sev2 slow"))
    for n in range(10):
        done = sandbox.command("whoami")
        assert done["acked"] and done["ack_ms"] < 1000 * seconds(1)
    settled(patient)
    assert len([c for c in sandbox.state()["channels"] if c.get("name", "").startswith("inc-")]) == 1
