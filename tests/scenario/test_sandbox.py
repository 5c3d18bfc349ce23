"""The sandbox itself, against a small fake app: its limits, its deliveries, every fault it can play."""

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from fake_app import APP_TOKEN, BOT_TOKEN, OPENER, FakeApp, call
from sandbox import Sandbox, SandboxError, eventually, text_of

INCIDENTS = "C0INCIDENTS"


def plain(text):
    return {"type": "plain_text", "text": text}


def mrkdwn(text):
    return {"type": "mrkdwn", "text": text}


def section(text="x"):
    return {"type": "section", "text": mrkdwn(text)}


def button(text="Go", action_id="go", **more):
    return {"type": "button", "text": plain(text), "action_id": action_id, **more}


def actions(*elements):
    return {"type": "actions", "elements": list(elements)}


def modal(*blocks, **more):
    return {"type": "modal", "title": plain("A form"), "submit": plain("Send"), "blocks": list(blocks), **more}


def field(block_id="title", **element):
    return {"type": "input", "block_id": block_id, "label": plain(block_id),
            "element": {"type": "plain_text_input", "action_id": "value", **element}}


@pytest.fixture
def connect(sandbox):
    """Fake apps that are closed at the end."""
    made = []

    def open_one(*args, **more):
        made.append(FakeApp(sandbox, *args, **more))
        return made[-1]

    yield open_one
    for app in made:
        app.close()


def post(sandbox, text="hello", **more):
    return call(sandbox, "chat.postMessage", channel=INCIDENTS, text=text, **more)


# ---- the process ----

def test_starts_and_ends_at_once():
    sandbox = Sandbox().start()
    app = FakeApp(sandbox)
    started = time.monotonic()
    assert sandbox.stop() == 0
    assert time.monotonic() - started < 2
    app.wait_for(app.ended.is_set)


def test_listens_on_loopback_only():
    import subprocess
    from sandbox import FOLDER, PYTHON
    done = subprocess.run([PYTHON, str(FOLDER), "--host", "0.0.0.0"], capture_output=True, text=True, timeout=20,
                          check=False)
    assert done.returncode == 2 and "loopback" in done.stderr


def test_reset_begins_anew(sandbox):
    post(sandbox)
    sandbox.fault("delay_ms", delay_ms=1)
    sandbox.reset()
    assert sandbox.messages("incidents") == [] and sandbox.faults() == []


# ---- tokens and arguments ----

@pytest.mark.parametrize("token, method, error", [
    (None, "auth.test", "not_authed"),
    ("nonsense", "auth.test", "invalid_auth"),
    (APP_TOKEN, "chat.postMessage", "not_allowed_token_type"),
    (BOT_TOKEN, "apps.connections.open", "not_allowed_token_type"),
    ("xoxp-1-abc", "chat.postMessage", "not_allowed_token_type"),
])
def test_tokens(sandbox, token, method, error):
    assert call(sandbox, method, token)["error"] == error


def test_unknown_method(sandbox):
    assert call(sandbox, "chat.shout")["error"] == "unknown_method"


def test_forms_carry_blocks_as_json(sandbox):
    said = call(sandbox, "chat.postMessage", form={"channel": INCIDENTS, "text": "t",
                                                   "blocks": json.dumps([section("in a form")])})
    assert said["message"]["blocks"][0]["text"]["text"] == "in a form"


def test_reading_methods_do_not_read_json(sandbox):
    assert call(sandbox, "users.info", user="U0ALICE")["error"] == "user_not_found"
    assert call(sandbox, "users.info", form={"user": "U0ALICE"})["user"]["tz"] == "Europe/Berlin"


def test_scopes_are_named_on_answers(sandbox):
    _, headers, _ = call(sandbox, "auth.test", raw=True)
    assert "chat:write" in headers["x-oauth-scopes"].split(",")
    sandbox.settings(missing_scopes=["pins:write"])
    ts = post(sandbox)["ts"]
    said = call(sandbox, "pins.add", channel=INCIDENTS, timestamp=ts)
    assert said["error"] == "missing_scope" and said["needed"] == "pins:write"
    assert "pins:write" not in said["provided"]


def test_a_workspace_may_lack_a_method(sandbox):
    sandbox.settings(missing_methods=["bookmarks.add"])
    assert call(sandbox, "bookmarks.add", channel_id=INCIDENTS)["error"] == "unknown_method"


# ---- messages ----

def test_a_message_is_kept_as_sent(sandbox):
    said = post(sandbox, "a &amp; b <!date^0^{time}|x>", blocks=[section()])
    assert sandbox.calls("chat.postMessage")[0]["args"]["blocks"] == [section()], "the call is kept without our ids"
    kept = sandbox.messages("incidents")[0]
    assert kept["blocks"][0]["block_id"]
    assert kept["text"] == "a &amp; b <!date^0^{time}|x>" and kept["ts"] == said["ts"]


def test_metadata_is_given_only_when_asked_for(sandbox):
    metadata = {"event_type": "sitrep_op", "event_payload": {"op_id": "1"}}
    post(sandbox, metadata=metadata)
    form = {"channel": INCIDENTS}
    assert "metadata" not in call(sandbox, "conversations.history", form=form)["messages"][0]
    form["include_all_metadata"] = "true"
    assert call(sandbox, "conversations.history", form=form)["messages"][0]["metadata"] == metadata


