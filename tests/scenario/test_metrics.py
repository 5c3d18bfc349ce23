"""Figures over incidents: the answer in chat, the chart as a file, and the same for programs."""

import csv
import io
import json

from sandbox import text_of
from steps import INC, RESOLVE, declared, said, settled


def files(sandbox):
    return [f for f in sandbox.state()["files"] if f["shared"]]


def two_incidents(bot, sandbox):
    declared(bot, sandbox, "declare sev2 checkout is failing --service checkout")
    said(sandbox.command("identified", channel=INC))
    said(sandbox.command(RESOLVE, channel=INC))
    settled(bot)
    said(sandbox.command("declare sev3 search is slow --service search", channel="general"))
    settled(bot)


def test_figures_are_for_the_asker_alone_and_for_programs(bot, sandbox):
    two_incidents(bot, sandbox)
    before = len(sandbox.messages("general"))
    answer = said(sandbox.command("metrics", channel="general"))
    assert "last 30 days: 2 counted; left out (drills, cancelled, merged): 0" in answer
    assert "Time to resolve: " in answer and "(1)" in answer
    assert "Time to detect: nothing to tell" in answer
    assert "Weeks begin on Monday" in answer
    assert "SEV2 " in answer and "█ 1" in answer
    assert len(sandbox.messages("general")) == before
    assert "checkout" in said(sandbox.command("metrics --by service", channel=INC))
    # In the shell: as text, and with what programs want.
    answer = bot.ctl("metrics 90d --service checkout")
    assert "last 90 days · checkout: 1 counted" in answer["text"]
    data = bot.ctl("metrics --by severity")["doc"]["data"]
    assert data["incidents"] == 2 and data["clocks"]["time_to_detect"]["median_ms"] is None
    assert data["clocks"]["time_to_resolve"]["count"] == 1
    assert [g["incidents"] for g in data["groups"]] == [0, 1, 1, 0]
    rows = list(csv.reader(io.StringIO(bot.ctl("metrics --format csv")["text"])))
    assert rows[0][:3] == ["group", "row", "name"] and {len(row) for row in rows if row} == {15}
    assert json.loads(bot.ctl("metrics --format json")["text"])["excluded"] == 0


def test_a_chart_is_uploaded_to_the_asker(bot, sandbox):
    two_incidents(bot, sandbox)
    assert "to you alone in a direct message: metrics-year-" in said(sandbox.command("metrics year --chart", channel=INC))
    settled(bot)
    [chart] = files(sandbox)
    assert chart["name"].startswith("metrics-year-") and chart["name"].endswith(".svg")
    assert chart["text"].startswith("<svg ") and "SEV3: 1" in chart["text"]
    assert not [m for m in sandbox.messages(INC) if m.get("files")]
    # Where files may not be sent, the asker is told the way that is left.
    sandbox.settings(missing_scopes=["files:write"])
    said(sandbox.command("metrics 7d --service checkout --format csv", channel=INC))
    settled(bot)
    [told] = [m for c in sandbox.state()["channels"] for m in c["messages"] if "could not be sent as a file" in text_of(m)]
    assert 'sitrep ctl "metrics 7d --service checkout --format csv"' in text_of(told)
