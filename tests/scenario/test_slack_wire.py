"""Slack at its worst: everything that PROTOCOLS calls a fault, and what people still get done meanwhile."""

import base64
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot import SLOWNESS
from sandbox import eventually, text_of

INC = "inc-1-checkout-is-failing"
DECLARE = "declare sev2 checkout is failing"


def declare(sandbox, **more):
    done = sandbox.command(DECLARE, **more)
    assert done["acked"], done
    return done


def posted(sandbox, channel, contains):
    """Messages of the channel itself, without those in threads."""
    return [m for m in sandbox.messages(channel, contains) if m.get("thread_ts") in (None, m["ts"])]


def wait_card(sandbox, seconds=20):
    return sandbox.wait_message(channel=INC, contains="INC-1", timeout=seconds * SLOWNESS)


def ask_for(sandbox, seconds):
    """Types commands for so long; none may find no connection, and each must be answered on the one it came by. Slack
    waits as long as it really does: what comes a little late on a busy machine is no gap."""
    done = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        done.append(sandbox.command("whoami"))
    assert not [one for one in done if one["failed"] or not one["acked"]]
    eventually(lambda: len([e for e in sandbox.ephemerals("alice") if "alice" in text_of(e)]) == len(done))


# ---- connections ----

def test_a_refresh_leaves_no_gap(bot, sandbox):
    old = sandbox.connections()["connections"][-1]["id"]
    sandbox.fault("disconnect", reason="refresh_requested", close_after_ms=1500)
    ask_for(sandbox, 2.5)
    sandbox.wait_connected(1)
    left = [c for c in sandbox.connections()["connections"] if not c["closed"]]
    assert [c["id"] for c in left] != [old] and len(left) == 1


def test_commands_in_flight_at_the_refresh_are_acked_on_their_own_socket(make_bot, sandbox):
    make_bot(settings={"slack.connections": "2"}).start()
    sandbox.wait_connected(2)
    sandbox.settings(choose="round_robin")
    sandbox.fault("disconnect", reason="warning", connection="oldest", close_after_ms=1000)
    ask_for(sandbox, 1.5)
    assert not [a for a in sandbox.acks()["acks"] if a["counted_as"] == "wrong_socket_acks"]


def test_a_half_dead_connection_is_noticed_and_replaced(bot, sandbox):
    first = {c["id"] for c in sandbox.connections()["connections"]}
    sandbox.fault("half_dead")
    eventually(lambda: {c["id"] for c in sandbox.connections()["connections"] if c["ready"]} - first,
               timeout=30 * SLOWNESS)
    sandbox.settings(choose="newest")
    assert sandbox.command("whoami")["acked"]


def test_a_refresh_while_another_connection_is_refused_leaves_no_gap(make_bot, sandbox):
    make_bot(settings={"slack.connections": "2"}).start()
    sandbox.wait_connected(2)
    sandbox.fault("disconnect", reason="too_many_websockets", connection="newest")
    time.sleep(0.5)
    sandbox.fault("disconnect", reason="refresh_requested", close_after_ms=1500)
    ask_for(sandbox, 3)


@pytest.mark.parametrize("kind", ["no_pongs", "linger"])
def test_other_half_dead_ways(bot, sandbox, kind):
    first = {c["id"] for c in sandbox.connections()["connections"]}
    sandbox.fault(kind)
    if kind == "linger":
        sandbox.fault("disconnect", reason="warning", close_after_ms=500)
    eventually(lambda: {c["id"] for c in sandbox.connections()["connections"] if c["ready"]} - first,
               timeout=30 * SLOWNESS)
    sandbox.clear_fault()
    sandbox.settings(choose="newest")
    assert sandbox.command("whoami")["acked"]


def test_a_dropped_connection_is_back_within_a_second_or_two(bot, sandbox):
    sandbox.fault("drop")
    sandbox.wait_connected(1, timeout=5 * SLOWNESS)
    assert sandbox.command("whoami")["acked"]


@pytest.mark.parametrize("kind", ["no_hello", "refuse_upgrade", "stall_upgrade"])
def test_a_connection_that_never_says_hello_is_given_up(make_bot, sandbox, kind):
    sandbox.fault(kind, count=1)
    make_bot().start(timeout=30)
    assert sandbox.command("whoami")["acked"]


