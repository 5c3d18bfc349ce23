"""The policies, the record and the tokens, sound or not: what sitrep says, and with which exit status."""

import os
import sqlite3
import subprocess

import pytest

from bot import binary
from sandbox import eventually
from steps import INC, TITLE, audit_whole, declared, promise, said, seconds, settled


def reloaded(bot, sign):
    before = bot.log().count(sign)
    bot.reload()
    eventually(lambda: bot.log().count(sign) > before, timeout=seconds(10))


# ---- SIGHUP ----

def test_a_new_policy_is_taken_up_at_sighup(bot, sandbox):
    declared(bot, sandbox)
    bot.policy("severity.yml", "levels:\n  2: {cadence: 7m}\n")
    reloaded(bot, "reloaded")
    sandbox.command("declare sev2 another")
    due = promise(bot, number=2)
    assert due["due_at"] - due["made_at"] == 7 * 60000
    first = promise(bot)
    assert first["due_at"] - first["made_at"] == 30 * 60000     # what was promised stays promised


def test_a_bad_policy_is_named_with_file_and_line_and_the_old_one_stays(bot, sandbox):
    bot.policy("severity.yml", "levels:\n  2:\n    cadense: 7m\n    resolve: 4 parsecs\n  1: {cadence: 2h}\n")
    reloaded(bot, "the old one stays in force")
    log = bot.log()
    assert "severity.yml:3" in log and "cadence" in log and "4 parsecs" in log and "severity.yml:5" in log
    declared(bot, sandbox)
    assert promise(bot)["due_at"] - promise(bot)["made_at"] == 30 * 60000


def test_reloads_while_commands_pour_in_lose_nothing(bot, sandbox):
    declared(bot, sandbox)
    for n in range(30):
        if n % 3 == 0:
            bot.reload()
        said(sandbox.command(f"#1 note number {n}."))
    assert len(bot.rows("SELECT 1 FROM timeline WHERE text LIKE 'number %'")) == 30


# ---- check ----

def test_check_is_content_with_what_is_shipped(make_bot):
    done = make_bot().run("check")
    assert done.returncode == 0 and "sound" in done.stdout, done


@pytest.mark.parametrize("file,text,words", [
    ("sitrep.yml", "slack:\n  bot_token: xoxb-1-2-secretsecret\n", ["sitrep.yml:2", "env:"]),
    ("sitrep.yml", "slack:\n  app_token: xapp-1-secretsecret\n", ["sitrep.yml:2", "env:"]),
    ("sitrep.yml", "slak:\n  pacing: true\n", ["slak", "slack"]),
    ("sitrep.yml", "limits:\n  queue: lots\n", ["sitrep.yml:2", "lots"]),
    ("sitrep.yml", "limits:\n  queue: 1\n  queue: 2\n", ["sitrep.yml:3"]),
    ("sitrep.yml", "timezone: Atlantis/Capital\n", ["Atlantis"]),
    ("sitrep.yml", "slack: [1, 2\n", ["sitrep.yml"]),
    ("sitrep.yml", "a: &a [*a]\n", ["sitrep.yml"]),
    ("sitrep.yml", "\x00\xff", ["sitrep.yml"]),
    ("severity.yml", "levels:\n  1: {cadence: 45m}\n", ["30 min"]),
    ("severity.yml", "levels:\n  1: {names: [sev1]}\n  2: {names: [sev1]}\n", ["sev1"]),
    ("roles.yml", "roles:\n  scribe: {title: S}\n", ["commander"]),
    ("rbac.yml", "bindings:\n  \"slack:*\": emperor\n", ["emperor"]),
    ("reminders.yml", "ladders:\n  update:\n    - {at: 5m, tell: nobody}\n", ["nobody"]),
])
def test_check_names_what_is_wrong_and_where(make_bot, file, text, words):
    bot = make_bot()
    (bot.config / file).write_bytes(text.encode("latin-1"))
    done = bot.run("check")
    assert done.returncode == 1, done
    for word in words:
        assert word in done.stderr, done.stderr
    assert "secretsecret" not in done.stdout + done.stderr
    assert bot.run("run").returncode == 1


def test_all_errors_are_said_at_once(make_bot):
    bot = make_bot()
    bot.policy("severity.yml", "levels:\n  9: {cadence: 1m}\n  2: {respond: soon}\n").policy("roles.yml", "rolls: 1\n")
    done = bot.run("check")
    assert done.returncode == 1 and all(w in done.stderr for w in ("severity.yml:2", "soon", "roles.yml", "rolls"))


def test_no_config_folder_is_said(make_bot):
    bot = make_bot()
    bot.config = bot.folder / "nowhere"
    for what in ("check", "run"):
        done = bot.run(what)
        assert done.returncode == 1 and "nowhere" in done.stderr, done


@pytest.mark.parametrize("variable,slot", [("SLACK_APP_TOKEN", "app_token"), ("SLACK_BOT_TOKEN", "bot_token")])
def test_a_missing_or_wrong_token_is_named_and_never_shown(make_bot, sandbox, variable, slot):
    bot = make_bot(env={variable: ""})
    done = bot.run("run")
    assert done.returncode == 1 and variable in done.stderr, done
    bot.env = {variable: "wrong-9f8e7d"}
    for words in (("check",), ("doctor",)):
        done = bot.run(*words)
        assert slot in done.stderr + done.stdout and "9f8e7d" not in done.stderr + done.stdout, done
    assert done.returncode == 1 and "BAD" in done.stdout


