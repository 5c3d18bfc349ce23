"""The release gate from all three doors: it blocks, opens again, and never passes when it cannot tell."""

import json
import os
import socket
import sqlite3
import time
import urllib.error
import urllib.request

import pytest

from sandbox import eventually
from steps import seconds

TOKEN = "a-token-of-the-pipeline-0123456789"
WRITER = "a-token-that-may-write-9876543210"
TOKENS = """
roles:
  viewer: [incident.read, tools.oncall.read]
  tools: [incident.read, incident.write, tools.oncall.read, tools.oncall.write]
  nothing: [incident.execute]
  admin: ["*"]
bindings:
  "slack:*": admin
  "unix:*": admin
tokens:
  ci: {secret: env:SITREP_TOKEN_CI, role: viewer}
  tools: {secret: env:SITREP_TOKEN_TOOLS, role: tools}
  lame: {secret: env:SITREP_TOKEN_LAME, role: nothing}
"""
LAME = "a-token-without-any-right-at-all"
ENV = {"SITREP_TOKEN_CI": TOKEN, "SITREP_TOKEN_TOOLS": WRITER, "SITREP_TOKEN_LAME": LAME}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture
def gated(make_bot):
    port = free_port()
    bot = make_bot(env=ENV, settings={"http.listen": f"127.0.0.1:{port}"}).policy("rbac.yml", TOKENS)
    bot.url = f"http://127.0.0.1:{port}"
    return bot.start()


def check(bot, *more, service="checkout"):
    """By the shell, as a pipeline does: exit status, and the JSON."""
    done = bot.run("release-check", "--json", "--service", service, *more)
    return done.returncode, json.loads(done.stdout)


