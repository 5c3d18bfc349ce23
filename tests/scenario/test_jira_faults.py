"""Jira fails in every way it can, and has odd policies of its own: each has its outcome and its words, nothing is twice."""

import json
import sqlite3
import time

import pytest

from bot import JIRA_SECRET
from jira_steps import hooks_url, in_step, issue_of, opened, ours, post
from sandbox import eventually, text_of
from steps import INC, RESOLVE, card, clean, declared, incident, posted, said, seconds, settled, timeline

BOTH = pytest.mark.parametrize("flavour", ["cloud", "datacenter"])
UPDATE = "update known: rolling back v2.31; next in 30m"


def creates(sandbox):
    return sandbox.jira.writes(method="POST", path="*/issue")


# ---- answers that are lost ----

# What is said, and which call of it fails.
CALLS = {
    "create": (None, dict(method="POST", path="*/issue")),
    "label or field": ("title checkout is down", dict(method="PUT", path="*/issue/*")),
    "comment": (UPDATE, dict(method="POST", path="*/comment")),
    "transition": ("mitigating rolling back", dict(method="POST", path="*/transitions")),
    "link back": (None, dict(method="POST", path="*/remotelink")),
}


@pytest.mark.parametrize("flavour,kind,cut", [
    ("cloud", "lost_answer", 0), ("cloud", "lost_answer", 60), ("cloud", "lost_answer", 10_000), ("cloud", "lost_request", 0),
    ("datacenter", "lost_answer", 0)])
@pytest.mark.parametrize("name", CALLS)
def test_killed_with_an_answer_under_way(tracked, sandbox, name, kind, cut):
    """The call is carried out or not, its answer is cut anywhere, the bot is killed at once, and search runs behind."""
    words, call = CALLS[name]
    bot = tracked()
    sandbox.jira.settings(search_lag_ms=1000)
    if words:
        opened(bot, sandbox)
    sandbox.jira.fault(kind, nth=1, bytes=cut, **call)
    if words:
        sandbox.command(words, channel=INC)
    else:
        declared(bot, sandbox, settle=False)
    eventually(lambda: sandbox.jira.faults()[-1]["hits"], timeout=seconds(10), every=0.005)
    bot.restart(hard=True)
    sandbox.jira.clear_fault()
    in_step(bot, 30)
    # Nobody is there to remind: whatever was in doubt has been looked for by now.
    issue = issue_of(sandbox)
    assert len(creates(sandbox)) == 1
    assert issue["properties"]["sitrep"]["incident"] == "INC-1" and len(issue["links"]) == 1
    wanted = {"label or field": ("summary", "checkout is down"), "transition": ("status", "In Progress")}.get(name)
    assert not wanted or issue[wanted[0]] == wanted[1]
    assert len([c for c in issue["comments"] if "rolling back v2.31" in str(c)]) == (1 if name == "comment" else 0)
    assert len(sandbox.jira.writes(method="POST", path="*/transitions")) == (1 if name == "transition" else 0)
    clean(bot)


# ---- Jira is away ----

@pytest.mark.parametrize("how", ["refuse", "503"])
def test_many_incidents_while_jira_is_away(tracked, sandbox, how):
    """All of them run; Jira is asked now and then whether it is back; then everything comes, each in its order, once."""
    many = 30
    bot = tracked()
    sandbox.jira.fault("down", how=how)
    began, first = time.monotonic(), sandbox.jira.call_count()
    for n in range(1, many + 1):
        assert sandbox.command(f"declare sev2 service {n} is failing")["acked"]
        assert sandbox.command(f"#{n} update known: found in service {n}; next in 30m")["acked"]
        assert sandbox.command(f"#{n} sev 1 worse")["acked"]
    told = eventually(lambda: "wait" in said(sandbox.command("#7 sync")) and said(sandbox.command("#7 sync")), timeout=seconds(10))
    assert "Jira" in told, told
    away = time.monotonic() - began
    asked = sandbox.jira.call_count() - first
    # 0.5 s, 1 s, 2 s …; each time one call, with an issue's first few on their way when it begins.
    assert asked <= 12 + away, (asked, away)
    sandbox.jira.clear_fault()
    eventually(lambda: len(ours(sandbox)) == many, timeout=seconds(60))
    settled(bot)
    assert len(creates(sandbox)) == many == len({issue["summary"] for issue in ours(sandbox)})
    for issue in ours(sandbox):
        whole = sandbox.jira.issue(issue["key"])
        number = whole["summary"].split()[1]
        assert whole["priority"] == "Highest" and whole["properties"]["sitrep"]["incident"] == f"INC-{number}"
        [comment] = [c for c in whole["comments"] if "found in" in str(c)]
        assert f"found in service {number}" in str(comment)
    assert {r["state"] for r in bot.rows("SELECT state FROM reference WHERE system = 'jira'")} == {"synced"}
    clean(bot)


