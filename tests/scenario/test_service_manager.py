"""What the service manager hears: ready when it can be asked, alive while both threads move, stopping."""

import os
import signal
import socket
import sqlite3
import threading
import time

import pytest

from bot import SLOWNESS


class Manager:
    def __init__(self):
        # A Unix socket's path is short by nature; names that begin with @ are in no folder at all.
        self.name = f"@sitrep-test-manager-{os.getpid()}-{id(self):x}"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + self.name[1:])

    def hear(self, seconds):
        """The next message; None when it stays silent for so long."""
        self.socket.settimeout(seconds * SLOWNESS)
        try:
            return self.socket.recv(4096).decode()
        except TimeoutError:
            return None

    def drain(self):
        self.socket.setblocking(False)
        try:
            while self.socket.recv(4096):
                pass
        except BlockingIOError:
            pass


@pytest.fixture
def manager():
    one = Manager()
    yield one
    one.socket.close()


def test_ready_alive_stopping(make_bot, manager):
    bot = make_bot(env={"NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "400000"})
    bot.start(connected=False)
    assert manager.hear(20) == "READY=1"
    # Not before the socket of the shell is there to be asked.
    assert bot.socket.exists()
    assert manager.hear(5) == "WATCHDOG=1"
    began = time.monotonic()
    assert manager.hear(5) == "WATCHDOG=1"
    assert time.monotonic() - began < 0.4 * SLOWNESS, "it must come before half of the time it is waited for has passed twice"

    # A process that does not move says nothing.
    bot.process.send_signal(signal.SIGSTOP)
    manager.drain()
    assert manager.hear(1) is None
    bot.process.send_signal(signal.SIGCONT)
    assert manager.hear(5) == "WATCHDOG=1"

    bot.process.send_signal(signal.SIGTERM)
    heard = manager.hear(5)
    while heard == "WATCHDOG=1":
        heard = manager.hear(5)
    assert heard == "STOPPING=1"
    assert bot.process.wait(3 * SLOWNESS) == 0


def test_what_does_not_start_is_never_ready(make_bot, manager):
    bot = make_bot(env={"NOTIFY_SOCKET": manager.name}, settings={"store.path": "/proc/none/sitrep.db"})
    bot.start(connected=False)
    assert bot.process.wait(20 * SLOWNESS) == 1
    assert manager.hear(0.5) is None


@pytest.fixture
def occupied(make_bot, manager):
    """A bot whose record somebody else writes to: it connects, and cannot begin. With what ends that."""
    bot = make_bot(env={"NOTIFY_SOCKET": manager.name}).start()
    bot.stop()
    manager.drain()
    other = sqlite3.connect(bot.store, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    yield bot.start(), other
    other.close()


def test_before_the_record_is_ready_nothing_is_acknowledged_and_without_it_the_bot_ends(occupied, manager, sandbox):
    bot, _ = occupied
    assert not sandbox.command("declare sev2 nobody may hear of this", timeout_ms=1000)["acked"]
    assert bot.process.wait(20 * SLOWNESS) == 1
    assert "sitrep.db is locked by another program" in bot.log().splitlines()[-1]
    assert manager.hear(0.5) is None
    assert not sandbox.connections()["usable"]


def test_what_came_before_the_record_was_ready_is_done_once_it_is(occupied, manager, sandbox):
    bot, other = occupied
    release = threading.Timer(0.5, other.rollback)
    release.start()
    assert sandbox.command("declare sev2 checkout is failing", timeout_ms=5000)["acked"]
    release.join()
    assert manager.hear(5) == "READY=1"
    assert [row["title"] for row in bot.rows("SELECT title FROM incident")] == ["checkout is failing"]


def test_ended_before_the_record_is_ready(occupied):
    bot, _ = occupied
    assert bot.stop(4) in (0, 1)


def test_without_a_watchdog_it_is_silent(make_bot, manager):
    bot = make_bot(env={"NOTIFY_SOCKET": manager.name})
    bot.start()
    assert manager.hear(5) == "READY=1"
    assert manager.hear(1) is None