def test_a_bad_token_is_said_once_and_not_hammered(make_bot, sandbox):
    sandbox.fault("error", method="apps.connections.open", error="invalid_auth")
    bot = make_bot().start(connected=False)
    sandbox.wait_call("apps.connections.open")
    time.sleep(4)
    assert len(sandbox.calls("apps.connections.open")) == 1
    assert bot.log().count("level=error area=slack msg=\"no connection") == 1
    assert bot.ctl("whoami")["ok"]


def test_socket_mode_switched_off_is_said_and_not_hammered(bot, sandbox):
    before = len(sandbox.calls("apps.connections.open"))
    sandbox.fault("disconnect", reason="link_disabled")
    time.sleep(3)
    assert len(sandbox.calls("apps.connections.open")) == before
    assert "switched off" in bot.log()


def test_somebody_else_on_the_same_token_is_warned_of_once(make_bot, sandbox):
    sandbox.fault("num_connections", value=3)
    bot = make_bot().start()
    sandbox.fault("drop")
    sandbox.wait_connected(1, timeout=5 * SLOWNESS)
    eventually(lambda: "something else uses the same app token" in bot.log())
    assert bot.log().count("something else uses the same app token") == 1


# ---- deliveries ----

@pytest.mark.parametrize("new_envelope_id", [False, True])
def test_a_command_delivered_twice_is_done_once(bot, sandbox, new_envelope_id):
    declare(sandbox)
    again = sandbox.redeliver(last=1, new_envelope_id=new_envelope_id, wait_ms=3000)
    assert all(e["ack"] for e in again)
    wait_card(sandbox)
    assert len(bot.rows("SELECT id FROM incident")) == 1


BAD_FRAMES = {
    "nothing": b"",
    "no JSON": b"{{{{",
    "cut off": b'{"envelope_id":"e-1","type":"slash_commands","payl',
    "an array": b"[1,2,3]",
    "a number": b"42",
    "deeply nested": b'{"envelope_id":"e-2","type":"slash_commands","payload":' + b"[" * 90000 + b"]" * 90000 + b"}",
    "duplicate keys": b'{"envelope_id":"e-3","envelope_id":"e-4","type":"slash_commands","payload":{}}',
    "payload is a string": b'{"envelope_id":"e-5","type":"slash_commands","payload":"text"}',
    "payload is missing": b'{"envelope_id":"e-6","type":"interactive"}',
    "wrong types": b'{"envelope_id":"e-7","type":"slash_commands","payload":{"user_id":7,"text":[],"channel_id":{}}}',
    "the id is a number": b'{"envelope_id":8,"type":"slash_commands","payload":{"user_id":"U0ALICE"}}',
    "unknown type": b'{"envelope_id":"e-9","type":"tomorrow","payload":{}}',
    "no type": b'{"envelope_id":"e-10","payload":{}}',
    "not UTF-8": b'{"envelope_id":"e-11","type":"slash_commands","payload":{"text":"\xff\xfe"}}',
    "a NUL in a text": b'{"envelope_id":"e-12","type":"slash_commands","payload":{"user_id":"U0ALICE","text":"a\\u0000b"}}',
    "too long": b'{"envelope_id":"e-13","type":"slash_commands","payload":{"text":"' + b"x" * (3 << 20) + b'"}}',
    "an unheard-of interaction": b'{"envelope_id":"e-14","type":"interactive","payload":{"type":"x","user":{"id":"U0ALICE"}}}',
    "an id that is no id": b'{"envelope_id":"e-15","type":"slash_commands","payload":{"user_id":"../../etc","text":"list"}}',
}


@pytest.mark.parametrize("name", BAD_FRAMES)
def test_a_bad_frame_costs_itself_only(bot, sandbox, name):
    connection = [c["id"] for c in sandbox.connections()["connections"] if c["ready"] and not c["closed"]]
    sandbox.raw(base64=base64.b64encode(BAD_FRAMES[name]).decode())
    assert sandbox.command("whoami")["acked"]
    now = [c["id"] for c in sandbox.connections()["connections"] if c["ready"] and not c["closed"]]
    assert now == connection
    assert bot.running


