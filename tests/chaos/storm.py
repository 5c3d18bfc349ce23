"""A storm of commands by several people at once; every command carries a word that no other one has.

What became of each is kept: `done` (acknowledged and carried out), `refused` (acknowledged, and it changed nothing),
`answered` (acknowledged, one or the other), `silent` (no answer: it may stand or not, but once at most).
"""

import threading

from sandbox import text_of
from steps import Shell, at_once

PEOPLE = ("alice", "bob", "carol", "dave")


class Command:
    def __init__(self, words, token, kind):
        self.words, self.token, self.kind = words, token, kind
        self.fate = "silent"

    def __repr__(self):
        return f"{self.kind} {self.token}: {self.fate}: {self.words}"


class Storm:
    """`dice`: a seeded random.Random. Incident 1 stays open; all the others may end."""

    # What is typed, and how often.
    KINDS = {
        "note": (8, "#{n} note {t}."),
        "update": (5, "#{n} update {t}. in 20m"),
        "declare": (3, "declare sev{level} case {t}"),
        "severity": (3, "#{n} sev {level} {t}"),
        "state": (3, "#{n} {state} {t}"),
        "title": (1, "#{n} title case {t}"),
        "followup": (3, "#{n} followup look into {t} @{person} in 2 weeks"),
        "postmortem": (3, "#{n} postmortem {part} {t}"),
        "resolve": (2, '#{n} resolve {t} --signal "99.9 %" --health "at baseline"'),
        "role": (2, "#{n} {role} @{person}"),
    }
    # Of these no open incident refuses any.
    TAKEN = ("note", "update", "declare", "followup")
    STATES = ("investigating", "identified", "mitigating", "monitoring")

    def __init__(self, bot, sandbox, dice, seed):
        self.bot, self.sandbox, self.dice, self.seed = bot, sandbox, dice, seed
        self.commands = []

    def make(self):
        kind = self.dice.choices(list(self.KINDS), [often for often, _ in self.KINDS.values()])[0]
        token = f"token{self.seed:04}x{len(self.commands):04}z"
        number = self.dice.randint(2, 4) if kind in ("resolve", "postmortem") else self.dice.choice((1, 1, 2, 3))
        words = self.KINDS[kind][1].format(
            n=number, t=token, level=self.dice.randint(1, 3), state=self.dice.choice(self.STATES),
            person=self.dice.choice(PEOPLE), role=self.dice.choice(("ic", "ops", "scribe")),
            part=self.dice.choice(("factor change", "why")))
        self.commands.append(Command(words, token, kind))
        return self.commands[-1]

    def by_chat(self, command, person):
        done = self.sandbox.command(command.words, user=person, timeout_ms=800)
        if done["acked"]:
            said = text_of(done["ack_payload"] or {})
            # What did not ride on the ack comes later, and is not waited for.
            certain = command.kind in self.TAKEN and command.words.startswith(("#1 ", "declare"))
            command.fate = "done" if certain else "answered"
            assert not certain or "nothing was done" not in said.lower(), (command, said)

    def by_shell(self, command):
        try:
            with Shell(self.bot) as shell:
                answer = shell(command.words)
        except OSError:
            return
        if answer:
            changed = answer["ok"] and "nothing was changed" not in answer["text"].lower()
            command.fate = "done" if changed else "refused"

    def blow(self, number, kill_after, slowness=1.0):
        """So many commands at once, while the bot is killed after so many seconds (None: it is not)."""
        commands = [self.make() for _ in range(number)]
        ways = [self.dice.choice(PEOPLE + ("shell", "shell", "shell")) for _ in commands]
        calls = [(lambda c=c, w=w: self.by_shell(c) if w == "shell" else self.by_chat(c, w))
                 for c, w in zip(commands, ways)]
        killer = threading.Timer((kill_after or 0) * slowness, self.bot.kill)
        if kill_after is not None:
            killer.start()
        failed = [result for result in at_once(calls, workers=10) if isinstance(result, Exception)]
        if kill_after is not None:
            killer.join()
        assert not failed, failed
