"""An incident and its issue in Jira, kept in step by the real binary: out, in by three ways, conflicts, outages, doubts."""

import time

import pytest

from bot import JIRA_SECRET
from jira_steps import both_changed, buttons, hooks_url, in_step, issue_of, opened, ours, post, press
from sandbox import eventually, text_of
from steps import INC, RESOLVE, audit_whole, card, clean, declared, incident, posted, said, seconds, settled, timeline

WAYS = ("webhook", "relay", "poll")
BOTH = pytest.mark.parametrize("flavour", ["cloud", "datacenter"])


@BOTH
def test_an_issue_is_made_and_linked_back(tracked, sandbox):
    bot = tracked()
    key = opened(bot, sandbox)
    issue = sandbox.jira.issue(key)
    assert issue["summary"] == "checkout is failing" and issue["priority"] == "High" and issue["status"] == "To Do"
    assert issue["properties"]["sitrep"]["incident"] == "INC-1"
    [link] = issue["links"]
    assert "INC-1" in link["object"]["title"] and link["object"]["url"].startswith("http")
    assert key in text_of(card(sandbox))
    assert key in said(sandbox.command("sync", channel=INC))
    assert audit_whole(bot)
    clean(bot)


@BOTH
def test_what_changes_here_goes_there(tracked, sandbox):
    bot = tracked()
    key = opened(bot, sandbox)
    sandbox.command("sev 1 it is everywhere", channel=INC)
    sandbox.jira.wait_field(key, "priority", "Highest", timeout=seconds(10))
    sandbox.command("title checkout is down", channel=INC)
    sandbox.jira.wait_field(key, "summary", "checkout is down", timeout=seconds(10))
    sandbox.command("update known: rolling back v2.31; next in 30m", channel=INC)
    sandbox.jira.wait_comment(key, "rolling back v2.31", timeout=seconds(10))
    # To Do has no way to Done of its own: the hops are taken.
    sandbox.command(RESOLVE, channel=INC)
    sandbox.jira.wait_status(key, "Done", timeout=seconds(10))
    in_step(bot)
    moves = [c for c in sandbox.jira.writes() if c["path"].endswith("/transitions")]
    assert 2 <= len(moves) <= 3, moves
    assert "✓" in text_of(card(sandbox))


@BOTH
@pytest.mark.parametrize("way", WAYS)
def test_what_changes_there_comes_here(tracked, sandbox, way):
    bot = tracked(way)
    key = opened(bot, sandbox)
    sandbox.jira.transition(key, "In Progress", user="dave")
    eventually(lambda: incident(bot)["state"] == "investigating", timeout=seconds(15))
    sandbox.jira.edit(key, user="dave", priority="Highest", summary="checkout is on fire")
    eventually(lambda: incident(bot)["severity"] == 1 and incident(bot)["title"] == "checkout is on fire", timeout=seconds(15))
    sandbox.jira.comment(key, "the vendor confirms an outage", user="dave")
    eventually(lambda: timeline(bot, "the vendor confirms an outage"), timeout=seconds(15))
    settled(bot)
    assert len(timeline(bot, "the vendor confirms an outage")) == 1
    assert len(posted(sandbox, INC, contains="the vendor confirms")) == 1
    assert "on fire" in text_of(card(sandbox))
    # Nothing of it was sent back.
    assert sandbox.jira.issue(key)["status"] == "In Progress"
    assert not [c for c in sandbox.jira.writes() if c["path"].endswith("/transitions")]
    clean(bot)


@BOTH
def test_no_ping_pong(tracked, sandbox):
    """Ten changes here and ten there: each is written once, and then there is quiet."""
    bot = tracked()
    key = opened(bot, sandbox)
    before = len(sandbox.jira.writes())
    for n in range(5):
        sandbox.command(f"title ours {n}", channel=INC)
        sandbox.jira.wait_field(key, "summary", f"ours {n}", timeout=seconds(10))
        in_step(bot)
        sandbox.jira.edit(key, user="dave", summary=f"theirs {n}")
        eventually(lambda: incident(bot)["title"] == f"theirs {n}", timeout=seconds(10))
        in_step(bot)
    sandbox.jira.wait_idle(quiet_ms=1000, timeout=seconds(10))
    assert len(sandbox.jira.writes()) - before == 5


