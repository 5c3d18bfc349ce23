"""One incident under valgrind: no byte of it is lost, none is read that was not written."""

import shutil

import pytest

from sandbox import text_of
from steps import INC, RESOLVE, TITLE, card, eventually, posted, said, waiting

pytestmark = pytest.mark.valgrind
VALGRIND = ("valgrind", "--quiet", "--leak-check=full", "--errors-for-leak-kinds=definite", "--error-exitcode=9")


def test_an_incident_leaks_nothing(make_bot, sandbox):
    assert shutil.which("valgrind"), "valgrind is not installed"
    sandbox.time(ack_ms=20000, trigger_ms=20000)
    bot = make_bot(wrap=VALGRIND).start(timeout=90)

    def settled():
        eventually(lambda: not waiting(bot), timeout=60)

    def say(line, **more):
        return said(sandbox.command(line, timeout_ms=20000, **more))

    assert "INC-1 is open" in say(f"declare sev2 {TITLE}")
    sandbox.wait_channel(contains=INC, timeout=60)
    settled()
    for line in ("ic @bob", "update known: bad config; doing: rollback; in 20m", "sev 1 doubled", "identified bad config",
                 "fact 14:05 the deploy began", "snooze 10m vendor", "cadence 10m many ask", "timeline", "list", "sync",
                 "updte x", "help update", "whoami", "impact 25% of checkouts", RESOLVE, "reopen back again", RESOLVE):
        assert say(line, channel=INC), line
    sandbox.command("declare", timeout_ms=20000)
    sandbox.click(user="alice", channel=INC, ts=card(sandbox)["ts"], text="Timeline")
    sandbox.home("alice")
    sandbox.react(posted(sandbox, INC)[-1]["ts"], channel=INC)
    for text in ("{", "[" * 3000, '{"envelope_id":"x","type":"slash_commands","payload":{"text":7}}'):
        sandbox.raw(text=text)
    bot.reload()
    sandbox.fault("disconnect", reason="refresh_requested", close_after_ms=500)
    eventually(lambda: len(sandbox.connections()["connections"]) > 1 and sandbox.connections()["usable"] == 1, timeout=60)
    settled()
    assert "resolved" in text_of(card(sandbox))
    assert bot.stop(20) == 0, bot.log()[-8000:]
    assert "definitely lost" not in bot.log() and "Invalid read" not in bot.log()