def post(bot, path, body, token=TOKEN, **headers):
    """Status, headers and parsed body."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(bot.url + path, data=data, method="POST")
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    try:
        with urllib.request.urlopen(request, timeout=seconds(10)) as answer:
            return answer.status, answer.headers, json.loads(answer.read())
    except urllib.error.HTTPError as e:
        return e.code, e.headers, json.loads(e.read())


def said(bot, *words):
    return bot.ctl(*words)["text"]


def resolve(bot, number):
    said(bot, f"#{number}", "resolve", "rolled", "back", "--signal", "works", "--health", "green")


def test_an_open_incident_blocks_at_every_door(gated):
    said(gated, "declare", "sev1", "checkout is failing", "--service", "checkout")
    status, answer = check(gated)
    assert (status, answer["verdict"], answer["exit_status"]) == (1, "blocked", 1)
    assert [r["id"] for r in answer["reasons"]] == ["INC-1"]
    eventually(lambda: check(gated)[1]["reasons"][0].get("url", "").startswith("http"), timeout=seconds(10))
    assert answer["summary"]["stats"] == {"open_incidents": 1, "overdue": 0, "total_open_followups": 0}
    text = gated.run("release-check", "--service", "checkout")
    assert text.returncode == 1
    assert text.stdout.startswith("BLOCKED: a release of checkout waits for 1 thing\n")
    assert "blocks:  INC-1 (SEV1" in text.stdout
    assert "BLOCKED" in said(gated, "release-check", "checkout")
    code, _, by_http = post(gated, "/api/release-check", {"service": "checkout"})
    assert (code, by_http["verdict"], by_http["exit_status"]) == (200, "blocked", 1)
    assert check(gated, "--mode", "warn")[0] == 0
    resolve(gated, 1)
    assert check(gated)[0] == 0
    assert said(gated, "gate", "checkout").startswith("PASS")
    assert post(gated, "/api/release-check", {"service": "checkout"})[2]["verdict"] == "pass"


def test_an_overdue_follow_up_blocks_until_it_is_done(gated):
    said(gated, "declare", "sev3", "checkout is slow", "--service", "checkout", "--env", "production")
    resolve(gated, 1)
    code, _, made = post(gated, "/api/tools/oncall", {"tool": "incident_append_event", "arguments": {
        "incident_id": "INC-1", "type": "followup",
        "meta": {"title": "alert on retries", "due_date": "2099-01-31", "priority": "P1", "class": "detect",
                 "signal": "the alert fires"}}}, token=WRITER)
    assert (code, made["followup_id"]) == (200, "F1")
    assert check(gated)[0] == 0
    # Its day passes: what a clock would do.
    gated.stop()
    with sqlite3.connect(gated.store) as db:
        db.execute("UPDATE followup SET due_at = ?", (int(time.time() * 1000) - 86400000,))
    gated.start()
    status, answer = check(gated, "--env", "production")
    assert status == 1
    assert (answer["reasons"][0]["kind"], answer["reasons"][0]["followup_id"]) == ("overdue_followup", "F1")
    assert answer["summary"]["overdue_followups"][0]["priority"] == "P1"
    assert check(gated, "--env", "staging")[0] == 0
    code, _, summary = post(gated, "/api/tools/oncall", {"tool": "incident_followups_summary",
                                                         "arguments": {"service": "checkout"}})
    assert (code, summary["stats"]["overdue"]) == (200, 1)
    said(gated, "followup", "F1", "done", "the alert fired in 40 s")
    assert check(gated, "--env", "production")[0] == 0


def test_what_cannot_be_told_is_two(gated, tmp_path):
    assert check(gated)[0] == 2  # nothing has named it yet
    said(gated, "declare", "sev4", "a typo", "--service", "checkout")
    assert check(gated)[0] == 0
    status, answer = check(gated, service="checkuot")
    assert (status, answer["verdict"]) == (2, "unknown")
    assert "checkuot" in answer["why"]
    code, _, by_http = post(gated, "/api/release-check", {"service": "checkuot"})
    assert (code, by_http["verdict"], by_http["exit_status"]) == (200, "unknown", 2)
    assert gated.run("release-check").returncode == 2
    assert gated.run("release-check", "--service", "checkout", "--mode", "lax").returncode == 2
    # The bot is away: the same.
    gated.stop()
    assert check(gated)[0] == 0
    gated.policy("release_gate_policy.yml", "followup_watch: sometimes\n")
    done = gated.run("release-check", "--service", "checkout", "--json")
    assert done.returncode == 2 and json.loads(done.stdout)["verdict"] == "unknown"
    assert "release_gate_policy.yml:1" in done.stderr
    gated.policy("release_gate_policy.yml", "followup_watch: strict\n")
    assert check(gated)[0] == 0


def test_a_record_that_cannot_be_read_is_two(gated):
    said(gated, "declare", "sev4", "a typo", "--service", "checkout")
    gated.stop()
    whole = gated.store.read_bytes()
    for name, damaged in {
            "cut short": whole[:len(whole) // 2],
            "a page overwritten": whole[:8192] + b"\xff" * 4096 + whole[12288:],
            "no database": b"what is this" * 500,
            "nothing in it": b"",
            "newer": whole[:60] + (9999).to_bytes(4, "big") + whole[64:]}.items():
        gated.store.write_bytes(damaged)
        status, answer = check(gated)
        assert (status, answer["verdict"]) == (2, "unknown"), name
        assert answer["why"], name
    gated.store.write_bytes(whole)
    assert check(gated)[0] == 0
    gated.store.unlink()
    status, answer = check(gated)
    assert (status, "no database" in answer["why"]) == (2, True)
    assert not gated.store.exists()  # looking makes none
    if os.geteuid() != 0:
        gated.store.write_bytes(whole)
        gated.store.chmod(0)
        assert check(gated)[0] == 2


def test_a_protected_incident_is_not_in_the_logs_of_a_pipeline(gated):
    said(gated, "declare", "sev4", "a typo", "--service", "checkout")
    said(gated, "declare", "sev1", "a leak of addresses", "--service", "checkout")
    said(gated, "#2", "protect", "it holds customer data")
    done = gated.run("release-check", "--service", "checkout", "--json")
    assert done.returncode == 0
    assert "INC-2" not in done.stdout and "leak" not in done.stdout + done.stderr
    _, _, by_http = post(gated, "/api/release-check", {"service": "checkout"})
    assert "leak" not in json.dumps(by_http)
    # Whoever may see all does.
    assert "a leak of addresses" in said(gated, "release-check", "checkout")


def test_the_door_is_closed_without_a_token(gated):
    body = {"service": "checkout"}
    for token in (None, "", "a-token-of-the-pipeline-012345678", TOKEN + "x"):
        code, headers, problem = post(gated, "/api/release-check", body, token=token)
        assert code == 401 and headers["WWW-Authenticate"].startswith("Bearer")
        assert headers["Content-Type"] == "application/problem+json" and problem["status"] == 401
    code, _, problem = post(gated, "/api/release-check", body, token=LAME)
    assert (code, problem["title"]) == (403, "Forbidden")
    # What only reads may not write.
    append = {"tool": "incident_append_event", "arguments": {"incident_id": "INC-1", "text": "x"}}
    assert post(gated, "/api/tools/oncall", append)[0] == 403
    assert post(gated, "/api/tools/oncall", append, token=WRITER)[0] == 404
    assert post(gated, "/api/tools/oncall", {"tool": "housekeeping"}, token=WRITER)[0] == 404
    assert post(gated, "/api/release-check", b"{")[0] == 400
    assert post(gated, "/api/release-check", {"service": "a,b"})[0] == 422
    assert post(gated, "/api/release-check", body, Content_Type="text/plain")[0] == 415
    assert TOKEN not in gated.log() and WRITER not in gated.log()


def test_the_same_key_is_done_once(gated):
    said(gated, "declare", "sev3", "checkout is slow", "--service", "checkout")
    body = {"tool": "incident_append_event", "arguments": {"incident_id": "INC-1", "type": "followup",
                                                           "meta": {"title": "alert on retries"}}}
    first = post(gated, "/api/tools/oncall", body, token=WRITER, Idempotency_Key="build-17")
    again = post(gated, "/api/tools/oncall", body, token=WRITER, Idempotency_Key="build-17")
    assert first[0] == again[0] == 200 and first[2] == again[2]
    gated.restart(hard=True)
    assert post(gated, "/api/tools/oncall", body, token=WRITER, Idempotency_Key="build-17")[2] == first[2]
    assert len(gated.rows("SELECT id FROM followup")) == 1
    assert post(gated, "/api/tools/oncall", body, token=WRITER, Idempotency_Key="build-18")[2]["followup_id"] == "F2"


def test_a_token_is_taken_away_while_it_runs(gated):
    said(gated, "declare", "sev4", "a typo", "--service", "checkout")
    assert post(gated, "/api/release-check", {"service": "checkout"})[0] == 200
    gated.policy("rbac.yml", TOKENS.replace("  ci: {", "  build: {"))
    gated.reload()
    assert eventually(lambda: post(gated, "/api/release-check", {"service": "checkout"})[0] == 200, timeout=seconds(10))
    gated.policy("rbac.yml", "\n".join(line for line in TOKENS.split("\n") if "ci:" not in line))
    gated.reload()
    eventually(lambda: post(gated, "/api/release-check", {"service": "checkout"})[0] == 401, timeout=seconds(10))
