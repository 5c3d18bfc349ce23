"""Lines as people type them on a phone, through the real front end."""

import json

import pytest

from sandbox import text_of
from steps import INC, announcement, declared, incident, posted, promise, refused, said, settled, timeline


@pytest.fixture
def open_one(bot, sandbox):
    """An incident is open; types a line in its channel and gives what its asker reads."""
    declared(bot, sandbox)
    return lambda text, **more: said(sandbox.command(text, channel=INC, **more))


def test_quotes_and_dashes_of_a_phone_are_options(bot, sandbox):
    sandbox.command("DECLARE P1 —service payments –env Prod —customer “login” isn’t working")
    row = incident(bot)
    assert row["title"] == '"login" isn\'t working'
    assert (row["severity"], row["services"], row["environment"], row["customer_reported"]) == (2, "payments", "prod", 1)


@pytest.mark.parametrize("words", ["new sev2", "open P1", "start major", "Create SEV2", "declare severity 2"])
def test_every_way_to_say_declare(bot, sandbox, words):
    sandbox.command(f"{words} search is slow")
    row = incident(bot)
    assert row["severity"] == 2 and row["title"].endswith("search is slow")


def test_incident_is_a_second_name_of_the_command(bot, sandbox):
    sandbox.settings(commands=["/inc", "/incident"])
    said(sandbox.command("declare sev3 search is slow", command="/incident"))
    assert incident(bot)["title"] == "search is slow"


@pytest.mark.parametrize("mention,escape", [("@bob", True), ("<@U0BOB>", True), ("<@U0BOB|bob>", True), ("@bob", False)])
def test_a_person_is_named_escaped_or_not(bot, sandbox, mention, escape):
    sandbox.command("whoami", user="bob")
    declared(bot, sandbox)
    assert "commander" in said(sandbox.command(f"ic {mention}", channel=INC, escape=escape)).lower()
    assert bot.rows("SELECT person FROM role WHERE role = 'commander'") == [{"person": "slack:U0BOB"}]


@pytest.mark.parametrize("line", ["#1 sev 1 doubled", "sev #1 1 doubled", "INC-1 Severity critical doubled",
                                  "inc-1 seve P0 doubled", "sev1 doubled"])
def test_severity_in_other_words(bot, sandbox, line):
    declared(bot, sandbox)
    answer = said(sandbox.command(line))
    if line == "sev1 doubled":   # a level alone is no operation; it says which one was meant
        assert "Did you mean: /inc sev" in answer and incident(bot)["severity"] == 2
    else:
        assert "SEV1" in answer and incident(bot)["severity"] == 1 and timeline(bot, ": doubled")


@pytest.mark.parametrize("when,minutes", [("in 20m", 20), ("in 20 min", 20), (", in 1h", 60), ("next in 45 minutes", 45),
                                          ("In half an hour", None)])
def test_the_next_time_is_found_in_an_update(open_one, bot, when, minutes):
    open_one(f"update rolling back v2.31. {when}")
    due = promise(bot)
    if minutes:
        assert due["due_at"] - due["made_at"] == minutes * 60000
    else:
        assert due["due_at"] - due["made_at"] == 30 * 60000   # what cannot be read is text, and the cadence holds


