"""What happens in Jira reaches the bot: by webhook and by relay, repeated, late, forged, with the bot away."""

import pytest

from jira_steps import free_port
from sandbox import eventually
from steps import declared, incident, seconds, timeline

SECRET = "It's a Secret to Everybody"
POLICY = """
url: {url}
flavour: cloud
user: sitrep@example.com
project: PAY
type: Incident
poll: none
pacing: false
relay_url: {relay}
"""
ENV = {"JIRA_TOKEN": "a-token", "JIRA_WEBHOOK_SECRET": SECRET, "JIRA_RELAY_TOKEN": "relay-token"}


@pytest.fixture
def jira(sandbox):
    return sandbox.jira


@pytest.fixture
def by_webhook(make_bot, sandbox, jira):
    port = free_port()
    jira.settings(flavour="cloud", retry_scale=0.001, webhook={
        "url": f"http://127.0.0.1:{port}/webhooks/jira", "secret": SECRET, "name": "incidents"})
    bot = make_bot(env=ENV, settings={"http.listen": f"127.0.0.1:{port}"})
    bot.policy("jira.yml", POLICY.format(url=jira.url, relay=""))
    return bot.start()


@pytest.fixture
def by_relay(make_bot, sandbox, jira):
    jira.settings(flavour="cloud", relay=True, relay_token="relay-token", relay_secret=SECRET,
                  relay_ack_ms=3000, relay_retry_ms=100)
    bot = make_bot(env=ENV)
    bot.policy("jira.yml", POLICY.format(url=jira.url, relay=jira.relay_url))
    bot.start()
    jira.wait_relay()
    return bot


def opened(bot, sandbox):
    """An incident and its issue, both at rest."""
    declared(bot, sandbox)
    issue = sandbox.jira.wait_issue(project="PAY", label="sitrep")
    eventually(lambda: bot.rows("SELECT id FROM reference WHERE system = 'jira' AND synced LIKE '%PAY-%'"),
               timeout=seconds(10))
    sandbox.jira.wait_idle(500)
    return issue["key"]


def title_is(bot, title):
    eventually(lambda: incident(bot)["title"] == title, timeout=seconds(10))


def statuses(jira, target, **which):
    return [d["status"] for d in jira.deliveries(target=target, **which)]


def test_a_change_comes_by_webhook(by_webhook, sandbox, jira):
    key = opened(by_webhook, sandbox)
    jira.edit(key, user="bob", summary="Payments fail for all")
    title_is(by_webhook, "Payments fail for all")
    jira.comment(key, "rolled back the gateway", user="bob")
    eventually(lambda: timeline(by_webhook, "rolled back the gateway"), timeout=seconds(10))
    jira.wait_idle(500)
    http = [d for d in jira.deliveries() if d["target"] != "relay"]
    assert http and all(d["status"] == 200 for d in http), http


def test_a_change_comes_by_relay(by_relay, sandbox, jira):
    key = opened(by_relay, sandbox)
    jira.edit(key, user="bob", summary="Payments fail for all")
    title_is(by_relay, "Payments fail for all")
    jira.wait_idle(500)
    assert set(statuses(jira, "relay")) == {200}
    link = [one for one in jira.relay()["connections"] if one["ready"]][0]
    assert link["answers"] == link["sent"] and link.get("text", 0) == 0 and not link.get("unknown_answers")


def test_what_old_servers_leave_out(by_relay, sandbox, jira):
    key = opened(by_relay, sandbox)
    jira.settings(shapes=dict.fromkeys(("comment_without_issue", "comment_without_user", "double_comment_events",
                                        "no_event_type_name", "no_changelog", "no_user"), True))
    jira.comment(key, "rolled back the gateway", user="bob")
    eventually(lambda: timeline(by_relay, "rolled back the gateway"), timeout=seconds(10))
    jira.edit(key, user="bob", summary="Payments fail for all")
    title_is(by_relay, "Payments fail for all")
    moved = jira.move(key, "OPS", user="bob")
    jira.edit(moved["key"], user="bob", summary="Payments fail for some")
    title_is(by_relay, "Payments fail for some")
    jira.wait_idle(500)
    assert len(timeline(by_relay, "rolled back the gateway")) == 1
    assert set(statuses(jira, "relay")) == {200}


@pytest.mark.parametrize("kind", ["relay_drop", "relay_half_dead"])
def test_the_relay_comes_back(by_relay, sandbox, jira, kind):
    key = opened(by_relay, sandbox)
    jira.fault(kind, for_ms=1000)
    jira.edit(key, user="bob", summary="Changed while nobody listened")
    title_is(by_relay, "Changed while nobody listened")


@pytest.mark.parametrize("hard", [False, True])
def test_what_came_while_the_bot_was_away(by_relay, sandbox, jira, hard):
    key = opened(by_relay, sandbox)
    jira.fault("relay_ignore_answer", count=1)
    jira.edit(key, user="bob", summary="Before the end")
    by_relay.kill() if hard else by_relay.stop()
    jira.edit(key, user="bob", summary="While it was away")
    by_relay.start()
    title_is(by_relay, "While it was away")
    eventually(lambda: set(statuses(jira, "relay")) == {200}, timeout=seconds(10))


def test_answers_that_are_lost_are_given_again(by_relay, sandbox, jira):
    key = opened(by_relay, sandbox)
    jira.fault("relay_ignore_answer", count=2)
    jira.settings(relay_ack_ms=300)
    jira.edit(key, user="bob", summary="Told more than once")
    title_is(by_relay, "Told more than once")
    eventually(lambda: set(statuses(jira, "relay")) == {200}, timeout=seconds(10))
    jira.wait_idle(500)
    assert len(timeline(by_relay, "Told more than once")) == 1


def test_what_nobody_signed_changes_nothing(by_webhook, sandbox, jira):
    key = opened(by_webhook, sandbox)
    reads = len(jira.calls(method="GET", issue=key))
    jira.fault("hook_wrong_signature", count=1)
    jira.edit(key, user="bob", summary="By somebody else")
    eventually(lambda: 401 in [d["status"] for d in jira.deliveries()], timeout=seconds(10))
    jira.wait_idle(500)
    assert len(jira.calls(method="GET", issue=key)) == reads
    assert incident(by_webhook)["title"] != "By somebody else"


def test_a_repeated_delivery_is_known(by_webhook, sandbox, jira):
    key = opened(by_webhook, sandbox)
    jira.edit(key, user="bob", summary="Once is enough")
    title_is(by_webhook, "Once is enough")
    jira.wait_idle(500)
    reads = len(jira.calls(method="GET", issue=key))
    for _ in range(5):
        jira.redeliver(last=1)
    jira.wait_idle(500)
    assert len(jira.calls(method="GET", issue=key)) == reads
    assert all(d["status"] == 200 for d in jira.deliveries() if d["target"] != "relay")


def test_a_token_that_is_refused_is_not_hammered(make_bot, sandbox, jira):
    jira.settings(flavour="cloud", relay_token="another")
    bot = make_bot(env=ENV)
    bot.policy("jira.yml", POLICY.format(url=jira.url, relay=jira.relay_url))
    bot.start()
    eventually(lambda: "does not take us" in bot.log(), timeout=seconds(10))
    declared(bot, sandbox)
    assert bot.log().count("does not take us") == 1
    assert "relay-token" not in bot.log() and SECRET not in bot.log()