def test_a_command_that_cannot_be_read_is_answered_that_nothing_was_done(bot, sandbox):
    sandbox.raw(text='{"envelope_id":"e-20","type":"slash_commands","payload":{"user_id":"U0ALICE","text":7}}')
    found = eventually(lambda: [a for a in sandbox.acks()["acks"] if a["envelope_id"] == "e-20"])
    assert "nothing was done" in found[0]["payload"]["text"]


def test_a_command_of_forty_thousand_characters_is_answered(bot, sandbox):
    done = sandbox.command("declare sev2 " + "x" * 40000)
    assert done["acked"] and bot.running


# ---- the Web API ----

AMBIGUOUS = ["lost_answer", "garbage_body", "truncated_json", "not_utf8", "duplicate_keys", "deep_json",
             "oversized_body"]


@pytest.mark.parametrize("kind", AMBIGUOUS)
def test_a_post_whose_answer_is_lost_is_there_once(bot, sandbox, kind):
    more = {} if kind == "lost_answer" else {"after": True}
    sandbox.fault(kind, method="chat.postMessage", channel="incidents", count=1, **more)
    declare(sandbox)
    wait_card(sandbox)
    eventually(lambda: bot.rows("SELECT 1 FROM reference WHERE slot = 'announcement'"), timeout=20 * SLOWNESS)
    assert len(posted(sandbox, "incidents", "checkout is failing")) == 1


def test_a_post_that_never_arrived_is_posted(bot, sandbox):
    sandbox.fault("lost_request", method="chat.postMessage", channel="incidents", count=1)
    declare(sandbox)
    sandbox.wait_message(channel="incidents", contains="checkout is failing", timeout=20 * SLOWNESS)
    eventually(lambda: bot.rows("SELECT 1 FROM reference WHERE slot = 'announcement'"), timeout=20 * SLOWNESS)
    assert len(posted(sandbox, "incidents", "checkout is failing")) == 1


@pytest.mark.parametrize("kind", ["lost_answer", "garbage_body"])
def test_a_channel_whose_making_was_lost_is_adopted(bot, sandbox, kind):
    more = {} if kind == "lost_answer" else {"after": True}
    sandbox.fault(kind, method="conversations.create", count=1, **more)
    declare(sandbox)
    wait_card(sandbox)
    assert len([c for c in sandbox.state()["channels"] if c["name"].startswith("inc-")]) == 1


def test_a_channel_name_that_others_took_gets_a_number(bot, sandbox):
    sandbox.fault("error", method="conversations.create", error="name_taken", count=1)
    declare(sandbox)
    sandbox.wait_channel(contains=INC + "-2", timeout=10 * SLOWNESS)


def test_blocks_that_slack_does_not_take_go_out_as_their_text(bot, sandbox):
    sandbox.fault("error", method="chat.postMessage", channel="incidents", error="msg_blocks_too_long", count=1)
    declare(sandbox)
    card = wait_card(sandbox)
    sandbox.wait_message(channel="incidents", contains="checkout is failing", timeout=10 * SLOWNESS)
    sandbox.fault("error", method="chat.update", error="invalid_blocks", count=1)
    sandbox.command("update found it. in 20m", channel=INC)
    eventually(lambda: [m for m in sandbox.messages(INC) if m["ts"] == card["ts"] and m.get("edited")],
               timeout=10 * SLOWNESS)


def test_an_announcement_channel_that_is_not_there_is_said_once_and_searched_for_once(make_bot, sandbox):
    bot = make_bot(settings={"slack.announce_channel": "#nowhere"}).start()
    sandbox.fault("delay_ms", method="conversations.list", delay_ms=3000)
    for n in range(8):
        assert sandbox.command(f"declare sev4 number {n}")["acked"]
    sandbox.wait_call("conversations.list", timeout=10 * SLOWNESS)
    eventually(lambda: "there is no channel #nowhere" in bot.log())
    sandbox.wait_idle()
    assert len(sandbox.calls("conversations.list")) == 1
    assert bot.log().count("level=error area=slack msg=\"there is no channel #nowhere") == 1


def test_the_announcement_channel_may_have_to_be_joined(make_bot, sandbox):
    sandbox.fault("error", method="chat.postMessage", channel="incidents", error="not_in_channel", count=1)
    make_bot().start()
    declare(sandbox)
    sandbox.wait_message(channel="incidents", contains="checkout is failing", timeout=10 * SLOWNESS)
    assert sandbox.calls("conversations.join")


