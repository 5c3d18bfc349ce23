"""Follow-ups with the real binary: reminders before and after the day, done by a button and its form, and their issues in Jira."""

import time

import pytest

from sandbox import eventually, text_of
from steps import INC, RESOLVE, SOON, audit_whole, clean, declared, dms, posted, said, seconds, settled, timeline
from jira_steps import free_port

FAST = """
remind:
  - {at: -2s, tell: owner}
  - {at: 0, tell: owner}
  - {at: 2s, tell: channel}
again: none
"""


def ended(bot, sandbox):
    declared(bot, sandbox, "declare sev2 checkout is failing --service checkout")
    assert "is resolved" in said(sandbox.command(RESOLVE, channel=INC))
    settled(bot)


def follow_ups(bot):
    return bot.rows("SELECT * FROM followup ORDER BY id")


def done_by_form(sandbox, message, channel, **values):
    sandbox.click(user="bob", channel=channel, ts=message["ts"], text="Done")
    view = sandbox.wait_view("bob")
    return sandbox.submit(values, user="bob", view_id=view["id"])


def dm_channel(sandbox, user):
    [found] = [c["id"] for c in sandbox.state()["channels"] if c.get("is_im") and c.get("user") == f"U0{user.upper()}"]
    return found


def test_reminders_and_done_by_a_button(make_bot, sandbox):
    bot = make_bot().policy("followups.yml", FAST).start()
    ended(bot, sandbox)
    said_ = said(sandbox.command('followup alert on retries @bob in 4s --class detect --signal "the alert fires"', channel=INC))
    assert "F1 of INC-1 is noted: alert on retries" in said_
    eventually(lambda: dms(sandbox, "bob", "made you the owner of F1"), timeout=seconds(5))
    eventually(lambda: dms(sandbox, "bob", "F1 of INC-1 is to be done"), timeout=seconds(8))
    eventually(lambda: dms(sandbox, "bob", "F1 of INC-1 is due now") or dms(sandbox, "bob", "F1 of INC-1 waits"), timeout=seconds(8))
    [late] = eventually(lambda: posted(sandbox, INC, contains="F1 of INC-1 waits"), timeout=seconds(8))
    assert "overdue by" in text_of(late)
    settled(bot)
    assert len(dms(sandbox, "bob", "F1 of INC-1")) == 4  # made its owner; before, at and after the time
    [first] = dms(sandbox, "bob", "is to be done")
    answer = done_by_form(sandbox, first, dm_channel(sandbox, "bob"), text="done")
    assert "say what its signal" in str(answer["ack_payload"])
    assert follow_ups(bot)[0]["state"] == "open"
    view = sandbox.wait_view("bob")
    sandbox.submit({"text": "it fired 40 s after the first retry"}, user="bob", view_id=view["id"])
    eventually(lambda: follow_ups(bot)[0]["state"] == "done", timeout=seconds(5))
    assert follow_ups(bot)[0]["shown"] == "it fired 40 s after the first retry"
    assert timeline(bot, "follow-up F1 is done, after its due date")
    assert not bot.rows("SELECT * FROM timer WHERE name = 'followup.due'")
    assert audit_whole(bot)
    clean(bot)


def test_reminders_after_a_crash_come_once(make_bot, sandbox):
    bot = make_bot().policy("followups.yml", FAST).start()
    ended(bot, sandbox)
    sandbox.command("followup alert on retries @bob in 3s", channel=INC)
    settled(bot)
    before = len(dms(sandbox, "bob", "F1 of INC-1"))
    bot.kill()
    time.sleep(6)  # all steps come due meanwhile
    bot.start()
    [late] = eventually(lambda: posted(sandbox, INC, contains="F1 of INC-1 waits"), timeout=seconds(10))
    settled(bot)
    assert len(dms(sandbox, "bob", "F1 of INC-1")) == before + 1
    assert bot.rows("SELECT said FROM followup")[0]["said"] == 3


@pytest.fixture
def tracked(make_bot, sandbox):
    def make(kind, type_):
        sandbox.jira.settings(retry_scale=0.001)
        bot = make_bot(settings=SOON)
        return bot.with_jira("webhook", listen=f"127.0.0.1:{free_port()}", followups=kind, followup_type=type_).start()

    return make


