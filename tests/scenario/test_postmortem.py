"""From the end of an incident to a final postmortem: drafted, written by form, refused, mended, final; as a file out and back."""

import pytest

from sandbox import eventually, text_of
from steps import INC, RESOLVE, audit_whole, declared, dms, incident, posted, promise, refused, said, seconds, settled, timeline

LINES = (
    "postmortem factor change the rollout went to all regions at once",
    "postmortem factor detection no alert on retries",
    "postmortem factor technical the client retries without a limit",
    "postmortem why Why did payments fail? Because the pool was used up.",
    "postmortem edit detection A customer wrote at 13:55; no alert fired.",
    "postmortem edit defences The canary should have caught it, but it sends no payments.",
    "postmortem edit well The rollback took 4 minutes.",
    "postmortem edit poorly It took 20 minutes to find the dashboard.",
    "postmortem edit impact 1200 users could not pay between 13:50 and 14:52.",
)


def review(bot):
    found = bot.rows("SELECT * FROM review WHERE incident = 1 ORDER BY version DESC LIMIT 1")
    return found[0] if found else None


def over(bot, sandbox):
    declared(bot, sandbox)
    said(sandbox.command("take ic", channel=INC))
    said(sandbox.command("note the rollout began", channel=INC))
    return said(sandbox.command(RESOLVE, channel=INC))


def written(sandbox):
    for line in LINES:
        assert "kept as version" in said(sandbox.command(line, channel=INC)), line
    said(sandbox.command('followup alert on retries above 5 per second @bob in 2 weeks --class detect '
                         '--signal "the alert fires in the game day"', channel=INC))


def test_from_the_end_to_final(bot, sandbox):
    assert "A postmortem is owed by @alice until" in over(bot, sandbox)
    assert promise(bot, "review")
    settled(bot)
    [told] = posted(sandbox, INC, "A postmortem is owed by")
    sandbox.click(channel=INC, ts=told["ts"], text="Start postmortem")
    eventually(lambda: review(bot), timeout=seconds(10))
    assert (review(bot)["version"], review(bot)["state"]) == (1, "draft")
    written(sandbox)

    # By form, with what stands there.
    refused(sandbox.command("postmortem final", channel=INC), "is not final")
    said(sandbox.command("postmortem edit summary", channel=INC))
    view = sandbox.wait_view("alice", timeout=seconds(10))
    assert "checkout is failing" in str(view["blocks"])
    sandbox.submit({"summary": "The outage was caused by human error of the operator."}, view_id=view["id"])
    eventually(lambda: "operator" in review(bot)["body"], timeout=seconds(10))
    said(sandbox.command("postmortem edit lessons Limits on retries are part of every client.", channel=INC))
    answer = refused(sandbox.command("postmortem final", channel=INC), "is not final")
    assert "Summary" in answer and "caused by human" in answer and "--waive" in answer, answer
    refused(bot.ctl("close", "#1", check=False)["text"], "needs a finished postmortem")

    # Mended, it is reviewed and final.
    said(sandbox.command("postmortem edit summary Payments failed for 62 minutes after a rollout; rolling it back ended it.",
                         channel=INC))
    answer = said(sandbox.command("postmortem review @bob", channel=INC))
    assert "asked by direct message: @bob" in answer, answer
    settled(bot)
    assert dms(sandbox, "bob", "asks you to review the postmortem of INC-1")
    answer = said(sandbox.command("postmortem final", user="bob", channel=INC))
    assert "is final" in answer, answer
    assert review(bot)["state"] == "final" and not promise(bot, "review") and promise(bot, "review", "kept")
    [entry] = bot.rows("SELECT * FROM audit WHERE entity = 'postmortem' AND action = 'postmortem.final'")
    assert "post-incident-review" in entry["meta"]
    assert timeline(bot, "postmortem final")

    said(sandbox.command("postmortem export", channel=INC))
    settled(bot)
    [file] = [f for f in sandbox.state()["files"] if f["shared"]]
    assert file["text"].startswith("# Postmortem of INC-1: checkout is failing") and "- [change] the rollout" in file["text"]
    assert "alert on retries above 5 per second" in file["text"]
    said(sandbox.command("close", channel=INC))
    assert incident(bot)["state"] == "closed"
    audit_whole(bot)