def test_no_secret_reaches_the_log(bot, sandbox):
    sandbox.fault("error", method="chat.postMessage", error="invalid_auth", count=1)
    declared(bot, sandbox, settle=False)
    bot.stop()
    assert "0123456789abcdef" not in bot.log()


# ---- other words at the shell ----

def sitrep(*words):
    return subprocess.run([binary(), *words], capture_output=True, text=True, check=False)


def test_help_version_manifest():
    assert sitrep("--version").stdout.startswith("sitrep 0.") and sitrep("--version").returncode == 0
    text = sitrep("--help")
    assert text.returncode == 0 and all(f"sitrep {w}" in text.stdout for w in ("run", "check", "doctor", "ctl", "audit"))
    assert sitrep().returncode == 2 and sitrep("frobnicate").returncode == 2
    assert sitrep("run", "--nonsense").returncode == 2 and "--nonsense" in sitrep("run", "--nonsense").stderr
    manifest = sitrep("manifest")
    assert manifest.returncode == 0 and "socket_mode_enabled: true" in manifest.stdout and "/inc" in manifest.stdout


def test_doctor_finds_all_well_and_what_is_not(bot, sandbox):
    declared(bot, sandbox)
    done = bot.run("doctor")
    assert done.returncode == 0 and "all well" in done.stdout, done.stdout
    sandbox.settings(missing_scopes=["pins:write", "chat:write"])
    done = bot.run("doctor")
    assert done.returncode == 1 and "chat:write" in done.stdout and "pins:write" in done.stdout, done.stdout
    sandbox.settings(missing_scopes=[])
    sandbox.fault("error", method="auth.test", error="invalid_auth")
    done = bot.run("doctor")
    assert done.returncode == 1 and "BAD" in done.stdout


# ---- the record ----

def test_the_audit_chain_shows_an_edit_and_a_gap(bot, sandbox):
    declared(bot, sandbox)
    said(sandbox.command("sev 1 doubled", channel=INC))
    said(sandbox.command("mitigating", channel=INC))
    settled(bot)
    bot.stop()
    assert audit_whole(bot) >= 3
    for damage in ("UPDATE audit SET actor = 'slack:U0BOB' WHERE id = 2", "DELETE FROM audit WHERE id = 2"):
        with sqlite3.connect(bot.store) as db:
            for trigger in ("audit_stays", "audit_keeps"):
                db.execute(f"DROP TRIGGER IF EXISTS {trigger}")
            db.execute(damage)
        db.close()
        done = bot.run("audit", "verify")
        assert done.returncode == 1 and "2" in done.stderr, done


def a_record(bot):
    """A stopped bot with a record of one incident; the record's path."""
    bot.start()
    declared(bot, bot.sandbox)
    bot.stop()
    return bot.store


def newer(path):
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 999")
    db.close()


def corrupt(path):
    data = bytearray(path.read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    path.write_bytes(data)


def foreign(path):
    path.unlink()
    db = sqlite3.connect(path)
    db.execute("PRAGMA application_id = 7")
    db.execute("CREATE TABLE poems (line TEXT)")
    db.commit()
    db.close()


def no_database(path):
    path.write_bytes(b"this is a letter to my aunt, and no database " * 200)


@pytest.mark.parametrize("damage,words", [(newer, "newer"), (corrupt, ""), (foreign, "another program"), (no_database, "database")])
def test_a_record_that_cannot_be_used_is_refused_and_left_alone(make_bot, damage, words):
    bot = make_bot()
    path = a_record(bot)
    damage(path)
    before = path.read_bytes()
    done = bot.run("run")
    assert done.returncode == 1 and str(path) in done.stderr and words in done.stderr, done
    assert path.read_bytes() == before
    assert bot.run("doctor").returncode == 1


def test_a_record_in_use_by_another_is_refused(bot, make_bot):
    other = make_bot()
    other.store = bot.store
    done = other.run("run")
    assert done.returncode == 1 and str(bot.store) in done.stderr, done
    assert bot.ctl("whoami")["ok"]


def test_a_place_where_no_record_can_be_is_named(make_bot):
    bot = make_bot()
    bot.store = bot.config / "sitrep.yml" / "sitrep.db"
    done = bot.run("run")
    assert done.returncode == 1 and str(bot.store.parent) in done.stderr, done


def test_a_full_disk_is_told_to_who_asks_and_passes(make_bot, sandbox):
    """The file may not grow any more: nothing is recorded, and each is told so; and nothing ends."""
    bot = make_bot(wrap=("prlimit", "--fsize=1400000")).start()
    declared(bot, sandbox)
    for n in range(100):
        answer = said(sandbox.command(f"#1 note {n} {'x' * 2900}"))
        if "othing was recorded" in answer:
            break
    assert "othing was recorded" in answer and "full" in answer and bot.running
    recorded = len(bot.rows("SELECT 1 FROM timeline"))
    assert "othing was recorded" in said(sandbox.command(f"#1 note more {'x' * 2900}"))
    bot.kill()
    bot.wrap = []
    bot.start()
    said(sandbox.command("#1 note there is room again"))
    assert len(bot.rows("SELECT 1 FROM timeline")) == recorded + 1
    audit_whole(bot)