@BOTH
@pytest.mark.parametrize("choice", ["Keep ours", "Take Jira's"])
def test_a_conflict_is_settled_by_a_button(tracked, sandbox, choice):
    bot = tracked(statuses="{In Review: monitoring}")
    key = opened(bot, sandbox)
    shown = both_changed(bot, sandbox, key)
    assert "In Review" in text_of(shown) and "mitigating" in text_of(shown) and "Dave" in text_of(shown)
    assert buttons(shown) == ["Keep ours", "Take Jira's"]
    # Nothing is overwritten meanwhile, whatever else happens.
    sandbox.command("update known: still looking; next in 30m", channel=INC)
    settled(bot)
    assert sandbox.jira.issue(key)["status"] == "In Review" and incident(bot)["state"] == "mitigating"
    assert bot.rows("SELECT state FROM reference WHERE system = 'jira'")[0]["state"] == "conflict"
    press(sandbox, INC, shown, choice)
    in_step(bot)
    if choice == "Keep ours":
        sandbox.jira.wait_status(key, "In Progress", timeout=seconds(10))
        assert incident(bot)["state"] == "mitigating"
    else:
        assert sandbox.jira.issue(key)["status"] == "In Review"
        assert incident(bot)["state"] == "monitoring"
    settled(bot)
    [after] = [m for m in sandbox.messages(INC) if m["ts"] == shown["ts"]]
    assert not buttons(after), "the message says how it ended"
    clean(bot)


@pytest.mark.parametrize("cut", [0, 1, 40, 200])
@BOTH
def test_a_create_whose_answer_is_lost_makes_one_issue(tracked, sandbox, cut):
    bot = tracked()
    sandbox.jira.settings(search_lag_ms=1500)
    sandbox.jira.fault("lost_answer", method="POST", path="*/issue", nth=1, bytes=cut)
    declared(bot, sandbox, settle=False)
    sandbox.jira.wait_issue(label="sitrep", timeout=seconds(10))
    bot.restart(hard=True)
    in_step(bot, 30)
    assert len(ours(sandbox)) == 1
    assert len([c for c in sandbox.jira.writes(method="POST", path="*/issue")]) == 1
    clean(bot)


def test_an_outage_is_told_and_everything_arrives_in_order(tracked, sandbox):
    bot = tracked()
    key = opened(bot, sandbox)
    sandbox.jira.fault("status", status=503)
    for n in range(1, 4):
        sandbox.command(f"update known: step {n}; next in 30m", channel=INC)
    sandbox.command("sev 1 worse", channel=INC)
    eventually(lambda: "503" in said(sandbox.command("sync", channel=INC)), timeout=seconds(20))
    told = said(sandbox.command("sync", channel=INC))
    assert "Jira" in told and "changes wait since" in told, told
    sandbox.jira.clear_fault()
    sandbox.jira.wait_field(key, "priority", "Highest", timeout=seconds(30))
    in_step(bot, 30)
    steps = [n for comment in sandbox.jira.issue(key)["comments"] for n in (1, 2, 3) if f"step {n}" in str(comment)]
    assert steps == [1, 2, 3]
    assert "nothing waits" in said(sandbox.command("sync", channel=INC))


def test_somebody_else_uses_the_same_account(tracked, sandbox):
    bot = tracked()
    key = opened(bot, sandbox)
    sandbox.jira.edit(key, user="sitrep", summary="changed by a script with our token")
    eventually(lambda: incident(bot)["title"] == "changed by a script with our token", timeout=seconds(10))


def test_repeated_late_and_reordered_deliveries_change_nothing_twice(tracked, sandbox):
    bot = tracked()
    key = opened(bot, sandbox)
    sandbox.jira.edit(key, user="dave", summary="one")
    sandbox.jira.edit(key, user="dave", summary="two")
    eventually(lambda: incident(bot)["title"] == "two", timeout=seconds(10))
    in_step(bot)
    said_before = len(timeline(bot))
    sandbox.jira.redeliver(last=10)
    sandbox.jira.wait_idle(quiet_ms=500, timeout=seconds(10))
    settled(bot)
    assert incident(bot)["title"] == "two" and len(timeline(bot)) == said_before


