"""Whatever comes down the wire costs itself only: nothing ends, nothing is recorded, the next command works."""

import base64
import json
import random

import pytest

from sandbox import eventually
from steps import INC, RESOLVE, card, clean, declared, incident, said, seconds, settled, timeline


def alive(sandbox):
    return [c["id"] for c in sandbox.connections()["connections"] if c["ready"] and not c["closed"]]


def unhurt(bot, sandbox, connection=None):
    assert "alice" in said(sandbox.command("whoami"))
    assert bot.running and (connection is None or alive(sandbox) == connection)
    clean(bot)


def test_two_hundred_bad_frames_in_a_row(bot, sandbox):
    connection = alive(sandbox)
    for text in ("{", "null", '"x"', "[" * 500, '{"envelope_id":{}}', '{"type":"hello"}', '{"type":"disconnect"}',
                 '{"type":"disconnect","reason":7}', '{"envelope_id":"","type":"slash_commands","payload":{}}',
                 '{"type":"hello","num_connections":"many","connection_info":[],"debug_info":0}'):
        sandbox.raw(text=text, repeat=20)
    unhurt(bot, sandbox)
    assert len(alive(sandbox)) == len(connection)


def test_binary_and_fragmented_envelopes_are_read_as_they_should(bot, sandbox):
    connection = alive(sandbox)
    envelope = json.dumps({"envelope_id": "frag-1", "type": "slash_commands", "payload": {
        "user_id": "U0ALICE", "channel_id": "C0GENERAL", "command": "/inc", "text": "declare sev3 in pieces",
        "trigger_id": "t-1", "team_id": "T0SANDBOX", "response_url": sandbox.api_url}})
    sandbox.raw(text=envelope, fragments=9)
    eventually(lambda: bot.rows("SELECT 1 FROM incident WHERE title = 'in pieces'"), timeout=seconds(5))
    sandbox.raw(base64=base64.b64encode(b"\x00\x01\x02").decode(), binary=True)
    unhurt(bot, sandbox, connection)


