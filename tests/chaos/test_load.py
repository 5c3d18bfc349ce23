"""More than anybody types: each acknowledged command is in the record once, and memory stays where it was.

The generator is tests/bench/load, beside the binary under test (SITREP_LOAD says where else). SITREP_LOAD_SECONDS: for how
long, 1 s without it; SITREP_LOAD_RATE: of the open loop, a second. From a minute on memory is judged as well: that is
for a binary without sanitizers.
"""

import json
import os
import re
import subprocess
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot import SLOWNESS, Bot, binary

SECONDS = float(os.environ.get("SITREP_LOAD_SECONDS", "1"))
LONG = SECONDS >= 60
RATE = os.environ.get("SITREP_LOAD_RATE", "2000" if LONG else "300")
LOAD = os.environ.get("SITREP_LOAD") or str(Path(binary()).parent / "tests/load/load")
MB = 1024  # in KB, as the generator says

# What is typed in turn; the number of a command says which of these it was. The first one declares incident 1.
MIX = ("declare", *("note",) * 6, "followup", "declare", *("note",) * 5, "followup", "update")
WORDS = {"declare": "declare sev4 case t{n}.", "note": "#1 note seen t{n}.", "update": "#1 update going on t{n}. in 2h",
         "followup": "#1 followup look into t{n}. in 2 weeks"}
# Where each stands once.
STANDS = {
    "declare": "SELECT title AS text FROM incident",
    "note": "SELECT text FROM timeline WHERE text LIKE 'seen %'",
    "update": "SELECT text FROM timeline WHERE text LIKE 'update: going on %'",
    "followup": "SELECT title AS text FROM followup",
}
# A delivery is known by two keys for store.keep_inbox: 8 bytes each in a table that is at least three eighths full,
# while it grows there are two of them.
KEYS_KB = 2 * 8 * 8 / 3 * 1.5 / 1024
ELSE_KB = 4 * MB  # SQLite's cache and malloc settle within the first half, but not to the byte


class Loaded:
    def __init__(self, folder):
        nowhere = SimpleNamespace(api_url="http://127.0.0.1:9/api/")
        self.bot = Bot(nowhere, folder / "bot", settings={"log.level": "warn", "slack.pacing": "true"})
        self.acked_file = folder / "acked"

    def __call__(self, *options, settings=None, words=WORDS):
        """The generator's result; whatever it was, every command that was acked stands in the record once."""
        self.bot.settings.update(settings or {})
        commands = [part for kind in MIX for part in ("--command", f"/inc {words[kind]}")]
        with open(self.bot.log_path, "wb") as log:
            done = subprocess.run([LOAD, *commands, "--acked", str(self.acked_file), "--give-up", "30", *options, "--",
                                   *self.bot.command_line()], env=self.bot.environment(), stdout=subprocess.PIPE, stderr=log,
                                  timeout=SECONDS * 3 + 120 * SLOWNESS, check=False)
        assert done.stdout, self.bot.log()[-4000:]
        result = json.loads(done.stdout)
        told = {key: value for key, value in result.items() if key != "rss_kb"}
        print(json.dumps(told))
        assert result["ended_well"], self.bot.log()[-4000:]
        assert result["missing"] == result["duplicates"] == result["unknown"] == result["malformed"] == 0, told
        assert done.returncode == 0, told
        self.once_in_the_record(result["sent"])
        return result

    def once_in_the_record(self, least):
        acked = {int(line) for line in self.acked_file.read_text(encoding="ascii").split()}
        assert len(acked) >= least > 0
        for kind, sql in STANDS.items():
            stand = Counter(int(re.search(r" t(\d+)\.", row[0]).group(1)) for row in self.bot.db().execute(sql))
            mine = {n for n in acked if MIX[n % len(MIX)] == kind}
            assert stand.keys() == mine, (kind, sorted(stand.keys() ^ mine)[:10])
            assert max(stand.values()) == 1, (kind, stand.most_common(3))
        assert self.bot.rows("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
        verified = self.bot.run("audit", "verify", timeout=60 + SECONDS)
        assert verified.returncode == 0, verified.stderr


@pytest.fixture
def loaded(tmp_path):
    assert Path(LOAD).exists(), f"{LOAD} is not built: ninja load"
    return Loaded(tmp_path)


def memory_is_flat(result):
    if not LONG:
        return
    grown = result["rss_second_half_kb"] - result["rss_first_half_kb"]
    assert grown <= result["sent"] / 2 * KEYS_KB + ELSE_KB, (grown, result["rss_kb"])


def test_a_hundred_outstanding_none_lost_none_twice(loaded):
    """A connection that is to go is read one command at a time (adapters/slack/socket_mode.c), so a hundred take a while."""
    result = loaded("--outstanding", "100", "--warm-up", "100", "--seconds", f"{SECONDS}",
                    "--refresh", f"{SECONDS / 12 if LONG else SECONDS / 4}", "--close-after", "4")
    assert result["refreshes"] >= 2 and result["links"] == result["refreshes"] + 1
    assert result["lost_links"] == 0 and result["gap_ms"] == 0
    memory_is_flat(result)


def test_at_a_fixed_rate_no_command_is_due_without_a_connection(loaded):
    """Asks for a machine that bears the rate: what a connection still holds when it is closed was never read."""
    result = loaded("--outstanding", "16", "--warm-up", "100", "--rate", RATE, "--poisson", "--seconds", f"{SECONDS}",
                    "--refresh", f"{SECONDS / 20 if LONG else SECONDS / 5}",
                    "--close-after", "2" if LONG else "0.2")
    assert result["refreshes"] >= 3
    assert result["due_in_gap"] == 0 and result["lost_links"] == 0
    memory_is_flat(result)


def test_a_full_queue_and_acks_that_are_not_taken_lose_nothing(loaded):
    """Many more outstanding than fit, with a peer that does not read what comes back: for longer than a buffer lasts."""
    many = {"--outstanding": "50000", "--count": "200000", "--deaf": "4"} if LONG else {
        "--outstanding": "1000", "--count": "1000", "--deaf": "0.1"}
    result = loaded(*(part for pair in many.items() for part in pair), "--warm-up", "16", "--receive-buffer", "4096",
                    settings={"limits.queue": "4096" if LONG else "64"})
    assert result["lost_links"] == 0
    assert not LONG or result["peak_kb"] <= 64 * MB, result["rss_kb"]
