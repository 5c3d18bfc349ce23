"""The disk does not come back from a sync for seconds: the connection lives on, nothing is answered before it is on disk,
and all of it is answered once when the disk is back."""

import threading
import time

import pytest

from bot import SLOWNESS
from conftest import ROUNDS
from promises import at_rest, outside_is_right, store_is_sound
from sandbox import eventually, text_of
from steps import SOON, Shell, declared, seconds, timeline
from test_service_manager import Manager
from world import World

STALL = 10 if ROUNDS > 1 else 2
PONG = 1  # s; a machine may be busy, and the stall is longer


@pytest.fixture
def manager():
    one = Manager()
    yield one
    one.socket.close()


def connection(sandbox):
    [one] = [c for c in sandbox.connections()["connections"] if c["ready"] and not c["closed"]]
    return one


def pinged(sandbox):
    """How long a pong took."""
    before, began = connection(sandbox)["pongs"], time.monotonic()
    sandbox.raw(opcode=9, text="are you there")
    eventually(lambda: connection(sandbox)["pongs"] > before, timeout=seconds(5), every=0.005)
    return time.monotonic() - began


class Asked(threading.Thread):
    """A command on its way: what became of it, and whether it was answered while the disk was away."""

    def __init__(self, sandbox, words, timeout):
        super().__init__(daemon=True)
        self.sandbox, self.words, self.timeout, self.done = sandbox, words, timeout, None
        self.start()

    def run(self):
        self.done = self.sandbox.command(self.words, timeout_ms=int(self.timeout * 1000))


def started(make_bot, sandbox, library, manager, **settings):
    bot = make_bot(settings={**SOON, **settings}, env={"NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "1000000"})
    world = World(bot, library)
    bot.start()
    declared(bot, sandbox, "declare sev2 checkout is failing", settle=False)
    at_rest(bot, sandbox)
    return bot, world


def test_pongs_come_while_the_disk_stalls_and_commands_after_it_once(make_bot, sandbox, library, manager):
    bot, world = started(make_bot, sandbox, library, manager)
    alive = connection(sandbox)["id"]
    world.stall()
    asked = [Asked(sandbox, f"#1 note token{n:02}.", STALL + seconds(20)) for n in range(5)]
    eventually(lambda: world.hanging, timeout=seconds(5))
    manager.drain()
    until, slowest, beats = time.monotonic() + STALL, 0, 0
    while time.monotonic() < until:
        slowest = max(slowest, pinged(sandbox))
        beats += manager.hear(1) == "WATCHDOG=1"
    # Nothing has left that is not on disk, and nothing new came to the one who reads the record.
    assert [one.done for one in asked] == [None] * 5
    assert not timeline(bot, "token")
    assert slowest < PONG * SLOWNESS
    assert beats >= STALL  # twice a second at least is promised
    assert world.hanging == 1
    # One more while it lasts: it waits like the others.
    asked.append(Asked(sandbox, "#1 note token05.", STALL + seconds(20)))
    time.sleep(0.3)
    world.stall(False)
    for one in asked:
        one.join(seconds(20))
        assert one.done and one.done["acked"] and not one.done["failed"], one.done
    at_rest(bot, sandbox)
    assert connection(sandbox)["id"] == alive, "the connection was given up"
    for n in range(6):
        assert len(timeline(bot, f"token{n:02}.")) == 1, n
    assert len([a for a in sandbox.acks()["acks"] if "token" in text_of(a.get("payload") or {})]) <= 6
    outside_is_right(bot, sandbox)
    store_is_sound(bot)


def test_delivered_again_during_a_stall_it_is_done_once(make_bot, sandbox, library, manager):
    """Slack gives up after three seconds and delivers again what was not acknowledged."""
    bot, world = started(make_bot, sandbox, library, manager)
    world.stall()
    given_up = sandbox.command("#1 note token00.", timeout_ms=500)
    assert not given_up["acked"]
    sandbox.redeliver(envelope_id=given_up["envelope_id"], retry_attempt=1)
    sandbox.redeliver(envelope_id=given_up["envelope_id"], retry_attempt=2, new_envelope_id=True)
    time.sleep(1)
    world.stall(False)
    eventually(lambda: timeline(bot, "token00."), timeout=seconds(10))
    at_rest(bot, sandbox)
    assert len(timeline(bot, "token00.")) == 1
    store_is_sound(bot)


def test_a_full_queue_behind_a_stalled_disk_loses_nothing(make_bot, sandbox, library, manager):
    bot, world = started(make_bot, sandbox, library, manager, **{"limits.queue": 16, "limits.batch": 4})
    world.stall()
    shells = [Shell(bot) for _ in range(30)]
    for n, shell in enumerate(shells):
        shell.send({"words": f"#1 note token{n:02}."})
    eventually(lambda: world.hanging, timeout=seconds(5))
    assert pinged(sandbox) < PONG * SLOWNESS
    time.sleep(1)
    world.stall(False)
    answers = [shell.receive() for shell in shells]
    for n, answer in enumerate(answers):
        assert answer, n
        assert len(timeline(bot, f"token{n:02}.")) == (1 if answer["ok"] else 0), (n, answer)
    assert sum(answer["ok"] for answer in answers) >= 16
    at_rest(bot, sandbox)
    store_is_sound(bot)


def test_killed_while_the_disk_stalls_it_is_done_once_at_most(make_bot, sandbox, library, manager):
    bot, world = started(make_bot, sandbox, library, manager)
    world.stall()
    given_up = sandbox.command("#1 note token00.", timeout_ms=500)
    assert not given_up["acked"] and world.hanging
    bot.kill()
    world.stall(False)
    bot.start()
    sandbox.redeliver(envelope_id=given_up["envelope_id"], retry_attempt=1)
    eventually(lambda: timeline(bot, "token00."), timeout=seconds(10))
    at_rest(bot, sandbox)
    assert len(timeline(bot, "token00.")) == 1
    store_is_sound(bot)
