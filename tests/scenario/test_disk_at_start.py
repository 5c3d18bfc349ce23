"""A record that cannot be written is told to the operator in words, at the start and by doctor; nothing half made is left running."""

import os
import resource
import subprocess

import pytest

from bot import SLOWNESS

NOBODY = 65534
# Root may write everywhere: then the bot runs as somebody else.
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups") if os.getuid() == 0 else ()


def open_to_all(bot):
    """Whoever runs the bot must reach its folder."""
    for folder in (bot.folder, *bot.folder.parents):
        if str(folder).startswith("/tmp/"):
            folder.chmod(folder.stat().st_mode | 0o055)


def ended(bot, *words, limit=None, wrap=AS_NOBODY):
    """(exit status, what it said) of a start, or of another subcommand, that is to end by itself."""
    def before():
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    bot.wrap = list(wrap)
    # Through a pipe: its words must not fall under the limit themselves.
    done = subprocess.run(bot.command_line(*words), env=bot.environment(), cwd=bot.folder, preexec_fn=before, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=20 * SLOWNESS, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def idle(make_bot):
    """A bot that is not running, with a record."""
    bot = make_bot().start()
    assert bot.stop() == 0
    bot.folder.chmod(0o755)
    return bot


def test_a_folder_that_may_not_be_written(make_bot):
    bot = make_bot()
    (bot.folder / "closed").mkdir(mode=0o555)
    bot.store = bot.folder / "closed" / "sitrep.db"
    open_to_all(bot)
    status, text = ended(bot)
    assert status == 1 and "closed cannot be written" in text and "give this user the right to write there" in text, text
    status, text = ended(bot, "doctor")
    assert status and "BAD   record:" in text and "this user may not write into" in text, text


def test_a_record_that_may_not_be_written(idle):
    idle.store.chmod(0o444)
    open_to_all(idle)
    status, text = ended(idle)
    assert status == 1 and "cannot be written" in text, text
    status, text = ended(idle, "doctor")
    assert status and "give this user the right to write there" in text, text


@pytest.mark.parametrize("there", [False, True], ids=["new", "there"])
@pytest.mark.parametrize("limit", [1024, 8192])
def test_a_disk_that_is_full(idle, there, limit):
    if not there:
        idle.store.unlink()
    status, text = ended(idle, limit=limit, wrap=())
    assert status == 1 and "is full: make room" in text, (status, text)
    # With room again it starts, from whatever was left.
    idle.wrap = []
    idle.start()
    assert idle.ctl("whoami")["ok"]
