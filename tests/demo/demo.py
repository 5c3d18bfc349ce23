"""The demo: a local chat workspace and a local Jira with a page in the browser, and the real bot in it.

Cadences are in seconds here instead of minutes, so that reminders can be watched.
`--scripted` (or no terminal) runs one incident by itself, prints what was seen, and exits 0 or 1.
"""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "scenario"))
sys.dont_write_bytecode = True

from bot import Bot  # noqa: E402
from sandbox import Sandbox, text_of  # noqa: E402

INVITATION = """
  sitrep is running in a local workspace. Open

      {page}

  and type, as alice in #general:

      /inc declare sev2 checkout is failing

  Then look into #incidents and the new channel. Updates are due after {cadence} here instead of 30 min:
  wait for the reminder, press its button, post an update, resolve. Switch users at the top.
  The incident has a ticket: open Jira on the page, move it there, and see the channel follow.
  From another shell:  build/sitrep ctl --socket {socket} list

  Ctrl-C ends everything.
"""


class Story:
    """Says what happens, and remembers what did not."""

    def __init__(self):
        self.missing = 0

    def step(self, what, find):
        try:
            found = find()
        except AssertionError as error:
            self.missing += 1
            print(f"  MISSING  {what}: {error}")
            return None
        print(f"  {what}")
        if isinstance(found, dict) and ("blocks" in found or "text" in found):
            print("           | " + text_of(found).split("\n")[0][:100])
        return found


def with_jira(story, sandbox, name):
    """The ticket beside the incident: made, moved by hand, in conflict, settled."""
    jira = sandbox.jira
    issue = story.step("Jira has a ticket for it", lambda: jira.wait_issue(label="sitrep"))
    if not issue:
        return
    jira.transition(issue["key"], "In Progress", user="dave")
    story.step(f"dave moves {issue['key']} to In Progress in Jira: the incident follows",
               lambda: sandbox.wait_message(name, "investigating"))
    fault = jira.fault("status", status=503)
    sandbox.command("sev 1 it is everywhere", user="bob", channel=name)
    story.step("Jira answers 503, bob raises the severity: it waits",
               lambda: sandbox.wait_idle(300) or jira.wait_call(status=503))
    jira.edit(issue["key"], priority="Low", user="dave")
    jira.clear_fault(fault)
    conflict = story.step("meanwhile dave says Low in Jira: a conflict, with two buttons",
                          lambda: sandbox.wait_message(name, "Jira says Low", timeout=30))
    if not conflict:
        return
    sandbox.click(user="bob", channel=name, ts=conflict["ts"], text="Keep ours")
    story.step("bob keeps ours: Jira has it too", lambda: jira.wait_field(issue["key"], "priority", "Highest"))


def told(done, words):
    """The answer to a command, if it says so."""
    text = text_of(done["ack_payload"] or {})
    assert words in text, text
    return {"text": text}


def gate(bot, status):
    """What a pipeline would see."""
    done = bot.run("release-check", "--service", "shop")
    assert done.returncode == status, f"exit status {done.returncode}: {done.stdout}{done.stderr}"
    return {"text": done.stdout}


WRITTEN = {
    "summary": "Checkouts failed for 40 % of the customers of shop until v2.31 was rolled back.",
    "impact": "4 of 10 checkouts failed; orders were kept and paid later.",
    "factors": "- [change] the rollout went to all regions at once\n- [detection] no alert watches the share of failed "
               "checkouts\n- [technical] retries have no limit",
    "whys": "1. Why did checkouts fail? v2.31 asked for a field that the gateway does not send.\n2. Why was that not seen? "
            "The contract test runs against a stub.",
    "detection": "A customer wrote; the first alert came 6 minutes later.",
    "defences": "The canary has no traffic of the EU.",
    "well": "The rollback took 3 minutes.",
    "poorly": "Nobody knew who may roll back.",
    "lessons": "A canary without traffic proves nothing: route 1 % of each region to it.",
}


