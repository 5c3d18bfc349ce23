"""The real binary under test: started against a sandbox, with a folder of its own for everything it writes."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
APP_TOKEN = "xapp-1-A0SITREP-1-0123456789abcdef"
BOT_TOKEN = "xoxb-1-1-0123456789abcdef"
JIRA_SECRET = "a-secret-of-the-sandbox"
# What scenarios do not wait for: the sandbox plays Slack's rates only where a test asks for them.
QUICK = {"slack.pacing": "false"}
# Sanitizers and valgrind make everything slower; the waits of tests are multiplied by this.
SLOWNESS = float(os.environ.get("SITREP_TEST_SLOWNESS", "1"))


def binary():
    return os.environ.get("SITREP_BIN") or str(ROOT / "build" / "sitrep")


class Bot:
    """`wrap` goes before the binary (valgrind, faketime); `settings` are `--set key=value`."""

    def __init__(self, sandbox, folder, settings=None, wrap=(), env=None):
        self.sandbox = sandbox
        self.folder = Path(folder)
        self.config = self.folder / "config"
        self.store = self.folder / "sitrep.db"
        # A Unix socket's path is short by nature: not below pytest's long folders.
        self.socket = Path("/tmp") / f"sitrep-test-{os.getpid()}-{id(self):x}.sock"
        self.log_path = self.folder / "bot.log"
        self.settings = {**QUICK, **(settings or {})}
        self.wrap = list(wrap)
        self.env = dict(env or {})
        self.process = None
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.config.exists():
            # The folder of the policies also holds their source code, which is no policy.
            shutil.copytree(ROOT / "config", self.config, ignore=shutil.ignore_patterns("*.c", "*.h"))

    # ---- policies ----

    def policy(self, name, text):
        """Replaces one file of the config, e.g. `severity.yml`."""
        (self.config / name).write_text(text, encoding="utf-8")
        return self

    def fast(self, cadence="4s", first_update="4s", offsets=("-2s", "0s", "2s", "4s", "6s")):
        """Promises within seconds at every level, and the ladder of reminders as close together."""
        levels = "".join(f"  {n}: {{cadence: {cadence}, first_update: {first_update}}}\n" for n in (1, 2, 3, 4))
        self.policy("severity.yml", "levels:\n" + levels)
        told = ("owner", "owner_open", "responders", "channel", "tier")
        steps = "".join(f"    - {{at: {at}, tell: {tell}}}\n" for at, tell in zip(offsets, told))
        return self.policy("reminders.yml", "ladders:\n  update:\n" + steps)

    def with_jira(self, way="relay", listen=None, **keys):
        """The sandbox's Jira behind it, project PAY; `way`: how the bot learns of changes there (webhook, relay, poll).

        `listen`: HOST:PORT for webhooks. `keys` are lines of jira.yml to be replaced, e.g. create_level="none".
        """
        jira = self.sandbox.jira
        self.env.update(JIRA_URL=jira.url, JIRA_USER="sitrep@example.com", JIRA_TOKEN="a-token",
                        JIRA_WEBHOOK_SECRET=JIRA_SECRET, JIRA_RELAY_TOKEN="a-relay")
        keys = {"project": "PAY", "search_lag": "3s", "poll": "1s" if way == "poll" else "none",
                **({"relay_url": jira.relay_url} if way == "relay" else {}), **keys}
        path = self.config / "jira.yml"
        lines = path.read_text(encoding="utf-8").split("\n")
        for key, value in keys.items():
            at = [i for i, line in enumerate(lines) if line.startswith(f"{key}:")]
            assert len(at) == 1, f"{key} stands {len(at)} times in {path}"
            lines[at[0]] = f"{key}: {value}"
        path.write_text("\n".join(lines), encoding="utf-8")
        jira.settings(relay=way == "relay")
        if way == "relay":
            jira.settings(relay_token="a-relay", relay_secret=JIRA_SECRET)
        if way == "webhook":
            self.settings["http.listen"] = listen
            jira.settings(webhook={"url": f"http://{listen}/webhooks/jira", "secret": JIRA_SECRET})
        return self

    # ---- the process ----

    def command_line(self, *words):
        every = {"store.path": self.store, "ctl.socket": self.socket, **self.settings}
        sets = [part for key, value in every.items() for part in ("--set", f"{key}={value}")]
        return [*self.wrap, binary(), *(words or ("run",)), "--config", str(self.config), *sets]

    def environment(self):
        return {**os.environ, "SLACK_API_URL": self.sandbox.api_url, "SLACK_APP_TOKEN": APP_TOKEN,
                "SLACK_BOT_TOKEN": BOT_TOKEN, **self.env}

    def start(self, connected=True, timeout=20):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command_line(), env=self.environment(), cwd=self.folder,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if connected:
            self.wait_connected(timeout)
        return self

    def wait_connected(self, timeout=20):
        """Until a connection of ours has said hello and the record has its tables; fails at once when the process ends first."""
        deadline = time.monotonic() + timeout * SLOWNESS
        while time.monotonic() < deadline:
            if self.sandbox.connections()["usable"] and self.has_record():
                return
            if self.process.poll() is not None:
                raise AssertionError(f"the bot ended with {self.process.returncode}:\n{self.log()}")
            time.sleep(0.05)
        raise AssertionError(f"the bot did not connect:\n{self.log()}")

    def has_record(self):
        """The record gets ready while the bot connects."""
        try:
            return bool(self.rows("SELECT count(*) FROM incident"))
        except sqlite3.OperationalError:
            return False

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, seconds=2.0):
        """SIGTERM; the exit code. Whatever is queued, it must end within two seconds."""
        if not self.running:
            return self.process and self.process.returncode
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds * SLOWNESS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the bot did not end within {seconds * SLOWNESS} s:\n{self.log()}") from None

    def kill(self):
        """SIGKILL, as a crash or a power cut would end it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def restart(self, hard=False, **more):
        (self.kill if hard else self.stop)()
        return self.start(**more)

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def cleanup(self):
        self.kill()
        self.socket.unlink(missing_ok=True)

    # ---- talking to it ----

    def run(self, *words, timeout=20):
        """Another invocation of the binary with the same config: `bot.run("doctor")`."""
        return subprocess.run(self.command_line(*words), env=self.environment(), cwd=self.folder, text=True,
                              capture_output=True, timeout=timeout * SLOWNESS, check=False)

    def ctl(self, *words, check=True, timeout=20):
        """One operation by `sitrep ctl --json`; the parsed answer."""
        done = subprocess.run([*self.wrap, binary(), "ctl", "--socket", str(self.socket), "--json", *words],
                              env=self.environment(), cwd=self.folder, text=True, capture_output=True,
                              timeout=timeout * SLOWNESS, check=False)
        if check and done.returncode:
            raise AssertionError(f"ctl {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def db(self):
        """A read-only connection to its database."""
        connection = sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=5)
        connection.row_factory = sqlite3.Row
        return connection

    def rows(self, sql, *values):
        connection = self.db()
        try:
            return [dict(row) for row in connection.execute(sql, values)]
        finally:
            connection.close()