@pytest.mark.parametrize("frame", [
    dict(opcode=3, text="reserved"), dict(opcode=11, text="reserved"), dict(rsv=7, text="{}"),
    dict(opcode=9, text="p" * 200), dict(opcode=0, text="nothing to continue"), dict(opcode=8, text="x"),
    dict(base64=base64.b64encode(b"\x81\xff" + b"\xff" * 8).decode(), bare=True),
    dict(base64=base64.b64encode(b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff").decode(), bare=True),
], ids=lambda frame: ",".join(f"{k}={str(v)[:12]}" for k, v in frame.items()))
def test_a_broken_protocol_costs_the_connection_and_no_more(bot, sandbox, frame):
    """The protocol itself says that such a connection fails; another one is there at once."""
    sandbox.raw(**frame)
    eventually(lambda: alive(sandbox), timeout=seconds(10))
    eventually(lambda: sandbox.command("whoami", timeout_ms=1500)["acked"], timeout=seconds(15))
    assert bot.running
    clean(bot)


PAYLOADS = {
    "a button that is not ours": {"type": "block_actions", "actions": [{"action_id": "x", "value": "{}"}]},
    "a button with garbage": {"type": "block_actions", "actions": [{"action_id": "role:0", "value": "\x00{{{"}]},
    "a button of an internal operation": {"type": "block_actions", "actions": [
        {"action_id": "promise.due:0", "value": '{"op":"promise.due","incident":1,"args":{"promise":1}}'}]},
    "a button that reports an outcome": {"type": "block_actions", "actions": [
        {"action_id": "effect.outcome:0", "value": '{"op":"effect.outcome","args":{"outcome":"delivered"}}'}]},
    "a button with arguments of wrong types": {"type": "block_actions", "actions": [
        {"action_id": "role:0", "value": '{"op":"role","incident":"one","args":[1,{}]}'}]},
    "a button without actions": {"type": "block_actions", "actions": []},
    "a button with actions that are none": {"type": "block_actions", "actions": [7, None, "x", {"value": 7}]},
    "a view of nobody": {"type": "view_submission", "view": {"callback_id": "nope", "private_metadata": "x", "state": 7}},
    "a view with a wrong state": {"type": "view_submission", "view": {
        "id": "V1", "callback_id": "declare", "private_metadata": "{}", "state": {"values": {"title": [], "severity": {"v": 7}}}}},
    "a view without a view": {"type": "view_submission"},
    "a closed view": {"type": "view_closed", "view": {}},
    "a suggestion": {"type": "block_suggestion", "value": "x"},
}


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_forged_interaction_changes_nothing(bot, sandbox, name):
    declared(bot, sandbox)
    connection, before = alive(sandbox), (incident(bot), timeline(bot))
    payload = {"user": {"id": "U0ALICE"}, "team": {"id": "T0SANDBOX"}, "channel": {"id": "C0GENERAL"},
               "trigger_id": "t", "container": {"type": "message"}, **PAYLOADS[name]}
    sandbox.envelope(payload, type="interactive")
    unhurt(bot, sandbox, connection)
    assert (incident(bot), timeline(bot)) == before and len(bot.rows("SELECT id FROM incident")) == 1


def test_forged_events_change_nothing(bot, sandbox):
    declared(bot, sandbox)
    connection, before = alive(sandbox), timeline(bot)
    for event in ({"type": "reaction_added"}, {"type": "reaction_added", "user": 7, "reaction": [], "item": "x"},
                  {"type": "reaction_added", "user": "U0ALICE", "reaction": "pushpin", "item": {"type": "file"}},
                  {"type": "reaction_added", "user": "U0ALICE", "reaction": "pushpin",
                   "item": {"type": "message", "channel": "C0NOWHERE", "ts": "1.1"}},
                  {"type": "app_home_opened", "user": None}, {"type": "tomorrow"}, {}):
        sandbox.envelope({"event": event, "event_id": f"Ev{random.random()}", "type": "event_callback"},
                         type="events_api")
    for payload in ({"event": 7}, {"event_id": [], "event": {"type": "reaction_added"}}, {}):
        sandbox.envelope(payload, type="events_api")
    settled(bot)
    unhurt(bot, sandbox, connection)
    assert timeline(bot) == before


def test_mutated_envelopes_by_the_hundred(bot, sandbox):
    declared(bot, sandbox)
    seed = json.dumps({"envelope_id": "m-%d", "type": "slash_commands", "accepts_response_payload": True, "payload": {
        "user_id": "U0BOB", "channel_id": "C0GENERAL", "command": "/inc", "text": "show #1", "trigger_id": "t-%d",
        "team_id": "T0SANDBOX", "response_url": "http://127.0.0.1:9/x"}}).encode()
    dice = random.Random(42)
    for n in range(300):
        data = bytearray(seed.replace(b"%d", str(n).encode()))
        for _ in range(dice.randint(1, 6)):
            at = dice.randrange(len(data))
            data[at:at + dice.randint(0, 9)] = dice.choice([b"", b"\xff", b"{", b'"', b"\\u0000", b"\x00", b"[[[[", b"1e999",
                                                            b"null", "é‮".encode(), data[:dice.randrange(60)]])
        sandbox.raw(base64=base64.b64encode(bytes(data)).decode())
    unhurt(bot, sandbox)
    assert len(bot.rows("SELECT id FROM incident")) == 1


def test_the_answers_of_views_and_people_may_be_garbage_too(bot, sandbox):
    for method in ("views.open", "users.info", "chat.getPermalink", "auth.test"):
        for kind in ("garbage_body", "deep_json", "oversized_body", "not_utf8", "duplicate_keys"):
            sandbox.fault(kind, method=method, count=1)
    for _ in range(5):
        sandbox.command("declare", user="carol")
    declared(bot, sandbox)
    assert card(sandbox)
    said(sandbox.command(RESOLVE, channel=INC))
    unhurt(bot, sandbox)