def learning(story, sandbox, bot, name):
    """What is learned from it: a postmortem that passes, a follow-up that is proven, a gate that opens, figures."""
    def say(words, expected, user="bob"):
        return told(sandbox.command(words, user=user, channel=name), expected)

    story.step("bob starts the postmortem: a draft from the record", lambda: say("postmortem start", "draft, version 1"))
    story.step("“human error” as a factor is not taken for an answer",
               lambda: say("postmortem factor technical human error", "ends the questions"))
    story.step("so it cannot be final yet", lambda: say("postmortem final", "is not final"))
    story.step("a follow-up, with its owner, date and the sign by which it is done",
               lambda: say('followup add "alert on failed checkouts" --owner @carol --due "2 weeks" --class detect --signal '
                           '"the alert fires in the game day"', "F1"))
    for section, text in WRITTEN.items():
        say(f'postmortem edit {section} --{section} "{text}"', "kept as version")
    story.step("written, it passes its checks and is final", lambda: say("postmortem final", "is final"))
    story.step("done is what was seen: carol closes the follow-up",
               lambda: say('followup F1 done "it fired after 40 s"', "F1 is done", user="carol"))
    story.step("the gate is open again", lambda: gate(bot, 0))
    story.step("bob closes the incident", lambda: say("close", "is closed"))
    story.step("and the figures have it", lambda: say("metrics 7d", "Time to resolve"))


def scripted(sandbox, bot):
    story = Story()
    print("One incident, as people see it:\n")
    answer = story.step("alice types /inc declare sev2 checkout is failing --service shop",
                        lambda: sandbox.command("declare sev2 checkout is failing --service shop", user="alice"))
    if not answer or answer.get("failed"):
        print(f"  MISSING  an answer: {answer}")
        return 1
    channel = story.step("a channel opens", lambda: sandbox.wait_channel("checkout-is-failing", timeout=10))
    if not channel:
        return 1
    name = channel["name"]
    story.step("with a live card", lambda: sandbox.wait_message(name, "checkout is failing"))
    story.step("which is pinned", lambda: sandbox.wait_call("pins.add"))
    story.step("and announced", lambda: sandbox.wait_message("incidents", "checkout is failing"))
    sandbox.command("ic @bob", user="alice", channel=name)
    story.step("bob is made commander", lambda: sandbox.wait_message(name, "ommand"))
    story.step("the next update is due: a reminder by name, with buttons",
               lambda: sandbox.wait_message(name, "is due now", timeout=30))
    story.step("nobody posts it: the ladder goes on", lambda: sandbox.wait_message(name, "overdue", timeout=30))
    with_jira(story, sandbox, name)
    sandbox.command("update rolling back v2.31, cause not known yet. in 30m", user="bob", channel=name)
    story.step("bob posts the update", lambda: sandbox.wait_message(name, "rolling back v2.31"))
    story.step("it stands under the announcement too",
               lambda: sandbox.wait_message("incidents", "rolling back v2.31"))
    story.step("a pipeline asks whether shop may be released: no, and why", lambda: gate(bot, 1))
    sandbox.command('resolve rolled back --signal "checkout success 99.9 % for 15 min" --health "5xx at baseline"',
                    user="bob", channel=name)
    story.step("bob resolves it, with the evidence", lambda: sandbox.wait_message(name, "99.9 %"))
    story.step("the announcement says so", lambda: sandbox.wait_message("incidents", "resolved"))
    learning(story, sandbox, bot, name)
    print(f"\n{'It all happened.' if not story.missing else f'{story.missing} of it did not happen.'}")
    return 1 if story.missing else 0


def wait_for_end(bot):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        while bot.running:
            time.sleep(0.3)
        print(f"the bot ended by itself:\n{bot.log()[-4000:]}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nending")
        return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scripted", action="store_true", help="run one incident without a terminal")
    parser.add_argument("--port", type=int, default=0, help="port of the page (default: any free one)")
    options = parser.parse_args()
    by_itself = options.scripted or not sys.stdin.isatty()
    folder = Path(tempfile.mkdtemp(prefix="sitrep-demo-"))
    status = 1
    try:
        with Sandbox(port=options.port) as sandbox:
            bot = Bot(sandbox, folder, settings={"slack.pacing": "no", "delivery.retry": "[0s, 2s]",
                                                 "delivery.retry_max": "4s"})
            bot.with_jira("relay")
            if by_itself:
                bot.fast(cadence="4s", first_update="4s", offsets=("-2s", "0s", "2s", "4s", "6s"))
            else:
                bot.fast(cadence="60s", first_update="40s", offsets=("-20s", "0s", "20s", "40s", "60s"))
            try:
                bot.start()
                if by_itself:
                    status = scripted(sandbox, bot)
                else:
                    print(INVITATION.format(page=sandbox.page, cadence="60 s", socket=bot.socket), flush=True)
                    status = wait_for_end(bot)
                bot.stop()
            finally:
                bot.cleanup()
                if status and by_itself:
                    print(f"the bot's log:\n{bot.log()[-6000:]}", file=sys.stderr)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