def test_times_are_those_of_the_asker(open_one, bot, sandbox):
    """14:05 in Kolkata is 08:35 in UTC, whoever asks."""
    sandbox.command("whoami", user="carol")
    settled(bot)
    assert "fact" in open_one("fact 14:05 the deploy began", user="carol")
    [entry] = timeline(bot, "the deploy began")
    assert entry["text"] == "the deploy began" and (entry["happened_at"] // 60000) % 1440 == 8 * 60 + 35


def test_a_typo_does_nothing_and_says_what_was_meant(open_one, bot):
    before = len(timeline(bot))
    for typed, meant in (("updte all is well", "/inc update"), ("resovle done", "/inc resolve"),
                         ("severty 1", "/inc severity"), ("tmeline", "/inc timeline")):
        answer = refused(open_one(typed), "Did you mean")
        assert meant in answer and "nothing was done" in answer
    assert "/inc help" in open_one("frobnicate the thing") and len(timeline(bot)) == before


def test_a_prefix_is_enough_and_an_ambiguous_one_asks(open_one, bot):
    assert "Timeline of INC-1" in open_one("timel")
    answer = open_one("ca")
    assert "It could be" in answer and "/inc cancel" in answer and "/inc cadence" in answer


def marked_up(args):
    """Every text of a call in which the chat would look for mentions: all but those of plain_text."""
    if isinstance(args, dict):
        if args.get("type") == "plain_text":
            return []
        return [text for value in args.values() for text in marked_up(value)]
    if isinstance(args, list):
        return [text for value in args for text in marked_up(value)]
    return [args] if isinstance(args, str) else []


def test_a_broadcast_in_a_title_calls_nobody(bot, sandbox):
    title = "@channel <!channel> <!here> <!everyone|x> <!subteam^S0ONCALL|@oncall> @everyone is down"
    said(declared(bot, sandbox, f"declare sev2 {title}"))
    sandbox.command(f"#1 update {title}. in 20m")
    sandbox.command(f"#1 sev 1 {title}")
    settled(bot)
    sent = [c["args"] for c in sandbox.calls() if c["args"] and c["method"] in ("chat.postMessage", "chat.update",
                                                                              "conversations.setTopic")]
    assert len(sent) > 5
    for args in sent:
        for text in marked_up(args):
            for live in ("<!channel", "<!here", "<!everyone", "<!subteam", "@channel", "@everyone", "@here"):
                assert live not in text, text
    assert "is down" in text_of(announcement(sandbox))


def test_markup_in_a_title_stays_text(bot, sandbox):
    said(declared(bot, sandbox, "declare sev2 <https://evil.example|click> *bold* <@U0BOB> `code` & <b>"))
    settled(bot)
    raw = json.dumps([m for m in posted(sandbox, "incidents")], ensure_ascii=False)
    assert "<https://evil.example" not in raw and "<b>" not in raw and "&amp;" in raw


@pytest.mark.parametrize("text", ["", "   ", "\x01\x02\x03\x1b[2J", "​", "\u202e\u200f"])
def test_an_empty_line_gets_help(bot, sandbox, text):
    answer = said(sandbox.command(text))
    assert "/inc help" in answer or "declare" in answer
    assert not bot.rows("SELECT id FROM incident")


def test_forty_thousand_characters_are_refused_by_name_and_number(open_one, bot):
    before = len(timeline(bot))
    for line in ("note " + "x" * 40000, "declare sev2 " + "é" * 40000, "update " + "word " * 8000,
                 "<@U0BOB> " * 4000, "--" * 20000, "“" * 40000):
        answer = open_one(line)
        assert answer and len(answer) < 4000, line[:20]
    assert "40000 characters long" in open_one("note " + "x" * 40000)
    assert len(timeline(bot)) == before and len(bot.rows("SELECT id FROM incident")) == 1


def test_the_longest_text_that_fits_is_shown_whole(open_one, bot, sandbox):
    text = " ".join(f"w{n}" for n in range(590))[:2990]
    open_one("update " + text + ". in 20m")
    settled(bot)
    shown = "".join(text_of(m) for m in posted(sandbox, INC))
    assert all(word in shown for word in text.split())


def test_only_mentions_is_nothing_to_do(open_one, bot):
    for line in ("<@U0BOB>", "@bob", "<@U0BOB> <@U0ALICE>", "<#C0GENERAL|general>", "<https://x.example>", "🔥"):
        assert "nothing was done" in open_one(line), line


def test_help_of_every_operation_comes_from_the_table(bot, sandbox):
    text = said(sandbox.command("help"))
    names = text.split(": ", 1)[1].split(". More about one", 1)[0].split(", ")
    assert len(names) > 40
    shown = text.split(". More about one", 1)[1]
    for name in names:
        one = said(sandbox.command(f"help {name}"))
        assert f"/inc {name}" in one, name
        assert name in shown, name