def test_a_limit_of_one_issue_pauses_that_one(tracked, sandbox):
    bot = tracked()
    opened(bot, sandbox, "declare sev2 first")
    declared(bot, sandbox, "declare sev2 second")
    second = sandbox.jira.wait_issue(label="sitrep", contains="second", timeout=seconds(10))["key"]
    first = [i["key"] for i in ours(sandbox) if i["key"] != second][0]
    settled(bot)
    sandbox.jira.fault("status", status=429, retry_after=3, method="PUT", issue=first, count=1)
    sandbox.command("#1 title first again")
    eventually(lambda: sandbox.jira.faults()[-1]["hits"], timeout=seconds(10))
    refused_at = time.time()
    sandbox.command("#2 title second again")
    sandbox.jira.wait_field(second, "summary", "second again", timeout=seconds(2))
    assert time.time() - refused_at < 2.5 and sandbox.jira.issue(first)["summary"] == "first"
    sandbox.jira.wait_field(first, "summary", "first again", timeout=seconds(10))
    tries = [c["at"] for c in sandbox.jira.calls(method="PUT", issue=first) if "first again" in str(c["body"])]
    assert len(tries) == 2 and tries[1] - tries[0] >= 2.9, tries


# ---- moves ----

def test_two_move_it_at_once(tracked, sandbox):
    bot = tracked()
    key = opened(bot, sandbox)
    sandbox.jira.fault("status", status=409, method="POST", path="*/transitions", count=2)
    sandbox.command(RESOLVE, channel=INC)
    sandbox.jira.wait_status(key, "Done", timeout=seconds(15))
    in_step(bot)
    done = [c for c in sandbox.jira.writes(method="POST", path="*/transitions") if c["status"] == 204]
    assert 2 <= len(done) <= 3, done


def workflow(*transitions):
    categories = {"To Do": "new", "In Progress": "indeterminate", "In Review": "indeterminate", "Done": "done"}
    return {"statuses": [{"name": name, "category": what} for name, what in categories.items()],
            "transitions": [{"id": str(n), "name": f"t{n}", "from": [a], "to": b} for n, (a, b) in enumerate(transitions, 1)]}


@BOTH
def test_a_workflow_without_a_way(tracked, sandbox):
    """It is told once, what else there is to say still gets there, and a way that appears is taken."""
    bot = tracked()
    sandbox.jira.settings(workflow=workflow(("To Do", "In Progress"), ("In Progress", "To Do")))
    key = opened(bot, sandbox)
    sandbox.command(RESOLVE, channel=INC)
    eventually(lambda: "Done" in said(sandbox.command("sync", channel=INC)), timeout=seconds(10))
    settled(bot)
    told = said(sandbox.command("sync", channel=INC))
    assert "status" in told and "Done" in told, told
    sandbox.command("title checkout was down", channel=INC)
    sandbox.jira.wait_field(key, "summary", "checkout was down", timeout=seconds(10))
    settled(bot)
    assert incident(bot)["state"] == "resolved"
    sandbox.jira.settings(workflow=workflow(("To Do", "In Progress"), ("In Progress", "Done")))
    sandbox.command("sync --retry", channel=INC)
    sandbox.jira.wait_status(key, "Done", timeout=seconds(15))
    in_step(bot)


# ---- fields, types, people ----

@BOTH
def test_a_field_off_the_screen(tracked, sandbox):
    bot = tracked()
    key = opened(bot, sandbox)
    sandbox.jira.settings(hidden={"edit": ["priority"]})
    sandbox.command("sev 1 worse", channel=INC)
    sandbox.command("title checkout is down", channel=INC)
    sandbox.jira.wait_field(key, "summary", "checkout is down", timeout=seconds(10))
    settled(bot)
    told = said(sandbox.command("sync", channel=INC))
    assert "could not be written there" in told and "screen" in told, told
    assert sandbox.jira.issue(key)["priority"] == "High"
    sandbox.jira.settings(hidden={"edit": []})
    sandbox.command("sync --retry", channel=INC)
    sandbox.jira.wait_field(key, "priority", "Highest", timeout=seconds(10))
    in_step(bot)


def test_an_issue_type_that_vanished(tracked, sandbox):
    bot = tracked()
    sandbox.jira.settings(issue_types={"Task": {}})
    declared(bot, sandbox)
    [told] = eventually(lambda: posted(sandbox, INC, contains="No issue was created"), timeout=seconds(15))
    assert "issue type" in text_of(told), text_of(told)
    asked = len(sandbox.jira.calls(method="POST", path="*/issue"))
    sandbox.command("sev 1 worse", channel=INC)
    time.sleep(1.5)
    settled(bot)
    assert not sandbox.jira.issues() and len(sandbox.jira.calls(method="POST", path="*/issue")) <= asked + 1
    assert len(posted(sandbox, INC, contains="No issue was created")) == 1