@pytest.mark.parametrize("metadata", [{"event_type": "x"}, {"event_type": 1, "event_payload": {}}, "x",
                                      {"event_type": "x", "event_payload": {}, "more": 1}])
def test_bad_metadata(sandbox, metadata):
    assert post(sandbox, metadata=metadata)["error"].startswith("invalid_metadata")


@pytest.mark.parametrize("args, error", [
    ({"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
    ({"channel": INCIDENTS, "text": "  "}, "no_text"),
    ({"text": "x"}, "invalid_arguments"),
    ({"channel": INCIDENTS, "text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
    ({"channel": INCIDENTS, "text": "x", "blocks": {"type": "section"}}, "invalid_blocks_format"),
    ({"channel": INCIDENTS, "text": "x", "blocks": [section("x" * 2900)] * 5}, "msg_blocks_too_long"),
])
def test_refused_posts(sandbox, args, error):
    assert call(sandbox, "chat.postMessage", **args)["error"] == error
    assert sandbox.messages("incidents") == []


def test_long_texts_are_cut(sandbox):
    said = post(sandbox, "x" * 40001)
    assert said["ok"] and said["warning"] == "message_truncated"
    assert len(sandbox.messages("incidents")[0]["text"]) == 40000


def test_posting_by_name(sandbox):
    assert call(sandbox, "chat.postMessage", channel="#incidents", text="x")["channel"] == INCIDENTS
    assert call(sandbox, "pins.add", channel="#incidents", timestamp="1.0")["error"] == "channel_not_found"


def test_update_without_blocks_removes_them(sandbox):
    ts = post(sandbox, blocks=[section()])["ts"]
    call(sandbox, "chat.update", channel=INCIDENTS, ts=ts, text="only text")
    kept = sandbox.messages("incidents")[0]
    assert kept["text"] == "only text" and "blocks" not in kept and kept["edited"]


def test_update_has_limits(sandbox):
    ts = post(sandbox)["ts"]
    theirs = sandbox.say("mine", channel="incidents")["ts"]
    ephemeral = call(sandbox, "chat.postEphemeral", channel=INCIDENTS, user="U0ALICE", text="psst")["message_ts"]

    def update(ts, text="x"):
        return call(sandbox, "chat.update", channel=INCIDENTS, ts=ts, text=text).get("error")

    assert update(ts, "x" * 4000) is None
    assert update(ts, "x" * 4001) == "msg_too_long"
    assert update("1.000001") == "message_not_found"
    assert update(theirs) == "cant_update_message"
    assert update(ephemeral) == "cant_update_message"


def test_threads(sandbox):
    parent = post(sandbox)["ts"]
    reply = post(sandbox, "reply", thread_ts=parent)["ts"]
    found = call(sandbox, "conversations.replies", form={"channel": INCIDENTS, "ts": parent})["messages"]
    assert [m["ts"] for m in found] == [parent, reply] and found[0]["reply_count"] == 1
    top = call(sandbox, "conversations.history", form={"channel": INCIDENTS})["messages"]
    assert [m["ts"] for m in top] == [parent]


def test_history_pages_and_bounds(sandbox):
    stamps = [post(sandbox, str(n))["ts"] for n in range(5)]
    first = call(sandbox, "conversations.history", form={"channel": INCIDENTS, "limit": 2})
    assert [m["ts"] for m in first["messages"]] == stamps[:2:-1] and first["has_more"]
    second = call(sandbox, "conversations.history", form={"channel": INCIDENTS, "limit": 2,
                                                          "cursor": first["response_metadata"]["next_cursor"]})
    assert [m["ts"] for m in second["messages"]] == stamps[2:0:-1]
    later = call(sandbox, "conversations.history", form={"channel": INCIDENTS, "oldest": stamps[3]})
    assert [m["ts"] for m in later["messages"]] == [stamps[4]]


# ---- Block Kit ----

LONG = "x" * 256


@pytest.mark.parametrize("blocks, complaint", [
    ([section("x" * 3001)], "less than 3001"),
    ([section("")], "/blocks/0/text/text"),
    ([{"type": "section"}], "text or fields"),
    ([{"type": "section", "fields": [mrkdwn("x")] * 11}], "no more than 10"),
    ([{"type": "section", "fields": [mrkdwn("x" * 2001)]}], "less than 2001"),
    ([{"type": "header", "text": plain("x" * 151)}], "less than 151"),
    ([{"type": "header", "text": mrkdwn("x")}], "must be one of: plain_text"),
    ([{"type": "context", "elements": [mrkdwn("x")] * 11}], "no more than 10"),
    ([actions(*[button(action_id=f"a{n}") for n in range(26)])], "no more than 25"),
    ([actions()], "at least one"),
    ([actions(button("x" * 76))], "less than 76"),
    ([actions(button(value="x" * 2001))], "less than 2001"),
    ([actions(button(style="loud"))], "must be one of: primary, danger"),
    ([actions(button(action_id=LONG))], "less than 256"),
    ([actions(button(), button())], "`action_id` must be unique"),
    ([{**section(), "block_id": "a"}, {**section(), "block_id": "a"}], "`block_id` must be unique"),
    ([{**section(), "block_id": LONG}], "less than 256"),
    ([section()] * 51, "no more than 50"),
    ([{"type": "marquee"}], "unsupported type"),
    ([{**section(), "colour": "red"}], "invalid additional property: colour"),
    ([actions({"type": "plain_text_input", "action_id": "a"})], "unsupported type"),
    ([actions({"type": "static_select", "action_id": "a", "options": [
        {"text": plain(str(n)), "value": str(n)} for n in range(101)]})], "no more than 100"),
    ([actions({"type": "static_select", "action_id": "a", "options": [{"text": plain("x"), "value": "y" * 151}]})],
     "less than 151"),
    ([actions({"type": "static_select", "action_id": "a", "options": [{"text": plain("x"), "value": "1"}],
               "initial_option": {"text": plain("y"), "value": "1"}})], "not among the options"),
    (["text"], "unsupported type"),
])
def test_bad_blocks(sandbox, blocks, complaint):
    said = post(sandbox, blocks=blocks)
    assert said["error"] == "invalid_blocks"
    assert complaint in "\n".join(said["response_metadata"]["messages"])


def test_good_blocks_at_their_limits(sandbox):
    options = [{"text": plain("x" * 75), "value": str(n)} for n in range(3)]
    said = post(sandbox, blocks=[
        {**section("x" * 3000), "block_id": "x" * 255}, {"type": "header", "text": plain("x" * 150)},
        {"type": "divider"}, {"type": "context", "elements": [mrkdwn("x")] * 10},
        actions(*[button("x" * 75, f"a{n}") for n in range(25)]),
        {"type": "section", "fields": [plain("y")] * 10, "accessory": {"type": "overflow", "options": options}},
        actions({"type": "users_select", "action_id": "u"}, {"type": "datetimepicker", "action_id": "d"},
                {"type": "timepicker", "action_id": "t", "initial_time": "23:59"},
                {"type": "conversations_select", "action_id": "c"},
                {"type": "checkboxes", "action_id": "k", "options": options, "initial_options": options[:1]}),
        {"type": "image", "image_url": "https://example.com/x.png", "alt_text": "x"}])
    assert said["ok"], said


# ---- channels ----

@pytest.mark.parametrize("name, error", [
    ("incidents", "name_taken"), ("", "invalid_name_required"), ("x" * 81, "invalid_name_maxlength"),
    ("Has Space", "invalid_name_specials"), ("käse", "invalid_name_specials"), ("--", "invalid_name_punctuation"),
])
def test_bad_channel_names(sandbox, name, error):
    assert call(sandbox, "conversations.create", name=name)["error"] == error


def test_a_channel_from_birth_to_archive(sandbox):
    channel = call(sandbox, "conversations.create", name="inc-1-x" + "y" * 73)["channel"]["id"]
    assert sandbox.wait_channel(name="inc-1-x" + "y" * 73)["members"] == ["U0SITREP"]
    assert call(sandbox, "conversations.invite", channel=channel, users="U0ALICE,U0BOB")["ok"]
    assert call(sandbox, "conversations.invite", channel=channel, users="U0BOB")["error"] == "already_in_channel"
    assert call(sandbox, "conversations.invite", channel=channel, users="U0NOBODY")["error"] == "user_not_found"
    assert call(sandbox, "conversations.invite", channel=channel, users=",".join(["U0BOB"] * 101))["error"] == \
        "too_many_users"
    assert call(sandbox, "conversations.setTopic", channel=channel, topic="t" * 250)["ok"]
    assert call(sandbox, "conversations.setTopic", channel=channel, topic="t" * 251)["error"] == "too_long"
    assert call(sandbox, "conversations.rename", channel=channel, name="random")["error"] == "name_taken"
    assert call(sandbox, "conversations.rename", channel=channel, name="inc-1-z")["channel"]["name"] == "inc-1-z"
    assert call(sandbox, "conversations.archive", channel=channel)["ok"]
    assert call(sandbox, "conversations.archive", channel=channel)["error"] == "already_archived"
    assert call(sandbox, "chat.postMessage", channel=channel, text="x")["error"] == "is_archived"
    assert call(sandbox, "conversations.create", name="inc-1-z")["error"] == "name_taken"
    assert call(sandbox, "conversations.info", form={"channel": channel})["channel"]["is_archived"]


def test_a_stranger_cannot_post(sandbox):
    sandbox.post("/member", user="U0SITREP", channel="random", leave=True)
    assert call(sandbox, "chat.postMessage", channel="C0RANDOM", text="x")["error"] == "not_in_channel"
    assert call(sandbox, "conversations.join", channel="C0RANDOM")["ok"]
    assert call(sandbox, "chat.postMessage", channel="C0RANDOM", text="x")["ok"]


def test_marks(sandbox):
    ts = post(sandbox)["ts"]
    assert call(sandbox, "pins.add", channel=INCIDENTS, timestamp=ts)["ok"]
    assert call(sandbox, "pins.add", channel=INCIDENTS, timestamp=ts)["error"] == "already_pinned"
    assert call(sandbox, "reactions.add", channel=INCIDENTS, timestamp=ts, name="eyes")["ok"]
    assert call(sandbox, "reactions.add", channel=INCIDENTS, timestamp=ts, name="eyes")["error"] == "already_reacted"
    mark = call(sandbox, "bookmarks.add", channel_id=INCIDENTS, title="T", type="link", link="https://example.com")
    edited = call(sandbox, "bookmarks.edit", channel_id=INCIDENTS, bookmark_id=mark["bookmark"]["id"], title="U")
    assert edited["bookmark"]["title"] == "U"
    assert len(call(sandbox, "pins.list", form={"channel": INCIDENTS})["items"]) == 1


def test_people_and_groups(sandbox):
    assert call(sandbox, "users.lookupByEmail", form={"email": "bob@example.com"})["user"]["id"] == "U0BOB"
    assert call(sandbox, "users.lookupByEmail", form={"email": "x@example.com"})["error"] == "users_not_found"
    assert call(sandbox, "usergroups.users.list", form={"usergroup": "S0ONCALL"})["users"] == ["U0BOB", "U0CAROL"]


def test_files(sandbox):
    asked = call(sandbox, "files.getUploadURLExternal", form={"filename": "log.txt", "length": 5})
    with OPENER.open(urllib.request.Request(asked["upload_url"], data=b"hello", headers={
            "Content-Type": "application/octet-stream"}), timeout=5) as said:
        assert said.status == 200
    done = call(sandbox, "files.completeUploadExternal", files=[{"id": asked["file_id"], "title": "Log"}],
                channel_id=INCIDENTS)
    assert done["ok"] and sandbox.messages("incidents")[0]["files"][0]["title"] == "Log"


# ---- rates ----

def test_posting_has_a_rate_when_asked_for(sandbox):
    assert all(post(sandbox)["ok"] for _ in range(10))
    sandbox.settings(rates="real")
    statuses = [call(sandbox, "chat.postMessage", channel=INCIDENTS, text="x", raw=True) for _ in range(6)]
    assert statuses[0][0] == 200
    status, headers, body = statuses[-1]
    assert status == 429 and int(headers["Retry-After"]) >= 1 and json.loads(body)["error"] == "ratelimited"
    assert call(sandbox, "chat.postMessage", channel="C0RANDOM", text="x")["ok"], "each channel has its own"


# ---- Socket Mode ----

def test_hello_and_one_use_of_the_url(sandbox, connect):
    app = connect()
    hello = app.others[0]
    assert hello["type"] == "hello" and hello["num_connections"] == 1
    assert hello["connection_info"]["app_id"] == "A0SITREP"
    assert hello["debug_info"]["approximate_connection_time"] > 360
    assert connect(url=app.url, hello=False).status == 403
    assert connect(query="&debug_reconnects=true").others[0]["debug_info"]["approximate_connection_time"] == 360


def test_a_command_and_its_answer(sandbox, connect):
    app = connect(lambda envelope: {"text": "heard"})
    said = sandbox.command("take @bob #general <b> & https://example.com/?a=1", user="carol", channel="incidents")
    envelope = app.envelopes[0]
    assert envelope["type"] == "slash_commands" and envelope["accepts_response_payload"] is True
    payload = envelope["payload"]
    assert payload["text"] == ("take <@U0BOB|bob> <#C0GENERAL|general> &lt;b&gt; &amp; "
                               "<https://example.com/?a=1>")
    assert {key: payload[key] for key in ("command", "user_id", "user_name", "channel_id", "channel_name")} == {
        "command": "/inc", "user_id": "U0CAROL", "user_name": "carol", "channel_id": INCIDENTS,
        "channel_name": "incidents"}
    assert said["acked"] and [e["text"] for e in said["ephemeral"]] == ["heard"]
    assert sandbox.ephemerals("alice") == []


def test_an_answer_in_the_channel(sandbox, connect):
    connect(lambda envelope: {"text": "all see it", "response_type": "in_channel"})
    said = sandbox.command("x", channel="incidents")
    assert said["ephemeral"] == [] and text_of(sandbox.messages("incidents")[0]) == "all see it"


def test_a_command_without_a_bot(sandbox):
    said = sandbox.command("x")
    assert said["failed"] == "dispatch_failed" and not said["acked"]
    assert said["ephemeral"][0]["text"] == '/inc failed with the error "dispatch_failed"'


def test_an_unanswered_command(sandbox, connect):
    sandbox.time(ack_ms=200)
    app = connect(lambda envelope: False)
    said = sandbox.command("x")
    assert said["failed"] == "operation_timeout" and "operation_timeout" in said["ephemeral"][0]["text"]
    app.ack(app.envelopes[0]["envelope_id"], {"text": "too late"})
    eventually(lambda: sandbox.connections()["connections"][0]["late_acks"] == 1)
    assert len(sandbox.ephemerals("alice")) == 1


@pytest.mark.parametrize("size, counter", [(19_900, "acks"), (20_000, "dropped_large")])
def test_large_answers_vanish(sandbox, connect, size, counter):
    """The answer's own bytes decide, not those of its text."""
    sandbox.time(ack_ms=400)
    wrapping = len(json.dumps({"envelope_id": "x" * 36, "payload": {"text": ""}}))
    app = connect(lambda envelope: {"text": "x" * (size - wrapping)})
    said = sandbox.command("x")
    assert said["acked"] == (counter == "acks")
    assert sandbox.connections()["connections"][0][counter] == 1
    assert not app.ended.is_set(), "the connection lives on"


def test_fragmented_answers_vanish(sandbox, connect):
    sandbox.time(ack_ms=300)
    app = connect(lambda envelope: False)
    app.answer = lambda envelope: app.ack(envelope["envelope_id"], fragments=3) or False
    assert sandbox.command("x")["failed"] == "operation_timeout"
    assert sandbox.connections()["connections"][0]["dropped_fragmented"] == 1
    app.answer = lambda envelope: None
    assert sandbox.command("x")["acked"]


def test_one_of_several_gets_each(sandbox, connect):
    apps = [connect() for _ in range(3)]
    assert apps[2].others[0]["num_connections"] == 3
    for _ in range(30):
        assert sandbox.command("x")["acked"]
    counts = [len(app.envelopes) for app in apps]
    assert sum(counts) == 30 and all(counts), counts


def test_an_ack_on_another_socket_does_not_count(sandbox, connect):
    sandbox.time(ack_ms=300)
    sandbox.settings(choose="oldest")
    first, second = connect(lambda envelope: False), connect()
    first.answer = lambda envelope: second.ack(envelope["envelope_id"]) or False
    assert sandbox.command("x")["failed"] == "operation_timeout"
    assert sum(c["wrong_socket_acks"] for c in sandbox.connections()["connections"]) == 1


def test_an_eleventh_connection_is_sent_away(sandbox, connect):
    for _ in range(10):
        connect()
    one_more = connect(hello=False)
    one_more.wait_for(lambda: one_more.others)
    assert one_more.others[0] == {**one_more.others[0], "type": "disconnect", "reason": "too_many_websockets"}
    one_more.wait_for(one_more.ended.is_set)


@pytest.mark.parametrize("frame, code", [
    ((2, b"\x00\x01"), 1003), ((1, b"not json"), 1007), ((1, b"\xff\xfe"), 1007), ((0, b"x"), 1002), ((3, b""), 1002),
])
def test_garbage_closes(sandbox, connect, frame, code):
    app = connect()
    app.frame(*frame)
    app.wait_for(app.ended.is_set)
    assert app.close_code == code


def test_unmasked_frames_close(sandbox, connect):
    app = connect()
    app.frame(1, b"{}", masked=False)
    app.wait_for(app.ended.is_set)
    assert app.close_code == 1002


def test_pings_are_answered(sandbox, connect):
    app = connect()
    app.frame(9, b"are you there")
    app.wait_for(lambda: app.pongs == [b"are you there"])


# ---- events ----

def events(app, kind):
    return [e for e in app.envelopes if e["type"] == "events_api" and e["payload"]["event"]["type"] == kind]


def test_events_reach_the_app(sandbox, connect):
    sandbox.settings(subscribed="all")
    app = connect()
    ts = sandbox.say("hello @sitrep", channel="incidents")["ts"]
    sandbox.react(ts, channel="incidents", user="bob")
    sandbox.home("carol")
    app.wait_for(lambda: events(app, "app_home_opened"))
    message = events(app, "message")[0]["payload"]
    assert message["event"]["ts"] == ts and message["event_id"].startswith("Ev")
    assert events(app, "reaction_added")[0]["payload"]["event"]["item"] == {"type": "message", "channel": INCIDENTS,
                                                                           "ts": ts}
    assert events(app, "app_mention")


def test_unacked_events_come_again(sandbox, connect):
    sandbox.settings(subscribed="all")
    sandbox.time(scale=0.001, ack_ms=60)
    app = connect(lambda envelope: False)
    sandbox.say("hello", channel="incidents")
    app.wait_for(lambda: len(app.envelopes) == 4)
    assert [e["retry_attempt"] for e in app.envelopes] == [0, 1, 2, 3]
    assert len({e["payload"]["event_id"] for e in app.envelopes}) == 1
    assert len({e["envelope_id"] for e in app.envelopes}) == 4


def test_only_subscribed_events_come(sandbox, connect):
    app = connect()
    ts = sandbox.say("hello", channel="incidents")["ts"]
    sandbox.react(ts, channel="incidents")
    app.wait_for(lambda: events(app, "reaction_added"))
    assert not events(app, "message")


def test_events_wait_for_a_connection(sandbox, connect):
    sandbox.settings(subscribed="all")
    sandbox.time(scale=0.005)
    sandbox.say("nobody listens", channel="incidents")
    app = connect()
    app.wait_for(lambda: events(app, "message"))
    assert app.envelopes[0]["retry_attempt"] > 0


@pytest.mark.parametrize("new_id", [False, True])
def test_redelivery(sandbox, connect, new_id):
    app = connect(lambda envelope: {"text": "once"})
    first = sandbox.command("x")
    again = sandbox.redeliver(envelope_id=first["envelope_id"], new_envelope_id=new_id, wait_ms=2000)[0]
    app.wait_for(lambda: len(app.envelopes) == 2)
    assert app.envelopes[0]["payload"] == app.envelopes[1]["payload"]
    assert (again["envelope_id"] != first["envelope_id"]) == new_id
    assert len(sandbox.ephemerals("alice")) == 1, "the answer to a repetition is not shown twice"


def test_everything_redelivered(sandbox, connect):
    sandbox.fault("redeliver_all", delay_ms=10)
    app = connect()
    sandbox.command("x")
    app.wait_for(lambda: len(app.envelopes) == 2)


# ---- buttons and forms ----

def test_a_button(sandbox, connect):
    app = connect()
    ts = post(sandbox, blocks=[actions(button("Go", "go", value="7"), button("Stop", "stop"))])["ts"]
    assert sandbox.click("bob", "incidents", ts, text="Go")["acked"]
    payload = app.envelopes[-1]["payload"]
    assert payload["type"] == "block_actions" and payload["actions"][0]["value"] == "7"
    assert payload["user"]["id"] == "U0BOB" and payload["message"]["ts"] == ts
    assert payload["container"] == {"type": "message", "message_ts": ts, "channel_id": INCIDENTS,
                                    "is_ephemeral": False}
    with pytest.raises(SandboxError):
        sandbox.click("bob", "incidents", ts, text="Missing")


def respond(url, **body):
    request = urllib.request.Request(url, data=json.dumps(body).encode(), headers={"Content-Type": "application/json"})
    try:
        with OPENER.open(request, timeout=5) as said:
            return said.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_response_urls_wear_out(sandbox, connect):
    app = connect()
    sandbox.command("x", channel="incidents")
    url = app.envelopes[0]["payload"]["response_url"]
    assert [respond(url, text=f"n{n}") for n in range(6)] == [200] * 5 + [404]
    assert len(sandbox.ephemerals("alice")) == 5


def test_response_urls_replace_and_delete(sandbox, connect):
    app = connect()
    call(sandbox, "chat.postEphemeral", channel=INCIDENTS, user="U0ALICE", text="q", blocks=[actions(button())])
    ts = sandbox.ephemerals("alice")[0]["ts"]
    sandbox.click("alice", "incidents", ts, action_id="go")
    payload = app.envelopes[-1]["payload"]
    assert payload["container"]["is_ephemeral"] is True and "message" not in payload
    respond(payload["response_url"], text="replaced", replace_original=True)
    assert [e["text"] for e in sandbox.ephemerals("alice")] == ["replaced"]
    respond(payload["response_url"], delete_original=True)
    assert sandbox.ephemerals("alice") == []


def open_form(sandbox, connect, view, on_submit=None):
    """A fake app that opens `view` on every command and answers submissions with `on_submit`."""
    opened = []

    def answer(envelope):
        if envelope["type"] == "slash_commands":
            opened.append(call(sandbox, "views.open", trigger_id=envelope["payload"]["trigger_id"], view=view))
            return None
        return on_submit

    app = connect(answer)
    said = sandbox.command("form")
    return app, opened[0], said


def test_a_form(sandbox, connect):
    app, opened, said = open_form(sandbox, connect, modal(field(), field("more"), private_metadata="m"))
    assert opened["ok"] and said["views"][0]["id"] == opened["view"]["id"]
    done = sandbox.submit({"title": "it broke", "more": "much"})
    assert done["closed"]
    view = app.envelopes[-1]["payload"]["view"]
    assert view["state"]["values"]["title"]["value"] == {"type": "plain_text_input", "value": "it broke"}
    assert view["private_metadata"] == "m" and sandbox.views("alice") == []


def test_a_form_with_errors(sandbox, connect):
    open_form(sandbox, connect, modal(field()), {"response_action": "errors", "errors": {"title": "too short"}})
    assert not sandbox.submit({})["sent"], "an empty required field never leaves the client"
    done = sandbox.submit({"title": "x"})
    assert done["errors"] == {"title": "too short"} and not done["closed"]


def test_errors_must_name_a_field(sandbox, connect):
    open_form(sandbox, connect, modal(field()), {"response_action": "errors", "errors": {"nowhere": "x"}})
    assert sandbox.submit({"title": "x"})["trouble"]


def test_a_form_that_grows(sandbox, connect):
    app, _, _ = open_form(sandbox, connect, modal(field()), {"response_action": "push", "view": modal(field("b"))})
    assert len(sandbox.submit({"title": "x"})["open"]) == 2
    app.answer = lambda envelope: {"response_action": "clear"}
    assert sandbox.submit({"b": "x"})["open"] == []


def test_triggers_are_short_lived_and_good_for_one(sandbox, connect):
    app, opened, said = open_form(sandbox, connect, modal(field()))
    again = call(sandbox, "views.open", trigger_id=said["trigger_id"], view=modal(field()))
    assert again["error"] == "exchanged_trigger_id"
    sandbox.time(trigger_ms=1)
    app.answer = lambda envelope: None
    late = sandbox.command("x")["trigger_id"]
    time.sleep(0.05)
    assert call(sandbox, "views.open", trigger_id=late, view=modal(field()))["error"] == "expired_trigger_id"
    assert call(sandbox, "views.open", trigger_id="1.2.3", view=modal(field()))["error"] == "invalid_trigger_id"


@pytest.mark.parametrize("view, complaint", [
    (modal(field(), title=plain("x" * 25)), "less than 25"), (modal(field(), private_metadata="x" * 3001), "3001"),
    (modal(field(), submit=None), "submit"), (modal(*[section()] * 101), "no more than 100"),
    (modal(field(), field()), "`block_id` must be unique"), ({"type": "home", "blocks": []}, "modal"),
    (modal(field(max_length=3001)), "between 1 and 3000"), ("view", "view"),
])
def test_bad_views(sandbox, view, complaint):
    said = call(sandbox, "views.open", trigger_id="x", view=view)
    assert said["error"] == "invalid_arguments", said
    assert complaint in "\n".join(said["response_metadata"]["messages"])


def test_updating_a_view_needs_its_hash_and_its_life(sandbox, connect):
    _, opened, _ = open_form(sandbox, connect, modal(field()))
    view_id = opened["view"]["id"]
    assert call(sandbox, "views.update", view_id=view_id, hash="old", view=modal(field()))["error"] == "hash_conflict"
    assert call(sandbox, "views.update", view_id=view_id, hash=opened["view"]["hash"], view=modal(field("n")))["ok"]
    sandbox.cancel()
    assert call(sandbox, "views.update", view_id=view_id, view=modal(field()))["error"] == "view_not_found"


def test_home(sandbox):
    view = {"type": "home", "blocks": [section("welcome")]}
    assert call(sandbox, "views.publish", user_id="U0BOB", view=view)["ok"]
    assert sandbox.wait("home", user="bob")["blocks"][0]["text"]["text"] == "welcome"


def test_message_shortcuts(sandbox, connect):
    app = connect()
    ts = sandbox.say("look", channel="incidents")["ts"]
    sandbox.shortcut("note", channel="incidents", ts=ts)
    sandbox.shortcut("declare")
    message, overall = [e["payload"] for e in app.envelopes if e["type"] == "interactive"]
    assert message["type"] == "message_action" and message["message"]["text"] == "look"
    assert overall["type"] == "shortcut" and "channel" not in overall


# ---- faults of the Web API ----

def test_fault_status(sandbox):
    sandbox.fault("status", status=503, method="chat.*", retry_after=3, count=1)
    status, headers, _ = call(sandbox, "chat.postMessage", channel=INCIDENTS, text="x", raw=True)
    assert status == 503 and headers["Retry-After"] == "3"
    assert sandbox.messages("incidents") == [] and post(sandbox)["ok"], "one time only"


def test_fault_error_before_and_after(sandbox):
    sandbox.fault("error", error="fatal_error", method="chat.postMessage", after=True, count=1)
    assert post(sandbox)["error"] == "fatal_error" and len(sandbox.messages("incidents")) == 1
    sandbox.fault("error", error="fatal_error", method="chat.postMessage", count=1)
    assert post(sandbox)["error"] == "fatal_error" and len(sandbox.messages("incidents")) == 1


def test_fault_by_number_and_channel(sandbox):
    sandbox.fault("error", error="internal_error", method="chat.postMessage", channel="incidents", nth=2)
    assert call(sandbox, "chat.postMessage", channel="C0RANDOM", text="x")["ok"]
    assert [post(sandbox)["ok"] for _ in range(3)] == [True, False, True]


@pytest.mark.parametrize("kind, done", [("lost_answer", 1), ("lost_request", 0)])
def test_fault_lost(sandbox, kind, done):
    sandbox.fault(kind, method="chat.postMessage")
    with pytest.raises((OSError, http.client.HTTPException)):
        post(sandbox)
    assert len(sandbox.messages("incidents")) == done


def test_fault_answer_cut_short(sandbox):
    sandbox.fault("lost_answer", method="chat.postMessage", bytes=150)
    with pytest.raises((OSError, http.client.HTTPException)):
        post(sandbox)
    assert len(sandbox.messages("incidents")) == 1


def test_fault_delay_and_drip(sandbox):
    sandbox.fault("delay_ms", delay_ms=200, method="api.test", count=1)
    started = time.monotonic()
    call(sandbox, "api.test")
    assert time.monotonic() - started >= 0.2
    sandbox.fault("slow_drip", method="api.test", bytes=20, every_ms=5)
    assert call(sandbox, "api.test")["ok"]


@pytest.mark.parametrize("kind", ["garbage_body", "not_utf8", "truncated_json", "oversized_body", "deep_json"])
def test_fault_broken_bodies(sandbox, kind):
    sandbox.fault(kind, method="auth.test", **({"bytes": 1 << 20} if kind == "oversized_body" else {}))
    _, _, body = call(sandbox, "auth.test", raw=True)
    if kind == "oversized_body":
        assert len(body) > 1 << 20
        return
    with pytest.raises((ValueError, RecursionError)):
        json.loads(body.decode("utf-8"))


def test_fault_duplicate_keys(sandbox):
    sandbox.fault("duplicate_keys", method="auth.test")
    assert call(sandbox, "auth.test", raw=True)[2].count(b'"ok"') == 3


def test_faults_are_named_and_removed(sandbox):
    with pytest.raises(SandboxError, match="there are:"):
        sandbox.fault("gremlins")
    one = sandbox.fault("status", status=500)
    sandbox.clear_fault(one)
    assert call(sandbox, "auth.test")["ok"] and sandbox.faults() == []


# ---- faults of the socket ----

def test_fault_disconnect_with_overlap(sandbox, connect):
    old = connect()
    sandbox.fault("disconnect", reason="warning", close_after_ms=400)
    old.wait_for(lambda: any(o.get("reason") == "warning" for o in old.others))
    new = connect()
    assert not old.ended.is_set(), "both are open for a while"
    assert sandbox.command("x")["acked"]
    old.wait_for(old.ended.is_set)
    assert sandbox.command("x")["acked"] and new.envelopes


def test_a_session_ends_by_itself(sandbox, connect):
    sandbox.time(scale=0.001)
    app = connect(query="&debug_reconnects=true")
    app.wait_for(app.ended.is_set)
    assert [o["reason"] for o in app.others if o["type"] == "disconnect"] == ["warning", "refresh_requested"]


def test_fault_link_disabled(sandbox, connect):
    app = connect()
    sandbox.fault("disconnect", reason="link_disabled")
    app.wait_for(app.ended.is_set)
    assert any(o.get("reason") == "link_disabled" for o in app.others)


def test_fault_half_dead(sandbox, connect):
    app = connect()
    sandbox.time(ack_ms=200)
    fault = sandbox.fault("half_dead")
    app.frame(9, b"hello?")
    assert sandbox.command("x")["failed"] == "operation_timeout"
    assert app.pongs == [] and app.envelopes == [] and not app.ended.is_set()
    sandbox.clear_fault(fault)
    app.wait_for(lambda: app.pongs == [b"hello?"])
    assert sandbox.command("x")["acked"]


def test_fault_drop(sandbox, connect):
    app = connect()
    sandbox.fault("drop")
    app.wait_for(app.ended.is_set)
    assert app.close_code is None


def test_fault_no_hello(sandbox, connect):
    sandbox.fault("no_hello", count=1)
    app = connect(hello=False)
    time.sleep(0.1)
    assert app.status == 101 and app.others == []
    assert sandbox.command("x")["failed"] == "dispatch_failed"


def test_fault_refused_and_stalled_upgrades(sandbox, connect):
    sandbox.fault("refuse_upgrade", status=429, count=1)
    assert connect(hello=False).status == 429
    sandbox.fault("stall_upgrade", count=1)
    url = call(sandbox, "apps.connections.open", APP_TOKEN)["url"]
    parts = urllib.parse.urlsplit(url)
    stalled = http.client.HTTPConnection(parts.hostname, parts.port, timeout=0.3)
    with pytest.raises(OSError):
        stalled.request("GET", f"{parts.path}?{parts.query}", headers={"Upgrade": "websocket"})
        stalled.getresponse()
    stalled.close()


def test_fault_deaf_to_acks(sandbox, connect):
    sandbox.time(ack_ms=150)
    connect()
    sandbox.fault("stop_ack_reading", count=1)
    assert sandbox.command("x")["failed"] == "operation_timeout"
    assert sandbox.command("x")["acked"]


def test_fault_stranger_on_the_token(sandbox, connect):
    sandbox.fault("num_connections", value=4)
    assert connect().others[0]["num_connections"] == 4


def test_raw_frames(sandbox, connect):
    app = connect()
    sandbox.raw(text='{"type":"surprise","text":"héllo"}')
    app.wait_for(lambda: any(o.get("type") == "surprise" for o in app.others))
    said = sandbox.envelope([1, 2], type="something_new")
    assert said["ack"] and app.envelopes[-1]["payload"] == [1, 2]


# ---- what the page and waits rely on ----

def test_the_page_is_served_whole(sandbox):
    for path, needle in (("", b"page.js"), ("page.js", b"EventSource"), ("page.css", b"--bg"),
                         ("page/view?user=bob&channel=incidents", b'"me": "U0BOB"')):
        with OPENER.open(sandbox.page + path, timeout=5) as said:
            assert needle in said.read()
            assert b"http" not in (said.headers["Content-Security-Policy"] or "").encode()


@pytest.mark.parametrize("header, value", [("Origin", "http://evil.example"), ("Host", "evil.example")])
def test_other_pages_of_the_browser_stay_out(sandbox, header, value):
    request = urllib.request.Request(sandbox.control + "/reset", data=b"{}", headers={header: value})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        OPENER.open(request, timeout=5)


def test_the_page_hides_what_is_private(sandbox):
    channel = call(sandbox, "conversations.create", name="secret", is_private=True)["channel"]["id"]
    call(sandbox, "conversations.invite", channel=channel, users="U0BOB")
    seen = {}
    for user in ("alice", "bob"):
        with OPENER.open(sandbox.page + f"page/view?user={user}&channel={channel}", timeout=5) as said:
            seen[user] = json.load(said)["channel"]["id"]
    assert seen == {"alice": INCIDENTS, "bob": channel}


def test_waiting_ends_with_the_time(sandbox):
    started = time.monotonic()
    with pytest.raises(AssertionError):
        sandbox.wait_message("incidents", contains="never", timeout=0.2)
    assert time.monotonic() - started < 2


def test_histories_are_bounded(sandbox):
    for _ in range(2005):
        sandbox.post("/message", user="alice", channel="random", text="x")
    assert len(sandbox.messages("random")) == 2000
