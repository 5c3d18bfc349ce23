"""One incident from its declaration to its end, by every way people have to say so."""

from sandbox import eventually, text_of
from steps import (INC, RESOLVE, TITLE, announcement, card, declared, incident, posted, promise, refused, said,
                   seconds, settled, threaded, timeline)


# ---- by typed line ----

def test_a_declaration_opens_everything_once(bot, sandbox):
    answer = said(declared(bot, sandbox))
    assert "INC-1 is open, SEV2" in answer and f"#{INC}" in answer and "nobody is commander yet" in answer
    channel = [c for c in sandbox.state()["channels"] if c["name"].startswith("inc-")]
    assert [c["name"] for c in channel] == [INC]
    assert sandbox.channel(INC)["topic"].startswith("SEV2 INC-1 · triage")
    assert "U0ALICE" in channel[0]["members"]
    assert TITLE in text_of(card(sandbox)) and len(posted(sandbox, INC)) == 1
    assert TITLE in text_of(announcement(sandbox)) and f"<#{channel[0]['id']}>" in text_of(announcement(sandbox))
    made = [c["method"] for c in sandbox.calls() if c["ok"]]
    for once in ("conversations.create", "conversations.invite", "conversations.setTopic", "pins.add", "bookmarks.add"):
        assert made.count(once) == 1, once
    # Card and announcement.
    assert made.count("chat.postMessage") == 2


def test_the_card_and_the_announcement_are_edited_in_place(bot, sandbox):
    declared(bot, sandbox)
    before = card(sandbox)["ts"], announcement(sandbox)["ts"]
    sandbox.command("sev 1 error rate doubled", channel=INC)
    sandbox.command("identified bad config in v2.31", channel=INC)
    eventually(lambda: "SEV1 · identified" in text_of(card(sandbox)), timeout=seconds(10))
    settled(bot)
    assert (card(sandbox)["ts"], announcement(sandbox)["ts"]) == before
    assert "SEV1 INC-1" in text_of(announcement(sandbox)) and "identified" in text_of(announcement(sandbox))
    assert sandbox.channel(INC)["topic"].startswith("SEV1 INC-1 · identified")
    assert len(posted(sandbox, INC, "error rate doubled")) == 1
    assert timeline(bot, "SEV2 → SEV1: error rate doubled") and incident(bot)["severity"] == 1


def test_an_update_is_posted_threaded_and_promises_the_next(bot, sandbox):
    declared(bot, sandbox)
    first = promise(bot)
    answer = said(sandbox.command(
        "update known: bad config in v2.31; unknown: why the canary passed; impact: EU checkout; "
        "doing: rollback; next: verify; in 20m", channel=INC))
    assert "Posted on INC-1" in answer
    settled(bot)
    [there] = posted(sandbox, INC, "bad config in v2.31 · Next")[-1:] or posted(sandbox, INC, "*Doing:* rollback")
    text = text_of(there)
    for part in ("[SEV2] checkout is failing", "*Known:* bad config in v2.31", "*Not known:* why the canary passed",
                 "*Impact:* EU checkout", "*Doing:* rollback", "*Next:* verify", "*Next update*"):
        assert part in text, part
    assert len(threaded(sandbox, "incidents", "*Known:* bad config in v2.31")) == 1
    assert len(posted(sandbox, "incidents")) == 1
    kept = [p for p in bot.rows("SELECT * FROM promise WHERE kind = 'update' AND state = 'kept'")]
    assert [p["made_at"] for p in kept] == [first["made_at"]]
    following = promise(bot)
    assert 19.9 * 60e3 <= following["due_at"] - following["made_at"] <= 20.1 * 60e3
    assert "EU checkout" in text_of(card(sandbox)) and "bad config in v2.31" in text_of(card(sandbox))


def test_an_update_without_a_time_promises_the_cadence_and_one_beyond_the_limit_is_not_posted(bot, sandbox):
    declared(bot, sandbox)
    refused(sandbox.command("update all quiet. in 3h", channel=INC), "Nothing was posted")
    assert "cadence" in said(sandbox.command("update still looking", channel=INC))
    due = promise(bot)
    assert due["due_at"] - due["made_at"] == 30 * 60e3
    settled(bot)
    assert not posted(sandbox, INC, "all quiet")


