"""A backup while the bot works, and what a restored record knows, says again and does not."""

import re
import subprocess
import threading

from bot import binary
from sandbox import eventually
from steps import INC, SOON, Shell, audit_whole, clean, declared, posted, seconds, settled, timeline, waiting


def sitrep(bot, name, *words):
    """`sitrep backup FILE` and the like: options come before the file."""
    sets = [part for key, value in (("store.path", bot.store), *bot.settings.items()) for part in ("--set", f"{key}={value}")]
    return subprocess.run([binary(), name, "--config", str(bot.config), *sets, *map(str, words)], text=True,
                          env=bot.environment(), cwd=bot.folder, capture_output=True, timeout=seconds(60), check=False)


def backed_up(bot, file, *words):
    done = sitrep(bot, "backup", *words, file)
    assert done.returncode == 0, done.stderr
    found = re.search(r"(\d+) incidents?, (\d+) audit entr", done.stdout)
    assert found and "integrity and audit chain verified" in done.stdout
    return int(found[1]), int(found[2])


class Writers:
    """Commands come in without end; which were acknowledged, in the order of each writer."""

    def __init__(self, bot, count=3):
        self.acked = [[] for _ in range(count)]
        self.end = threading.Event()
        self.threads = [threading.Thread(target=self.write, args=(bot, n)) for n in range(count)]

    def write(self, bot, n):
        with Shell(bot) as shell:
            i = 0
            while not self.end.is_set():
                words = f"writer {n} says {i}."
                answer = shell(f"#1 note {words}")
                assert answer["ok"], answer
                self.acked[n].append(words)
                i += 1

    def so_far(self):
        return [words for acked in self.acked for words in list(acked)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        for thread in self.threads:
            thread.join()


def tried(bot):
    """Messages that were refused and will be tried again, none of which may have been sent."""
    return bot.rows("SELECT id FROM effect WHERE kind = 'message.post' AND state = 'ready' AND attempts > 0 AND verify = 0")


def test_a_backup_under_load_has_all_that_was_acknowledged(make_bot, sandbox, tmp_path):
    bot = make_bot(settings=SOON).start()
    declared(bot, sandbox)
    before = []
    with Writers(bot) as writers:
        for n in range(4):
            eventually(lambda n=n: len(writers.so_far()) > 60 * (n + 1), timeout=seconds(20))
            before.append(writers.so_far())
            backed_up(bot, tmp_path / f"copy{n}.db")
        # It was not held up by any of it.
        eventually(lambda: len(writers.so_far()) > len(before[-1]) + 60, timeout=seconds(20))
    everything = set(writers.so_far())
    settled(bot)
    assert {row["text"] for row in timeline(bot, "writer ")} == everything
    bot.stop()
    for n in range(4):
        done = sitrep(bot, "restore", tmp_path / f"copy{n}.db")
        assert done.returncode == 0, done.stderr
        recorded = {row["text"] for row in timeline(bot, "writer ")}
        assert set(before[n]) <= recorded <= everything
    assert audit_whole(bot) > 240
    bot.start()
    assert bot.ctl("#1", "note", "and on.")["ok"]
    assert audit_whole(bot) > 240
    clean(bot)


def test_what_was_sent_since_is_found_and_not_sent_again(make_bot, sandbox, tmp_path):
    """The backup was made while messages waited, refused for their number; all of them were sent before it was restored."""
    bot = make_bot(settings=SOON).start()
    sandbox.fault("status", method="chat.postMessage", status=429, retry_after=1)
    sandbox.command("declare sev2 checkout is failing")
    eventually(lambda: len(tried(bot)) == 2, timeout=seconds(10))
    backed_up(bot, tmp_path / "copy.db")
    sandbox.clear_fault()
    settled(bot)
    assert len(posted(sandbox, "incidents")) == len(posted(sandbox, INC)) == 1
    sandbox.command("declare sev3 came later", user="bob")
    eventually(lambda: len(bot.rows("SELECT id FROM incident")) == 2, timeout=seconds(10))
    settled(bot)
    bot.stop()
    done = sitrep(bot, "restore", tmp_path / "copy.db")
    assert done.returncode == 0, done.stderr
    assert "is looked for in the chat or tracker before it is sent again" in done.stdout
    assert "their numbers will be given again" in done.stdout
    kept = re.search(r"is kept as (\S+)", done.stdout)[1]
    bot.start()
    settled(bot)
    assert len([c for c in sandbox.state()["channels"] if c.get("name") == INC]) == 1
    assert len(posted(sandbox, "incidents", "INC-1* ")) == 1
    assert len(posted(sandbox, INC)) == 1
    # What is not in the copy is not known; what was put aside has it.
    assert len(bot.rows("SELECT id FROM incident")) == 1
    bot.stop()
    assert sitrep(bot, "restore", kept).returncode == 0
    assert len(bot.rows("SELECT id FROM incident")) == 2
    clean(bot)


def test_refusals_change_nothing(make_bot, sandbox, tmp_path):
    bot = make_bot(settings=SOON).start()
    declared(bot, sandbox)
    copy = tmp_path / "copy.db"
    backed_up(bot, copy)
    again = sitrep(bot, "backup", copy)
    assert again.returncode == 1 and "--force" in again.stderr
    backed_up(bot, copy, "--force")
    running = sitrep(bot, "restore", copy)
    assert running.returncode == 1 and f"process {bot.process.pid}" in running.stderr
    assert bot.ctl("#1", "note", "still here.")["ok"]
    for name, words in (("backup", ()), ("restore", ()), ("restore", ("a", "b")), ("restore", ("--force", copy))):
        assert sitrep(bot, name, *words).returncode == 2
    bot.stop()
    damaged = bytearray(copy.read_bytes())
    at = damaged.index(b"incident.declared")
    damaged[at:at + 8] = b"INCIDENT"
    copy.write_bytes(damaged)
    done = sitrep(bot, "restore", copy)
    assert done.returncode == 3 and "audit entry" in done.stderr
    assert [row["text"] for row in timeline(bot, "still here.")]
    assert audit_whole(bot) > 1
    bot.start()
    settled(bot)
    clean(bot)
