"""Command goes from one person to the next: by line, by button, by form; and what asks for it."""

from sandbox import eventually, text_of
from steps import INC, TITLE, announcement, card, declared, dms, posted, promise, refused, said, seconds, settled, timeline

PACKET = "checkpoint rolling back; hypothesis: bad config; decision: fail over?; next decision: in 20m"


def led_by_alice(bot, sandbox, words=f"declare sev2 {TITLE}"):
    for user in ("bob", "carol"):
        sandbox.command("whoami", user=user)
    declared(bot, sandbox, words)
    said(sandbox.command("take ic", channel=INC))
    settled(bot)


def offered(bot, sandbox, to="carol"):
    said(sandbox.command(PACKET, channel=INC))
    text = said(sandbox.command(f"handover @{to}", channel=INC))
    assert f"@{to} is asked to take command" in text and "you stay commander" in text
    settled(bot)


def commander(bot):
    rows = bot.rows("SELECT person FROM role WHERE role = 'commander'")
    return rows[0]["person"] if rows else None


def offers(bot):
    return [row["state"] for row in bot.rows("SELECT state FROM handover ORDER BY id")]


def timers(bot, name="handover"):
    return bot.rows("SELECT * FROM timer WHERE name = ?", name)


def test_a_handover_is_accepted_by_the_button_in_the_channel(bot, sandbox):
    led_by_alice(bot, sandbox)
    offered(bot, sandbox)
    [message] = posted(sandbox, INC, "offers you command of INC-1")
    text = text_of(message)
    for part in ("<@U0CAROL>", "With the checkpoint of", "stays commander until it is accepted", "Accept command",
                 "Not me"):
        assert part in text, part
    # The channel has read the packet when it was kept; whoever is asked reads it whole.
    assert "*State:*" not in text
    [told] = dms(sandbox, "carol", "offers you command of INC-1")
    for part in ("*State:* rolling back", "*Hypothesis:* bad config", "*To decide:* fail over?", "Accept command"):
        assert part in text_of(told), part
    [channel] = [c for c in sandbox.state()["channels"] if c.get("name") == INC]
    assert "U0CAROL" in channel["members"]
    assert commander(bot) == "slack:U0ALICE" and "@alice, offered to @carol until" in text_of(card(sandbox))
    assert promise(bot, "handover") and len(timers(bot)) == 1
    sandbox.click(user="carol", channel=INC, ts=message["ts"], text="Accept command")
    eventually(lambda: commander(bot) == "slack:U0CAROL", timeout=seconds(5))
    settled(bot)
    assert "commander @carol" in text_of(announcement(sandbox))
    assert "is @carol now, from @alice" in text_of(posted(sandbox, INC, "now, from")[-1])
    assert "you are relieved" in text_of(dms(sandbox, "alice", "has accepted command")[0])
    assert offers(bot) == ["accepted"] and not timers(bot) and not promise(bot, "handover")
    # Pressed again, nothing happens.
    sandbox.click(user="carol", channel=INC, ts=message["ts"], text="Accept command")
    eventually(lambda: [e for e in sandbox.ephemerals("carol") if "was accepted at" in text_of(e)], timeout=seconds(5))
    assert len(timeline(bot, "Incident commander: @carol")) == 1


def test_the_direct_message_has_the_packet_and_both_buttons(bot, sandbox):
    led_by_alice(bot, sandbox)
    offered(bot, sandbox)
    [message] = dms(sandbox, "carol", "command of INC-1")
    assert "*State:* rolling back" in text_of(message)
    sandbox.click(user="carol", channel=message["channel"] if "channel" in message else None, ts=message["ts"], text="Not me")
    eventually(lambda: offers(bot) == ["declined"], timeout=seconds(5))
    settled(bot)
    [told] = posted(sandbox, INC, "declined command")
    assert "<@U0ALICE>" in text_of(told) and commander(bot) == "slack:U0ALICE"


def test_only_the_one_it_was_offered_to_accepts(bot, sandbox):
    led_by_alice(bot, sandbox)
    offered(bot, sandbox)
    refused(sandbox.command("accept", user="bob", channel=INC), "to @carol, not to you")
    refused(sandbox.command("accept", user="alice", channel=INC), "to @carol, not to you")
    refused(sandbox.command("handover @carol", user="bob", channel=INC), "only the commander hands over")
    assert commander(bot) == "slack:U0ALICE" and offers(bot) == ["offered"]


def test_the_form_makes_packet_and_offer(bot, sandbox):
    led_by_alice(bot, sandbox)
    # Without a fresh packet the line opens the form, with the person in it.
    done = sandbox.command("handover @carol", channel=INC)
    assert not done["failed"]
    view = sandbox.wait_view("alice")
    assert "younger than 10 min" in str(view)
    answer = sandbox.submit({"person": "U0CAROL"}, view_id=view["id"])
    assert "state" in answer["ack_payload"]["errors"]
    assert offers(bot) == []
    sandbox.submit({"person": "U0CAROL", "state": "rolling back", "decision": "fail over?"}, view_id=view["id"])
    eventually(lambda: offers(bot) == ["offered"], timeout=seconds(5))
    settled(bot)
    assert "*State:* rolling back" in text_of(posted(sandbox, INC, "offers you command")[0])
    assert bot.rows("SELECT situation FROM checkpoint") == [{"situation": "rolling back"}]