def test_as_a_file_out_and_back(bot, sandbox, tmp_path):
    over(bot, sandbox)
    written(sandbox)
    # Two ways out, the same bytes; while the bot runs, and when it does not.
    out = bot.run("postmortem", "export", "1")
    assert out.returncode == 0, out.stderr
    assert out.stdout.strip() == bot.ctl("#1 postmortem export")["text"].strip()
    file = tmp_path / "inc-1.md"
    file.write_text(out.stdout.replace("The rollback took 4 minutes.", "The rollback took 5 minutes – “at most”."), encoding="utf-8")
    done = bot.run("postmortem", "import", "1", str(file))
    assert done.returncode == 0, done.stderr
    assert "What went well: kept as version" in done.stdout
    assert "5 minutes – “at most”." in review(bot)["body"]
    # From the same file, another change of the same section: the file is older than what stands.
    file.write_text(out.stdout.replace("The rollback took 4 minutes.", "The rollback took 6 minutes."), encoding="utf-8")
    done = bot.run("postmortem", "import", "1", str(file))
    assert done.returncode == 1 and "changed What went well in version" in done.stderr
    file.write_text(out.stdout.replace("## Lessons", "## Lessens"), encoding="utf-8")
    done = bot.run("postmortem", "import", "1", str(file))
    assert done.returncode == 1 and "line " in done.stderr and '"Lessens"' in done.stderr
    # The line it names is the one.
    number = int(done.stderr.split("line ")[1].split(":")[0])
    assert file.read_text(encoding="utf-8").split("\n")[number - 1] == "## Lessens"

    page = bot.run("postmortem", "export", "--html", "INC-1")
    assert page.returncode == 0 and page.stdout.startswith("<!doctype html>") and "<h2>Contributing factors</h2>" in page.stdout
    version = review(bot)["version"]
    bot.stop()
    assert bot.run("postmortem", "export", "1").returncode == 0
    done = bot.run("postmortem", "import", "1", str(file.with_name("none.md")))
    assert done.returncode == 2 and "No such file" in done.stderr
    file.write_text(out.stdout, encoding="utf-8")
    done = bot.run("postmortem", "import", "1", str(file))
    assert done.returncode == 2 and "read back by the running bot" in done.stderr
    assert review(bot)["version"] == version
    assert bot.run("postmortem", "export", "7").returncode == 1


def test_a_file_larger_than_the_socket_takes(bot, sandbox, tmp_path):
    over(bot, sandbox)
    long = "x" * 2900
    for n in range(25):
        said(sandbox.command(f"note {n} {long}", channel=INC))
    said(sandbox.command("postmortem edit lessons Limits are part of every client.", channel=INC))
    out = bot.run("postmortem", "export", "1").stdout
    assert len(out) > 65536
    file = tmp_path / "inc-1.md"
    file.write_text(out.replace("Limits are part", "Limits on retries are part"), encoding="utf-8")
    done = bot.run("postmortem", "import", "1", str(file))
    assert done.returncode == 0, done.stderr
    assert "were not compared" in done.stderr and "Limits on retries" in review(bot)["body"]


@pytest.mark.parametrize("words", [[], ["export"], ["import", "1"], ["export", "x"], ["delete", "1"], ["export", "--what", "1"]])
def test_usage(make_bot, words):
    done = make_bot().run("postmortem", *words)
    assert done.returncode == 2 and done.stderr


def test_a_template_of_ones_own(make_bot, sandbox):
    bot = make_bot()
    bot.policy("postmortem.md", "What happened: {{summary}}\n\nWho was hit: {{impacts}}\n")
    bot.policy("reviews.yml", "review: {template: postmortem.md, publish: [channel]}\n")
    done = bot.run("check")
    assert done.returncode == 1 and "postmortem.md:3:14: {{impacts}} stands for nothing" in done.stderr, done.stderr
    bot.policy("postmortem.md", "What happened: {{summary}}\n\nWho was hit: {{impact}}\n")
    assert bot.run("check").returncode == 0
    bot.start()
    over(bot, sandbox)
    said(sandbox.command("postmortem edit summary Payments failed.", channel=INC))
    said(sandbox.command('postmortem final --waive "a test"', channel=INC))
    settled(bot)
    [file] = [f for f in sandbox.state()["files"] if f["shared"]]
    assert file["text"].startswith("What happened: Payments failed.\n")
    assert text_of(sandbox.wait_message(channel=INC, contains="without passing its checks: a test", timeout=seconds(10)))