def test_states_go_forward_and_an_illegal_move_says_what_is_legal(bot, sandbox):
    declared(bot, sandbox)
    for state in ("investigating", "identified", "mitigating", "monitoring"):
        assert f"INC-1 is {state} now" in said(sandbox.command(f"{state} step", channel=INC))
    refused(sandbox.command("close", channel=INC), "Resolve it first")
    assert incident(bot)["state"] == "monitoring"
    assert timeline(bot, "mitigating → monitoring")


def test_resolving_needs_evidence_from_users_and_systems(bot, sandbox):
    declared(bot, sandbox)
    assert not sandbox.command("resolve rolled back", channel=INC)["failed"]
    view = sandbox.wait_view("alice")
    assert incident(bot)["state"] == "triage"
    answer = sandbox.submit({"text": "rolled back", "signal": "checkout success 99.9 %"}, view_id=view["id"])
    assert answer["ack_payload"]["response_action"] == "errors" and "health" in answer["ack_payload"]["errors"]
    sandbox.submit({"text": "rolled back", "signal": "checkout success 99.9 %", "health": "5xx at baseline"},
                   view_id=view["id"])
    eventually(lambda: incident(bot)["state"] == "resolved", timeout=seconds(5))
    settled(bot)
    assert "*Users see:* checkout success 99.9 %" in text_of(posted(sandbox, INC, "RESOLVED")[0])
    assert threaded(sandbox, "incidents", "RESOLVED") and "resolved" in text_of(announcement(sandbox))
    assert not promise(bot) and not promise(bot, "resolve") and not promise(bot, "respond")


def test_not_verified_is_an_answer_too(bot, sandbox):
    declared(bot, sandbox)
    said(sandbox.command('resolve rolled back --not-verified "no traffic until 6:00"', channel=INC))
    assert incident(bot)["state"] == "resolved" and incident(bot)["not_verified"] == "no traffic until 6:00"


def test_reopened_everything_is_owed_again(bot, sandbox):
    declared(bot, sandbox)
    said(sandbox.command(RESOLVE, channel=INC))
    refused(sandbox.command(RESOLVE, channel=INC), "resolved already")
    assert "open again" in said(sandbox.command("reopen errors are back", channel=INC))
    row = incident(bot)
    assert row["state"] == "investigating" and row["resolved_at"] is None and row["signal"] is None
    assert promise(bot) and promise(bot, "resolve")
    refused(sandbox.command("reopen again", channel=INC), "open already")


def test_a_false_alarm_owes_nothing_more(bot, sandbox):
    declared(bot, sandbox)
    said(sandbox.command("cancel the probe itself was broken", channel=INC))
    settled(bot)
    assert incident(bot)["state"] == "cancelled" and not promise(bot) and not promise(bot, "roles")
    assert "cancelled" in text_of(announcement(sandbox))
    refused(sandbox.command("update still here", channel=INC), "reopen")


def test_closing_a_severe_incident_needs_a_review_or_a_reason_by_name(bot, sandbox):
    declared(bot, sandbox)
    said(sandbox.command(RESOLVE, channel=INC))
    refused(bot.ctl("close", "#1", check=False)["text"], "needs a finished postmortem")
    sandbox.command("close", channel=INC)
    assert incident(bot)["state"] == "resolved"
    said(sandbox.command('close --without-review "same cause as last week"', channel=INC))
    assert incident(bot)["state"] == "closed" and timeline(bot, "closed without review by @alice")
    refused(sandbox.command("sev 1 worse", channel=INC), "Reopen it")


def test_a_light_incident_closes_without_a_review(bot, sandbox):
    declared(bot, sandbox, f"declare sev4 {TITLE}")
    said(sandbox.command(RESOLVE, channel=INC))
    said(sandbox.command("close", channel=INC))
    assert incident(bot)["state"] == "closed"


def test_an_incident_is_named_from_anywhere(bot, sandbox):
    declared(bot, sandbox)
    sandbox.command("declare sev3 search is slow")
    assert "INC-2" in said(sandbox.command("#2 note the index is being rebuilt"))
    assert timeline(bot, "the index is being rebuilt", number=2)
    text = said(sandbox.command("update which one"))
    assert "INC-1" in text and "INC-2" in text and not timeline(bot, "which one")
    refused(sandbox.command("show #77"), "INC-77")


# ---- by button ----

