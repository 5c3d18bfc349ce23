"""The connection is renewed every few hours, or lost; nobody who types a command notices."""

import threading
from collections import Counter

import pytest

from sandbox import eventually
from steps import at_once, clean, declared, seconds, timeline


def pour(sandbox, stop, results, name):
    """Types one command after the other until told to stop."""
    n = 0
    while not stop.is_set():
        words = f"#1 note {name}-{n}."
        results.append((f"{name}-{n}.", sandbox.command(words)))
        n += 1


def while_commands_pour(sandbox, happens, people=("alice", "bob", "carol")):
    """What four people typed while `happens` ran, with the answers."""
    stop, results = threading.Event(), []
    threads = [threading.Thread(target=pour, args=(sandbox, stop, results, name)) for name in people]
    for thread in threads:
        thread.start()
    try:
        eventually(lambda: len(results) > 20, timeout=seconds(10))
        happens()
        before = len(results)
        eventually(lambda: len(results) > before + 20, timeout=seconds(10))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return results


def alive(sandbox):
    return [c["id"] for c in sandbox.connections()["connections"] if c["ready"] and not c["closed"]]


def replaced(sandbox, old, count):
    """Until `count` connections are alive, none of them an old one."""
    def done():
        now = alive(sandbox)
        return len(now) == count and not set(now) & set(old)
    done.__name__ = f"{old} replaced"
    eventually(done, timeout=seconds(20))


def each_once(bot, sandbox, results):
    """Every command was recorded once and answered once, on its own socket."""
    counted = Counter(row["text"] for row in timeline(bot))
    assert all(counted[words] == 1 for words, _ in results)
    assert not [words for words, done in results if not done["acked"]]
    assert not sandbox.calls("response_url")
    acks = sandbox.acks()["acks"]
    assert {a["counted_as"] for a in acks} == {"acks"}
    assert set(Counter(a["envelope_id"] for a in acks).values()) == {1}
    clean(bot)


@pytest.mark.parametrize("connections", [1, 2])
@pytest.mark.parametrize("reason", ["refresh_requested", "warning"])
def test_a_refresh_loses_no_command_and_answers_none_twice(make_bot, sandbox, connections, reason):
    bot = make_bot(settings={"slack.connections": connections}).start()
    sandbox.wait_connected(connections)
    sandbox.settings(choose="round_robin")
    declared(bot, sandbox)

    def refresh():
        old = alive(sandbox)
        for one in old:
            sandbox.fault("disconnect", reason=reason, connection=one, close_after_ms=1000)
        replaced(sandbox, old, connections)

    each_once(bot, sandbox, while_commands_pour(sandbox, refresh))


def test_one_of_two_connections_is_lost_and_the_other_carries_on(make_bot, sandbox):
    bot = make_bot(settings={"slack.connections": 2}).start()
    sandbox.wait_connected(2)
    declared(bot, sandbox)
    old = alive(sandbox)[0]

    def lose():
        sandbox.fault("drop", connection=old)
        eventually(lambda: len(alive(sandbox)) == 2 and old not in alive(sandbox), timeout=seconds(20))

    results = while_commands_pour(sandbox, lose)
    counted = Counter(row["text"] for row in timeline(bot))
    for words, done in results:
        assert counted[words] <= 1 and (counted[words] == 1 or not done["acked"]), words
    lost = [words for words, done in results if not done["acked"]]
    assert len(lost) <= 4, lost     # those that were on the wire of the lost one
    clean(bot)


def test_ten_refreshes_in_a_row_leave_one_connection(bot, sandbox):
    declared(bot, sandbox)

    def refreshes():
        for _ in range(10):
            old = alive(sandbox)
            sandbox.fault("disconnect", reason="refresh_requested", close_after_ms=200)
            replaced(sandbox, old, 1)

    each_once(bot, sandbox, while_commands_pour(sandbox, refreshes))
    assert len(alive(sandbox)) == 1


def test_a_refresh_that_cannot_be_opened_is_tried_until_it_can(bot, sandbox):
    declared(bot, sandbox)
    old = alive(sandbox)
    sandbox.fault("status", method="apps.connections.open", status=500, count=2)
    sandbox.fault("disconnect", reason="refresh_requested", close_after_ms=500)
    replaced(sandbox, old, 1)
    assert all(done["acked"] for done in at_once([lambda: sandbox.command("whoami")] * 5))