def issue_of(bot, sandbox, slot="followup/1"):
    found = bot.rows("SELECT * FROM reference WHERE system = 'jira' AND slot = ?", slot)
    return found and found[0]["key"] and [i for i in sandbox.jira.issues() if f"jira:{i['id']}" == found[0]["key"]][0]


@pytest.mark.parametrize("kind, type_", [("issue", "Task"), ("subtask", "Sub-task")])
def test_mirrored_to_jira(tracked, sandbox, kind, type_):
    bot = tracked(kind, type_)
    ended(bot, sandbox)
    sandbox.command('followup alert on retries @bob in 2 weeks --class detect --signal "the alert fires"', channel=INC)
    issue = eventually(lambda: issue_of(bot, sandbox), timeout=seconds(15))
    key = issue["key"]
    assert issue["summary"] == "alert on retries" and issue["type"] == type_
    assert "sitrep" in issue["labels"]
    assert issue["properties"]["sitrep"]["followup"] == "F1"
    parents = bot.rows("SELECT key FROM reference WHERE system = 'jira' AND slot = 'issue'")
    if kind == "subtask":
        assert issue["parent"] and len(parents) == 1
    settled(bot)
    assert key in said(sandbox.command("followup F1", channel=INC))
    # Here → there.
    sandbox.command('followup F1 --title "alert on every retry"', channel=INC)
    sandbox.jira.wait_field(key, "summary", "alert on every retry", timeout=seconds(10))
    settled(bot)
    # Closed there: not done here; the owner is asked.
    sandbox.jira.transition(key, "Done", user="dave", force=True)
    eventually(lambda: dms(sandbox, "bob", "was closed in Jira"), timeout=seconds(15))
    settled(bot)
    assert follow_ups(bot)[0]["state"] == "open"
    assert len(dms(sandbox, "bob", "was closed in Jira")) == 1
    sandbox.jira.transition(key, "To Do", user="dave", force=True)
    settled(bot)
    # Done here: moved there, over the hops that its workflow has.
    assert "F1 is done" in said(sandbox.command("followup F1 done it fired within 40 s", user="bob", channel=INC))
    sandbox.jira.wait_status(key, "Done", timeout=seconds(15))
    settled(bot)
    assert len(dms(sandbox, "bob", "was closed in Jira")) == 1
    sandbox.command("followup F1 reopen it did not fire today", channel=INC)
    sandbox.jira.wait_status(key, "To Do", timeout=seconds(15))
    settled(bot)
    assert len([i for i in sandbox.jira.issues() if i["summary"].startswith("alert on")]) == 1
    assert audit_whole(bot)
    clean(bot)


def test_jira_is_away_and_the_answer_is_lost(tracked, sandbox):
    """Created once, after an outage and a lost answer."""
    bot = tracked("issue", "Task")
    ended(bot, sandbox)
    eventually(lambda: issue_of(bot, sandbox, "issue"), timeout=seconds(10))
    settled(bot)
    fault = sandbox.jira.fault("status", status=503)
    sandbox.command("followup alert on retries in 2 weeks", channel=INC)
    sandbox.command("followup write a runbook in 2 weeks", channel=INC)
    sandbox.command("followup F2 cancel there is one", channel=INC)
    assert len(follow_ups(bot)) == 2
    sandbox.jira.clear_fault(fault)
    eventually(lambda: issue_of(bot, sandbox), timeout=seconds(20))
    second = eventually(lambda: issue_of(bot, sandbox, "followup/2"), timeout=seconds(20))
    sandbox.jira.wait_status(second["key"], "Done", timeout=seconds(15))
    settled(bot)
    titles = [i["summary"] for i in sandbox.jira.issues() if not i["deleted"]]
    assert titles.count("alert on retries") == 1 and titles.count("write a runbook") == 1


def test_a_protected_one_stays_here(tracked, sandbox):
    bot = tracked("issue", "Task")
    declared(bot, sandbox, "declare sev1 keys leaked --security")
    number = bot.rows("SELECT id FROM incident")[0]["id"]
    sandbox.command(f"#{number} followup rotate all keys in 2 weeks")
    settled(bot)
    assert len(follow_ups(bot)) == 1
    assert not sandbox.jira.issues()