def test_a_person_jira_does_not_know(tracked, sandbox):
    bot = tracked(people="{'slack:U0BOB': nobody-of-that-name}")
    key = opened(bot, sandbox)
    sandbox.command("ic @bob", channel=INC)
    sandbox.command("title checkout is down", channel=INC)
    sandbox.jira.wait_field(key, "summary", "checkout is down", timeout=seconds(10))
    settled(bot)
    told = said(sandbox.command("sync", channel=INC))
    assert "assignee" in told or "commander" in told, told
    assert not sandbox.jira.issue(key)["assignee"]
    clean(bot)


# ---- what comes in ----

def event(key, issue, **more):
    return {"timestamp": 1, "webhookEvent": "comment_created", "issue": {"id": issue["id"], "key": key}, **more}


def test_comments_without_bodies_and_other_odd_shapes(tracked, sandbox):
    """Each is only a hint: taken, looked into, and nothing comes of it but what is truly there."""
    bot = tracked()
    sandbox.jira.settings(webhooks=[])
    key = opened(bot, sandbox)
    issue = sandbox.jira.issue(key)
    before = len(timeline(bot))
    odd = [event(key, issue, comment={"id": "999999"}), event(key, issue, comment=None),
           event(key, issue, comment={"body": None, "author": None}), event(key, issue, comment=[1, 2]),
           {"webhookEvent": "comment_created", "comment": {"id": 7, "self": "http://169.254.169.254/issue/1/comment/7"}},
           {"webhookEvent": "jira:issue_updated", "issue": {"id": issue["id"], "self": "file:///etc/passwd"}},
           {"webhookEvent": "jira:issue_updated", "issue": {"id": "99999999999999999999", "key": "../../PAY-1"}},
           {"webhookEvent": "jira:issue_updated", "issue": {"key": "NOPE-1"}}, {"webhookEvent": 5, "issue": "x"}]
    for body in odd:
        assert post(hooks_url(bot), json.dumps(body).encode(), JIRA_SECRET) == 200, body
    settled(bot)
    sandbox.jira.wait_idle(quiet_ms=300, timeout=seconds(10))
    assert len(timeline(bot)) == before
    # A comment that is empty in Jira itself.
    made = sandbox.jira.comment(key, "to be emptied", user="dave", properties=[])
    sandbox.jira.edit_comment(key, made, "", user="dave")
    assert post(hooks_url(bot), json.dumps(event(key, issue, comment={"id": made})).encode(), JIRA_SECRET) == 200
    settled(bot)
    sandbox.jira.edit(key, user="dave", summary="and it goes on")
    assert post(hooks_url(bot), json.dumps(event(key, issue)).encode(), JIRA_SECRET) == 200
    eventually(lambda: incident(bot)["title"] == "and it goes on", timeout=seconds(10))
    clean(bot)


def test_503_when_it_cannot_be_recorded(tracked, sandbox):
    """Somebody holds the store: a delivery is told to come again, and does its work then."""
    bot = tracked()
    sandbox.jira.settings(webhooks=[])
    key = opened(bot, sandbox)
    sandbox.jira.edit(key, user="dave", summary="said while the store was held")
    body = json.dumps({"webhookEvent": "jira:issue_updated", "issue": {"id": sandbox.jira.issue(key)["id"]}}).encode()
    holder = sqlite3.connect(bot.store, isolation_level=None, timeout=5)
    holder.execute("BEGIN IMMEDIATE")
    try:
        assert post(hooks_url(bot), body, JIRA_SECRET, X_Atlassian_Webhook_Identifier="one") == 503
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    assert incident(bot)["title"] != "said while the store was held"
    assert post(hooks_url(bot), body, JIRA_SECRET, X_Atlassian_Webhook_Identifier="one") == 200
    eventually(lambda: incident(bot)["title"] == "said while the store was held", timeout=seconds(10))
    clean(bot)


def test_the_token_is_nowhere(tracked, sandbox):
    """Neither in the log, nor in the store, nor before anybody's eyes, whatever Jira says."""
    bot = tracked(env={"JIRA_TOKEN": "very-secret-token"})
    sandbox.jira.settings(token="another")
    declared(bot, sandbox, settle=False)
    eventually(lambda: "does not accept" in said(sandbox.command("sync", channel=INC)), timeout=seconds(10))
    everything = bot.log() + bot.store.read_bytes().decode("latin-1") + json.dumps(sandbox.state())
    for secret in ("very-secret-token", JIRA_SECRET, "c2l0cmVwQGV4YW1wbGUuY29tOnZlcnktc2VjcmV0LXRva2Vu"):
        assert secret not in everything
    # A new one, by a restart: what waited goes.
    assert not ours(sandbox)
    bot.env["JIRA_TOKEN"] = "another"
    bot.restart()
    sandbox.command("sync --retry", channel=INC)
    eventually(lambda: ours(sandbox), timeout=seconds(20))
    settled(bot)
    assert issue_of(sandbox)["key"] in text_of(card(sandbox))
