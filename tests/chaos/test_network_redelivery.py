"""What was delivered comes again after 0, 1, 5 and 30 minutes, by turned clocks: the same answer, and nothing is done twice."""

import collections
import time

from sandbox import eventually, text_of
from steps import INC, card, said, seconds, timeline

MINUTES = (0, 1, 5, 30)
NOTED = ("14:02", "said in the tracker", "Incident commander: @alice")
KINDS = ("slash_commands", "interactive", "events_api")


def acks(sandbox):
    """{envelope's id: what each of its acks said}."""
    found = collections.defaultdict(list)
    for ack in sandbox.acks()["acks"]:
        found[ack["envelope_id"]].append(text_of(ack["payload"] or {}))
    return found


def first_deliveries(sandbox):
    """{envelope's id: what its ack said} of all that has been delivered."""
    made = [each for each in sandbox.acks()["deliveries"] if each["type"] in KINDS]
    assert {each["type"] for each in made} == set(KINDS) and all(each["ack"] for each in made), made
    return {each["envelope_id"]: text_of(each["ack"]["payload"] or {}) for each in made}


def again(sandbox, first, attempt):
    """Each under its own id and under a new one; the acks say what the first one said."""
    before = acks(sandbox)
    for envelope_id in first:
        sandbox.redeliver(envelope_id=envelope_id, retry_attempt=attempt)
    eventually(lambda: all(len(said_by) > len(before[one]) for one, said_by in acks(sandbox).items() if one in first),
               timeout=seconds(10))
    answers = acks(sandbox)
    assert {envelope_id: answers[envelope_id][-1] for envelope_id in first} == first
    for envelope_id, answer in first.items():
        [new] = sandbox.redeliver(envelope_id=envelope_id, retry_attempt=attempt, new_envelope_id=True, wait_ms=5000)
        assert text_of(new["ack"]["payload"] or {}) == answer


def test_redelivered_for_half_an_hour(wired):
    wired.begin()
    bot, sandbox, storm = wired.bot, wired.sandbox, wired.storm
    wired.at_rest()
    sandbox.click(user="alice", channel=INC, ts=card(sandbox)["ts"], text="Take command")
    message = sandbox.say("the deploy began at 14:02", channel=INC)
    sandbox.react(message["ts"], channel=INC)
    sandbox.jira.comment(sandbox.jira.issues(label="sitrep")[0]["key"], "said in the tracker", user="dave")
    eventually(lambda: all(timeline(bot, text) for text in NOTED), timeout=seconds(10))
    # Somebody else takes over: the button's second coming must not take it back.
    said(sandbox.command("#1 ic @bob"))
    storm.blow(20, kill_after=None)
    wired.at_rest()
    first, last = first_deliveries(sandbox), bot.rows("SELECT max(id) AS id FROM timeline")[0]["id"]
    roles = bot.rows("SELECT * FROM role WHERE incident = 1")
    noted = {text: len(timeline(bot, text)) for text in NOTED}
    passed = 0
    for attempt, minutes in enumerate(MINUTES):
        wired.world.later(60 * (minutes - passed))
        passed = minutes
        # Slack knows no connection before the bot is back from its leap.
        wired.at_rest()
        again(sandbox, first, attempt)
        sandbox.jira.redeliver(last=100)
        time.sleep(0.1)
        wired.all_is_right()
        assert {text: len(timeline(bot, text)) for text in NOTED} == noted, minutes
        assert bot.rows("SELECT * FROM role WHERE incident = 1") == roles, minutes
    # Half an hour has passed: what was promised within it came due by itself. Nobody did anything.
    grown = bot.rows("SELECT author, text FROM timeline WHERE id > ?", last)
    assert grown and {row["author"] for row in grown} == {"sitrep"}, grown