def press(sandbox, label, user="alice", **where):
    return sandbox.click(user=user, channel=INC, ts=card(sandbox)["ts"], text=label, **where)


def test_a_button_takes_command(bot, sandbox):
    declared(bot, sandbox)
    sandbox.join("bob", INC)
    press(sandbox, "Take command", user="bob")
    eventually(lambda: "@bob" in text_of(card(sandbox)), timeout=seconds(10))
    settled(bot)
    assert "commander @bob" in text_of(announcement(sandbox))
    assert bot.rows("SELECT person FROM role WHERE role = 'commander'") == [{"person": "slack:U0BOB"}]
    assert "You lead the response" in "\n".join(text_of(e) for e in sandbox.ephemerals("bob"))
    assert promise(bot, "respond") is None


def test_a_button_opens_the_form_of_the_update(bot, sandbox):
    declared(bot, sandbox)
    press(sandbox, "Update")
    view = sandbox.wait_view("alice")
    late = sandbox.submit({"known": "bad config", "at": "yesterday"}, view_id=view["id"])
    assert list(late["ack_payload"]["errors"]) == ["at"]
    sandbox.submit({"known": "bad config", "at": "in 20m"}, view_id=view["id"])
    settled(bot)
    assert len(posted(sandbox, INC, "*Known:* bad config")) == 1


def test_the_buttons_of_the_answer_change_a_severity_nobody_named(bot, sandbox):
    done = declared(bot, sandbox, f"declare {TITLE}")
    assert "No severity was named" in said(done) and incident(bot)["severity"] == 3
    shown = sandbox.ephemerals("alice")[0]
    sandbox.click(user="alice", channel="general", ts=shown["ts"], text="SEV1")
    eventually(lambda: incident(bot)["severity"] == 1, timeout=seconds(5))


# ---- by form ----

def test_a_form_declares_with_all_its_fields(bot, sandbox):
    sandbox.command("declare")
    view = sandbox.wait_view("alice")
    empty = sandbox.submit({"title": "@everyone \u0001\u0002", "severity": "sev2", "service": "x" * 500},
                           view_id=view["id"])
    assert set(empty["ack_payload"]["errors"]) == {"service"}
    sandbox.submit({"title": TITLE, "severity": "sev2", "service": "payments", "env": "prod",
                    "impact": "EU checkout"}, view_id=view["id"])
    settled(bot)
    row = incident(bot)
    assert (row["title"], row["severity"], row["services"], row["environment"], row["impact"]) == (
        TITLE, 2, "payments", "prod", "EU checkout")
    assert "payments" in text_of(announcement(sandbox)) and "EU checkout" in text_of(card(sandbox))


def test_a_form_sent_twice_declares_once(bot, sandbox):
    sandbox.command("declare")
    view = sandbox.wait_view("alice")
    sandbox.submit({"title": TITLE, "severity": "sev2"}, view_id=view["id"])
    sandbox.redeliver(last=1, type="interactive", wait_ms=3000)
    settled(bot)
    assert len(bot.rows("SELECT id FROM incident")) == 1


# ---- by shell ----

def test_the_shell_runs_an_incident_that_chat_sees(bot, sandbox):
    sandbox.command("whoami", user="bob")   # whom the bot has met is known by name at the shell as well
    settled(bot)
    assert bot.ctl("declare", "sev2", TITLE)["ok"]
    sandbox.wait_channel(contains=INC)
    assert bot.ctl("update", "#1", "rolling", "back.", "in", "20m")["ok"]
    assert bot.ctl("ic", "#1", "@bob")["ok"]
    assert bot.ctl("resolve", "#1", "rolled back", "--signal", "checkout success 99.9 %", "--health", "5xx at baseline")["ok"]
    settled(bot)
    assert len(posted(sandbox, INC, "*Known:* rolling back")) == 1 and posted(sandbox, INC, "*Users see:* checkout success 99.9 %")
    assert "resolved" in text_of(announcement(sandbox))
    assert incident(bot)["reporter"].startswith("unix:")


def test_the_shell_is_refused_with_the_same_words(bot, sandbox):
    declared(bot, sandbox)
    answer = bot.ctl("close", "#1", check=False)
    assert answer["ok"] is False and "Resolve it first" in answer["text"]
    assert "Resolve it first" in said(sandbox.command("#1 close"))