def test_retry_after_is_honoured(bot, sandbox):
    declare(sandbox)
    wait_card(sandbox)
    sandbox.wait_idle()
    sandbox.fault("status", method="chat.postMessage", status=429, retry_after=3, count=1)
    sandbox.command("update found it. in 20m", channel=INC)
    eventually(lambda: [c for c in sandbox.calls("chat.postMessage") if not c["ok"]])
    time.sleep(0.3)
    assert sandbox.command("declare sev4 another one")["acked"]
    sandbox.wait_message(channel=INC, contains="found it", timeout=20 * SLOWNESS)
    sandbox.wait_message(channel="incidents", contains="another one", timeout=20 * SLOWNESS)
    calls = sandbox.calls("chat.postMessage")
    refused = [c for c in calls if not c["ok"]]
    assert len(refused) == 1
    # What was on its way already may arrive; then nothing more of that method until the time is over.
    assert not [c for c in calls if 0.2 < c["at"] - refused[0]["at"] < 2.9]


def test_real_rates_are_never_exceeded(make_bot, sandbox):
    sandbox.settings(rates="real")
    make_bot(settings={"slack.pacing": "true"}).start()
    declare(sandbox)
    wait_card(sandbox)
    for n in range(8):
        sandbox.command(f"update rolling back, step {n}. in 20m", channel=INC)
    eventually(lambda: posted(sandbox, INC, "step 7"), timeout=40 * SLOWNESS)
    assert not [c for c in sandbox.calls() if c["error"] == "ratelimited"]


@pytest.mark.parametrize("settings", [
    {"missing_scopes": ["pins:write", "bookmarks:write", "channels:write.topic", "channels:history", "users:read"]},
    {"missing_methods": ["pins.add", "bookmarks.add", "conversations.setTopic", "users.info", "chat.getPermalink"]},
])
def test_what_the_workspace_lacks_costs_that_nicety_only(bot, sandbox, settings):
    sandbox.settings(**settings)
    declare(sandbox)
    wait_card(sandbox)
    assert sandbox.command("update found it. in 20m", channel=INC)["acked"]
    sandbox.wait_message(channel=INC, contains="found it", timeout=20 * SLOWNESS)
    sandbox.wait_message(channel="incidents", contains="checkout is failing", timeout=20 * SLOWNESS)
    assert bot.log().count("pins.add is not available") == 1


def test_while_slack_answers_nothing_the_record_goes_on_and_is_delivered_later(bot, sandbox):
    fault = sandbox.fault("status", method="chat.*", status=503)
    more = sandbox.fault("status", method="conversations.*", status=503)
    declare(sandbox)
    assert sandbox.command("#1 update found it. in 20m")["acked"]
    time.sleep(1)
    assert not posted(sandbox, "incidents", "checkout is failing")
    sandbox.clear_fault(fault)
    sandbox.clear_fault(more)
    sandbox.wait_message(channel=INC, contains="found it", timeout=60 * SLOWNESS)
    assert len(posted(sandbox, "incidents", "checkout is failing")) == 1


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("method", ["conversations.create", "chat.postMessage", "chat.getPermalink"])
def test_an_end_in_the_middle_of_a_call_leaves_one_of_each(bot, sandbox, method, hard):
    fault = sandbox.fault("slow_drip", method=method, bytes=1, every_ms=200)
    declare(sandbox)
    sandbox.wait_call(method)
    time.sleep(0.3)
    if hard:
        bot.kill()
    else:
        assert bot.stop() == 0, bot.log()
        assert "Sanitizer" not in bot.log(), bot.log()
    sandbox.clear_fault(fault)
    bot.start()
    wait_card(sandbox, 30)
    sandbox.wait_message(channel="incidents", contains="checkout is failing", timeout=30 * SLOWNESS)
    eventually(lambda: not bot.rows("SELECT 1 FROM effect WHERE state NOT IN ('delivered', 'dropped')"),
               timeout=30 * SLOWNESS)
    assert len([c for c in sandbox.state()["channels"] if (c["name"] or "").startswith("inc-")]) == 1
    assert len(posted(sandbox, "incidents", "checkout is failing")) == 1
    assert len([m for m in posted(sandbox, INC, "INC-1") if m.get("blocks")]) == 1


# ---- forms and other front ends ----

