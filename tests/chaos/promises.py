"""What must hold after anything: the record against what was acknowledged, the outside against the record."""

import time
from collections import Counter

from sandbox import eventually, text_of
from steps import audit_whole, clean, posted, seconds, waiting

# Where the token of a command stands once when it was carried out. Of "role" nothing tells one from the next.
TIMELINE = "SELECT text FROM timeline WHERE kind <> 'detection' AND text NOT LIKE 'title %'"
WHERE = {
    "note": TIMELINE, "update": TIMELINE, "severity": TIMELINE, "state": TIMELINE, "resolve": TIMELINE,
    "declare": "SELECT text FROM timeline WHERE kind = 'detection'",
    "title": "SELECT substr(text, instr(text, '→')) AS text FROM timeline WHERE text LIKE 'title %'",
    "followup": "SELECT title FROM followup",
    "postmortem": "SELECT body FROM review r WHERE version = (SELECT max(version) FROM review WHERE incident = r.incident)",
}


def at_rest(bot, sandbox, timeout=60):
    """Until nothing waits to be delivered, and nothing came while it was quiet, twice; with the faults gone."""
    sandbox.clear_fault()
    end = time.monotonic() + seconds(timeout)
    quiet = 0
    while quiet < 2:  # what is on its way in has become effects by then
        try:
            eventually(lambda: not waiting(bot), timeout=end - time.monotonic())
            sandbox.wait_idle(quiet_ms=300, timeout=seconds(timeout))
        except AssertionError:
            raise AssertionError(f"not at rest, waiting: {waiting(bot)[:10]}") from None
        quiet = 0 if waiting(bot) else quiet + 1


def record_is_right(bot, commands):
    """Each acknowledged command once, none that was refused, and none twice."""
    texts = {kind: "\n".join(next(iter(row.values())) for row in bot.rows(sql)) for kind, sql in WHERE.items()}
    wrong = []
    for command in commands:
        if command.kind not in texts:
            continue
        count = texts[command.kind].count(command.token)
        least, most = {"done": (1, 1), "refused": (0, 0)}.get(command.fate, (0, 1))
        if not least <= count <= most:
            wrong.append((command, count))
    assert not wrong, wrong


def posts_there(sandbox):
    """(effect's id, part) of each message of the bot, wherever it stands."""
    found = Counter()
    for channel in sandbox.state()["channels"]:
        for message in sandbox.messages(channel["id"]):
            payload = (message.get("metadata") or {}).get("event_payload") or {}
            if "op_id" in payload:
                found[payload["op_id"], payload.get("part", 0)] += 1
    return found


def outside_is_right(bot, sandbox):
    """Each post that was delivered is there once; of every incident one channel, one card, one announcement."""
    there = posts_there(sandbox)
    assert there and max(there.values()) == 1, there.most_common(3)
    recorded = {row["op_id"]: row["state"] for row in bot.rows(
        "SELECT op_id, state FROM effect WHERE kind IN ('message.post', 'message.private')")}
    differ = {op_id for op_id, _ in there} ^ {op_id for op_id, state in recorded.items() if state == "delivered"}
    assert not differ, [(op_id, recorded.get(op_id)) for op_id in differ]
    assert not bot.rows("SELECT * FROM effect WHERE state = 'failed'")
    names = Counter(int(c["name"].split("-")[1]) for c in sandbox.state()["channels"]
                    if (c.get("name") or "").startswith("inc-"))
    incidents = [row["id"] for row in bot.rows("SELECT id FROM incident")]
    assert names == {number: 1 for number in incidents}
    for number in incidents:
        said = posted(sandbox, "incidents", f"INC-{number}* ")
        assert len(said) == 1, (number, [text_of(m) for m in said])
    for c in sandbox.state()["channels"]:
        if (c.get("name") or "").startswith("inc-"):
            assert len(sandbox.channel(c["name"])["pins"]) == 1, c["name"]


def tracker_is_right(bot, sandbox, commands):
    """One issue for each incident that has one; each update that was recorded is a comment there, once."""
    keys = [row["key"] for row in bot.rows("SELECT key FROM reference WHERE system = 'jira' AND slot = 'issue'")]
    issues = [issue["key"] for issue in sandbox.jira.issues() if not issue["deleted"]]
    assert len(issues) == len(keys) == len(set(keys)), (len(issues), keys)
    comments = "\n".join(comment["text"] for key in issues for comment in sandbox.jira.issue(key)["comments"])
    recorded = "\n".join(row["text"] for row in bot.rows("SELECT text FROM timeline WHERE text LIKE 'update: %'"))
    updates = [c.token for c in commands if c.kind == "update"]
    wrong = {token: comments.count(token) for token in updates if comments.count(token) != recorded.count(token)}
    assert not wrong, wrong


def store_is_sound(bot):
    assert bot.rows("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    assert not bot.rows("PRAGMA foreign_key_check")
    assert audit_whole(bot) > 0
    clean(bot)
