"""Impact in figures, the scope table, levels that rise by rule, seven checks, and the whole record as a file."""

import csv
import io
import json

from sandbox import eventually, text_of
from steps import INC, TITLE, SOON, card, declared, incident, posted, said, seconds, settled, timeline


def files(sandbox):
    return [f for f in sandbox.state()["files"] if f["shared"]]


def with_files(sandbox, channel):
    return [m for m in sandbox.messages(channel) if m.get("files")]


def test_figures_are_on_the_card_and_raise_the_level_by_rule(bot, sandbox):
    declared(bot, sandbox, f"declare sev3 {TITLE}")
    answer = said(sandbox.command("impact 25% of EU checkouts, 1200 users", channel=INC))
    assert "1200" in answer and "Unknown: " in answer and "data-loss" in answer
    eventually(lambda: "1200 users · 25 %" in text_of(card(sandbox)), timeout=seconds(10))
    answer = said(sandbox.command("impact possible data loss in orders", channel=INC))
    assert "SEV1 now, by rule: data may be lost or corrupted" in answer
    told = sandbox.wait_message(channel=INC, contains="rule data-integrity", timeout=seconds(10))
    assert "/inc sev #1 sev3 why" in text_of(told)
    eventually(lambda: "SEV1" in text_of(card(sandbox)), timeout=seconds(10))
    # Undone with a reason only; the button asks for it.
    sandbox.click(channel=INC, ts=told["ts"], text="Back to SEV3 …")
    sandbox.wait_view("alice", timeout=seconds(10))
    sandbox.submit({"level": "sev3", "why": "only a test tenant"})
    eventually(lambda: incident(bot)["severity"] == 3, timeout=seconds(10))
    said(sandbox.command("impact possible data loss in orders and invoices", channel=INC))
    settled(bot)
    assert incident(bot)["severity"] == 3
    assert len(timeline(bot, "by rule")) == 1


def test_scope_classify_and_check_read_well(bot, sandbox):
    declared(bot, sandbox)
    for words in ("scope group EU tenants", "scope dependency payments-db unknown", "scope zone eu-west-1 --not"):
        said(sandbox.command(words, channel=INC))
    table = said(sandbox.command("scope", channel=INC))
    assert "EU tenants — affected" in table and "payments-db — unknown" in table
    assert "eu-west-1 — not affected" in table and "Recent changes*: unknown" in table
    answer = said(sandbox.command("classify widespread high", channel=INC))
    assert "SEV1: it is widespread" in answer and "Make INC-1 SEV1" in answer
    said(sandbox.command("investigating", channel=INC))
    checks = said(sandbox.command("check", channel=INC))
    assert "of 7 checks passed" in checks and "Take command" in checks
    for name in ("impact", "scope", "roles", "timeline", "checkpoint", "blameless", "actions"):
        assert name in checks


def test_an_export_comes_as_a_file_and_as_text(bot, sandbox):
    declared(bot, sandbox)
    said(sandbox.command("note =cmd|' /C calc'!A0 and \"quotes\"", channel=INC))
    assert "to this channel" in said(sandbox.command("export csv", channel=INC))
    settled(bot)
    [message] = with_files(sandbox, INC)
    [shared] = message["files"]
    assert shared["name"].startswith("inc-1-") and shared["name"].endswith(".csv")
    [file] = files(sandbox)
    rows = list(csv.reader(io.StringIO(file["text"])))
    assert rows[0] == ["section", "time", "name", "value", "who", "more"]
    assert all(len(row) == 6 for row in rows)
    assert any(row[3].startswith("'=cmd|") for row in rows)
    # Elsewhere it is for the asker alone.
    assert "to you alone" in said(sandbox.command("#1 export", user="bob"))
    settled(bot)
    assert not with_files(sandbox, "general") and len(with_files(sandbox, INC)) == 1
    assert len(files(sandbox)) == 2
    # In the shell the text is the answer, and nothing else.
    record = json.loads(bot.ctl("#1 export json")["text"])
    assert record["incident"]["title"] == TITLE and record["timeline"]
    assert bot.ctl("#1 export")["text"].startswith("# INC-1: ")


def test_a_file_whose_answer_was_lost_is_not_sent_twice(make_bot, sandbox):
    bot = make_bot(settings=SOON).start()
    declared(bot, sandbox)
    sandbox.fault("lost_answer", method="files.completeUploadExternal", count=1)
    said(sandbox.command("export", channel=INC))
    settled(bot)
    assert len(with_files(sandbox, INC)) == 1
    # Lost before the end, nobody has seen it: it is sent again.
    sandbox.clear_fault()
    sandbox.fault("lost_request", method="files.completeUploadExternal", count=1)
    said(sandbox.command("export json", channel=INC))
    settled(bot)
    assert len(with_files(sandbox, INC)) == 2


def test_without_the_right_to_send_files_it_says_where_else(make_bot, sandbox):
    bot = make_bot(settings=SOON).start()
    declared(bot, sandbox)
    sandbox.settings(missing_scopes=["files:write"])
    said(sandbox.command("export", channel=INC))
    sandbox.wait_message(channel=INC, contains="could not be sent as a file", timeout=seconds(10))
    assert not files(sandbox)
    assert not [m for m in posted(sandbox, "incidents") if "could not be sent" in m["text"]]