def test_an_offer_nobody_answers_reminds_both_and_expires(make_bot, sandbox):
    bot = make_bot()
    with open(bot.config / "reminders.yml", encoding="utf-8") as file:
        shipped = file.read()
    bot.policy("reminders.yml", shipped.replace("expires: 15m", "expires: 3s")).start()
    led_by_alice(bot, sandbox)
    offered(bot, sandbox)
    sandbox.wait_message(channel=INC, contains="is not answered yet", timeout=seconds(10))
    [reminder] = posted(sandbox, INC, "is not answered yet")
    assert "<@U0CAROL> <@U0ALICE>" in text_of(reminder) and "Take it back" in text_of(reminder)
    sandbox.wait_message(channel=INC, contains="has expired", timeout=seconds(10))
    settled(bot)
    assert "<@U0ALICE>" in text_of(posted(sandbox, INC, "has expired")[0]) and dms(sandbox, "carol", "has expired")
    assert commander(bot) == "slack:U0ALICE" and offers(bot) == ["expired"]
    refused(sandbox.command("accept", user="carol", channel=INC), "No handover of INC-1 is open")


def test_a_restart_in_the_middle_changes_nothing(bot, sandbox):
    led_by_alice(bot, sandbox)
    offered(bot, sandbox)
    bot.kill()
    bot.start()
    assert offers(bot) == ["offered"] and commander(bot) == "slack:U0ALICE"
    assert "from @alice" in said(sandbox.command("accept", user="carol", channel=INC))
    settled(bot)
    assert commander(bot) == "slack:U0CAROL" and not timers(bot)
    assert len(posted(sandbox, INC, "offers you command")) == 1


def test_accepted_twice_at_once_it_goes_over_once(bot, sandbox):
    led_by_alice(bot, sandbox)
    offered(bot, sandbox)
    said(sandbox.command("accept", user="carol", channel=INC))
    sandbox.redeliver(last=1, type="slash_commands", wait_ms=2000)
    settled(bot)
    assert len(timeline(bot, "Incident commander: @carol, from @alice")) == 1 and offers(bot) == ["accepted"]


def test_the_end_of_the_incident_ends_the_offer(bot, sandbox):
    led_by_alice(bot, sandbox)
    offered(bot, sandbox)
    said(sandbox.command('resolve --not-verified "no traffic"', channel=INC))
    settled(bot)
    assert offers(bot) == ["withdrawn"] and not timers(bot) and not timers(bot, "chair")
    assert "it is resolved" in text_of(dms(sandbox, "carol", "any more")[0])


def test_a_long_time_in_the_chair_proposes_a_handover(make_bot, sandbox):
    bot = make_bot()
    with open(bot.config / "reminders.yml", encoding="utf-8") as file:
        shipped = file.read()
    bot.policy("reminders.yml", shipped.replace("chair_max: 3h", "chair_max: 2s")).start()
    led_by_alice(bot, sandbox)
    [message] = eventually(lambda: dms(sandbox, "alice", "You have been commander of INC-1"), timeout=seconds(10))
    sandbox.click(user="alice", channel=message.get("channel"), ts=message["ts"], text="Hand over")
    view = sandbox.wait_view("alice")
    assert "INC-1" in str(view["title"])


def test_the_commander_is_asked_for_another_strategy(make_bot, sandbox):
    bot = make_bot()
    bot.policy("severity.yml", "levels:\n  2: {strategy: 2s, checkpoint: 1h}\n").start()
    led_by_alice(bot, sandbox)
    asked = sandbox.wait_message(channel=INC, contains="Nothing is identified on INC-1", timeout=seconds(10))
    [message] = [m for m in posted(sandbox, INC, "Nothing is identified on INC-1")][:1]
    assert asked and "<@U0ALICE>" in text_of(message)
    for label in ("Ask for help", "Escalate", "Narrow the diagnosis", "Mitigate now"):
        assert label in text_of(message), label
    sandbox.click(user="alice", channel=INC, ts=message["ts"], text="Narrow the diagnosis")
    eventually(lambda: timeline(bot, "strategy: narrow the diagnosis"), timeout=seconds(5))


def test_one_person_takes_every_role_by_name(bot, sandbox):
    declared(bot, sandbox)
    text = said(sandbox.command("solo", channel=INC))
    for title in ("Incident commander", "Operations lead", "Communications lead", "Scribe"):
        assert title in text, title
    settled(bot)
    assert len(bot.rows("SELECT * FROM role WHERE person = 'slack:U0ALICE'")) == 4
    assert len(posted(sandbox, INC, "takes every free role")) == 1


def test_the_shell_offers_and_chat_accepts(bot, sandbox):
    led_by_alice(bot, sandbox)
    assert bot.ctl("handover", "#1", "@carol", "state:", "rolling", "back")["ok"]
    settled(bot)
    [message] = posted(sandbox, INC, "offers you command")
    sandbox.click(user="carol", channel=INC, ts=message["ts"], text="Accept command")
    eventually(lambda: commander(bot) == "slack:U0CAROL", timeout=seconds(5))