def test_a_deleted_issue_is_told_and_made_anew(tracked, sandbox):
    bot = tracked()
    key = opened(bot, sandbox)
    sandbox.jira.delete(key, user="dave")
    [told] = eventually(lambda: posted(sandbox, INC, contains=f"{key} is gone"), timeout=seconds(15))
    assert "Create a new one" in buttons(told) and "Unlink" in buttons(told)
    press(sandbox, INC, told, "Create a new one")
    eventually(lambda: ours(sandbox), timeout=seconds(15))
    in_step(bot)
    assert issue_of(sandbox)["key"] != key


@BOTH
def test_a_moved_issue_keeps_being_ours(tracked, sandbox):
    bot = tracked()
    key = opened(bot, sandbox)
    moved = sandbox.jira.move(key, "OPS", user="dave")["key"]
    eventually(lambda: moved in text_of(card(sandbox)), timeout=seconds(15))
    sandbox.command("sev 1 worse", channel=INC)
    sandbox.jira.wait_field(moved, "priority", "Highest", timeout=seconds(10))


@BOTH
def test_linked_and_unlinked_by_hand(tracked, sandbox):
    bot = tracked(create_level="none")
    declared(bot, sandbox)
    made = sandbox.jira.create("payments answer 5xx", user="dave", type="Task")
    assert not ours(sandbox)
    answer = said(sandbox.command(f"link {made['key']}", channel=INC))
    assert made["key"] in answer
    in_step(bot)
    linked = sandbox.jira.issue(made["key"])
    assert "sitrep" in linked["labels"] and linked["priority"] == "High"
    # Titles are taken as they are.
    assert linked["summary"] == "payments answer 5xx" and incident(bot)["title"] == "checkout is failing"
    sandbox.command("unlink jira", channel=INC)
    settled(bot)
    eventually(lambda: "sitrep" not in sandbox.jira.issue(made["key"])["labels"], timeout=seconds(10))
    assert not bot.rows("SELECT * FROM reference WHERE system = 'jira' AND slot = 'issue'")


def test_a_missing_required_field_is_told_and_can_be_tried_again(tracked, sandbox):
    bot = tracked()
    sandbox.jira.settings(required={"Incident": ["customfield_10010"]})
    declared(bot, sandbox)
    [told] = eventually(lambda: posted(sandbox, INC, contains="No issue was created"), timeout=seconds(15))
    assert "Customer impact is required" in text_of(told)
    assert "Try again" in buttons(told), buttons(told)
    sandbox.jira.settings(required={})
    press(sandbox, INC, told, "Try again")
    eventually(lambda: ours(sandbox), timeout=seconds(15))
    in_step(bot)


def test_a_protected_incident_leaves_nothing_there(tracked, sandbox):
    bot = tracked()
    sandbox.command("declare sev1 --security tokens of customers leaked")
    time.sleep(1.5)
    settled(bot)
    assert not sandbox.jira.issues()
    assert not [c for c in sandbox.jira.calls() if "leaked" in str(c)]
    # One that becomes protected later says nothing any more.
    declared(bot, sandbox, "declare sev2 checkout is failing", settle=False)
    key = sandbox.jira.wait_issue(label="sitrep", timeout=seconds(10))["key"]
    settled(bot)
    number = bot.rows("SELECT id FROM incident WHERE is_private = 0")[0]["id"]
    sandbox.command(f"protect #{number} it is an attack", user="alice")
    eventually(lambda: "checkout" not in sandbox.jira.issue(key)["summary"], timeout=seconds(10))


def test_a_delivery_that_is_no_webhook(tracked, sandbox):
    """What Jira would have to send again, and what it must not."""
    bot = tracked()
    opened(bot, sandbox)
    url = hooks_url(bot)
    assert post(url, b"{}", None) == 401
    assert post(url, b"{}", "not the secret") == 401
    assert post(url, b"{", JIRA_SECRET) == 400
    assert post(url, b"[1]", JIRA_SECRET) == 400
    assert post(url, b"{}", JIRA_SECRET) in (200, 400)
    assert post(url, b"x" * (3 << 20), JIRA_SECRET) == 413