def test_a_form_that_cannot_open_is_said_with_the_line_that_does_the_same(bot, sandbox):
    sandbox.fault("error", method="views.open", error="expired_trigger_id")
    assert sandbox.command("declare")["acked"]
    said = sandbox.wait_ephemeral("alice", contains="/inc declare")
    assert "nothing was done" in text_of(said)


def test_a_form_declares_and_says_so_where_it_was_asked_for(bot, sandbox):
    sandbox.command("declare", channel="random")
    view = sandbox.wait_view("alice")
    fields = [b["block_id"] for b in view["blocks"] if b["type"] == "input"]
    values = {"severity": "sev2", "title": "checkout is failing"}
    assert set(values) <= set(fields)
    wrong = sandbox.submit({**values, "since": "the day before never"})
    assert wrong["ack_payload"]["response_action"] == "errors"
    assert list(wrong["ack_payload"]["errors"]) == ["since"]
    assert sandbox.submit({**values, "since": ""})["acked"]
    said = sandbox.wait_ephemeral("alice", contains="INC-1 is open")
    assert said["channel"] == "C0RANDOM"
    assert not sandbox.views("alice")


def test_a_button_whose_response_url_is_down_is_answered_in_the_channel(bot, sandbox):
    declare(sandbox)
    card = wait_card(sandbox)
    sandbox.fault("status", method="response_url", status=404)
    sandbox.join("bob", INC)
    sandbox.click(user="bob", channel=INC, ts=card["ts"], text="Timeline")
    sandbox.wait_ephemeral("bob", contains="Timeline of INC-1")


def test_a_pin_puts_a_message_on_the_timeline_once(bot, sandbox):
    declare(sandbox)
    wait_card(sandbox)
    said = sandbox.say("the deploy of v2.31 began at 14:02", channel=INC)
    thread = sandbox.say("and nobody told us", channel=INC, thread_ts=said["ts"])
    for ts in (said["ts"], thread["ts"]):
        sandbox.react(ts, channel=INC)
        sandbox.react(ts, channel=INC, user="alice", remove=True)
        sandbox.react(ts, channel=INC)

    def entries(text):
        return bot.rows("SELECT * FROM timeline WHERE text LIKE ?", f"%{text}%")

    eventually(lambda: entries("v2.31") and entries("nobody told us"))
    time.sleep(0.5)
    assert len(entries("v2.31")) == 1 and len(entries("nobody told us")) == 1


def test_the_message_shortcut_does_what_the_pin_does(bot, sandbox):
    declare(sandbox)
    wait_card(sandbox)
    said = sandbox.say("traffic doubled at noon", channel=INC)
    assert sandbox.shortcut("timeline_add", channel=INC, ts=said["ts"])["acked"]
    eventually(lambda: bot.rows("SELECT 1 FROM timeline WHERE text LIKE '%doubled at noon%'"))


def test_the_global_shortcut_declares_and_answers_privately(bot, sandbox):
    assert sandbox.shortcut("declare")["acked"]
    sandbox.wait_view("alice")
    assert sandbox.submit({"severity": "sev2", "title": "checkout is failing"})["acked"]
    eventually(lambda: [c for c in sandbox.calls("chat.postMessage") if c["ok"] and c["args"]["channel"] == "U0ALICE"])


def test_the_home_tab_is_made_when_it_is_opened(bot, sandbox):
    declare(sandbox)
    sandbox.home("alice")
    sandbox.wait("home", 10 * SLOWNESS, user="alice")
    assert not [c for c in sandbox.calls("views.publish") if not c["ok"]]


def test_a_full_queue_stops_the_reading_and_loses_nothing(make_bot, sandbox):
    bot = make_bot(settings={"limits.queue": "16", "limits.batch": "1"}).start()
    with ThreadPoolExecutor(64) as pool:
        done = list(pool.map(lambda n: sandbox.command(f"declare sev4 number {n}"), range(200)))
    assert all(one["acked"] for one in done)
    assert len(bot.rows("SELECT id FROM incident")) == 200


def test_everything_delivered_twice_is_done_once(bot, sandbox):
    sandbox.fault("redeliver_all", delay_ms=5, new_envelope_id=True)
    for n in range(10):
        assert sandbox.command(f"declare sev4 number {n}")["acked"]
    sandbox.wait_idle()
    assert len(bot.rows("SELECT id FROM incident")) == 10
