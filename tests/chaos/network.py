"""A bot whose every connection goes through wires that tests may spoil, in a world that they may turn."""

import random
import subprocess

from promises import at_rest, outside_is_right, record_is_right, store_is_sound, tracker_is_right
from sandbox import eventually
from steps import SOON, declared, seconds, waiting
from storm import Storm
from wire import Wire
from world import World

PARTS = ("chat", "socket", "jira")


class Wired:
    """`names`: what the hosts are called; `tls`: a part's server side of TLS."""

    def __init__(self, make_bot, sandbox, library, seed, names=None, tls=None, ca_file=None):
        names, tls = names or {}, tls or {}
        self.sandbox, self.seed, self.dice = sandbox, seed, random.Random(seed)
        far = {"chat": sandbox.api_url, "socket": sandbox.socket_url, "jira": sandbox.jira.url}
        self.wires = {part: Wire(far[part], f"{seed} {part}", names.get(part, "127.0.0.1"), tls.get(part))
                      for part in PARTS}
        settings = {**SOON, **({"slack.ca_file": str(ca_file)} if ca_file else {})}
        self.bot = make_bot(settings=settings).with_jira(
            "relay", search_lag="1s", **({"ca_file": str(ca_file)} if ca_file else {}),
            relay_url="ws" + self.wires["jira"].url("/jira/relay").removeprefix("http"))
        self.bot.env.update(SLACK_API_URL=self.wires["chat"].url(), JIRA_URL=self.wires["jira"].url())
        self.world = World(self.bot, library)
        self.addresses()
        self.storm = Storm(self.bot, sandbox, self.dice, seed)

    def addresses(self):
        self.sandbox.settings(addresses={"api": self.wires["chat"].url("/"), "socket": self.wires["socket"].url()})
        self.sandbox.jira.settings(retry_scale=0.001, flavour="cloud")

    def begin(self):
        """Connected, with the incidents that a storm is about."""
        self.bot.start()
        for words in ("checkout is failing", "mail is late", "search is slow"):
            declared(self.bot, self.sandbox, f"declare sev2 {words}", settle=False)
        return self

    def by_shell(self, number=4):
        """So many commands while chat cannot bring any; each is taken."""
        made = []
        while len(made) < number:
            command = self.storm.make()
            if command.kind not in Storm.TAKEN:
                self.storm.commands.pop()
                continue
            command.words = command.words.replace("#2 ", "#1 ").replace("#3 ", "#1 ")
            self.storm.by_shell(command)
            assert command.fate == "done", command
            made.append(command)
        return made

    def mend(self, drop=True):
        for wire in self.wires.values():
            wire.mend(drop)

    def drop(self):
        for wire in self.wires.values():
            wire.drop()

    def patient(self, until, timeout=30, step=5):
        """Waits for `until` while the time-outs of minutes pass in no time."""
        def turned():
            found = until()
            if not found and self.bot.running:
                self.world.later(step)
            return found
        return eventually(turned, timeout=seconds(timeout), every=0.1)

    def at_rest(self):
        """Connected, and nothing waits; what pauses after a failure does so in turned time."""
        self.patient(lambda: self.sandbox.connections()["usable"] and not waiting(self.bot), step=3)

    def all_is_right(self):
        self.mend()
        self.sandbox.clear_fault()
        self.at_rest()
        at_rest(self.bot, self.sandbox)
        record_is_right(self.bot, self.storm.commands)
        outside_is_right(self.bot, self.sandbox)
        tracker_is_right(self.bot, self.sandbox, self.storm.commands)
        store_is_sound(self.bot)

    def close(self):
        for wire in self.wires.values():
            wire.close()


# ---- certificates ----

def openssl(*words, folder):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def certificate(folder, name, host, signed=True):
    """A key and a certificate for `host`, by the authority of this folder or by nobody; (certificate, key)."""
    new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    if not (folder / "ca.pem").exists():
        openssl(*new, "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem", folder=folder)
    files = ["-keyout", f"{name}.key", "-out", f"{name}.pem"]
    about = ["-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"]
    if signed:
        openssl(*[word for word in new if word not in ("-x509", "-days", "2")], *about, "-keyout", f"{name}.key",
                "-out", f"{name}.csr", folder=folder)
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                "-copy_extensions", "copy", "-out", f"{name}.pem", folder=folder)
    else:
        openssl(*new, *about, *files, folder=folder)
    return folder / f"{name}.pem", folder / f"{name}.key"
