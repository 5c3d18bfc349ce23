"""What a person does in the client: type a command, press a button, submit a form; and what they then see."""

import time

from . import api_chat
from .api_conversations import join
from .api_marks import react, unreact
from .api_views import checked_view, push
from .blocks import elements_of
from .errors import SlackError
from .socket_mode import slash_payload
from .web_api import Args
from .workspace import APP_ID, TEAM_DOMAIN, TEAM_ID

TROUBLE = "We had some trouble connecting. Try again?"
TEXT_MOST = 100_000

# The field of an action, and of a view's state, that carries what was chosen.
CHOSEN = {
    "static_select": "selected_option", "external_select": "selected_option", "radio_buttons": "selected_option",
    "overflow": "selected_option", "users_select": "selected_user", "conversations_select": "selected_conversation",
    "channels_select": "selected_channel", "datepicker": "selected_date", "timepicker": "selected_time",
    "datetimepicker": "selected_date_time", "checkboxes": "selected_options",
    "multi_static_select": "selected_options", "multi_users_select": "selected_users",
    "multi_conversations_select": "selected_conversations", "multi_channels_select": "selected_channels",
    "button": "value", "plain_text_input": "value", "email_text_input": "value", "url_text_input": "value",
    "number_input": "value",
}
INITIAL = {"selected_option": "initial_option", "selected_user": "initial_user",
           "selected_conversation": "initial_conversation", "selected_channel": "initial_channel",
           "selected_date": "initial_date", "selected_time": "initial_time",
           "selected_date_time": "initial_date_time", "selected_options": "initial_options",
           "selected_users": "initial_users", "selected_conversations": "initial_conversations",
           "selected_channels": "initial_channels", "value": "initial_value"}


class Impossible(Exception):
    """The person cannot do this: no such user, message, button. The test is wrong, not the app."""


def all_options(element):
    options = list(element.get("options") or [])
    for group in element.get("option_groups") or []:
        options += group.get("options") or []
    return options


def given(element, value):
    """`value` as this element reports it; option values may be given by value or by label."""
    key = CHOSEN[element["type"]]
    if value is None:
        return [] if key.endswith("options") else None

    def option(wanted):
        wanted = wanted.get("value") if isinstance(wanted, dict) else str(wanted)
        for item in all_options(element):
            if wanted in (item["value"], item["text"]["text"]):
                return item
        raise Impossible(f"{wanted!r} is not among the options of {element.get('action_id')}")

    if key == "selected_option":
        return option(value)
    if key == "selected_options":
        return [option(item) for item in (value if isinstance(value, list) else [value])]
    if key == "selected_date_time":
        return int(value)
    return value if isinstance(value, list) else str(value)


def state_of(blocks, values=None):
    """The `state.values` of a surface: what is filled in, else what stood there at first."""
    values = values or {}
    state = {}
    for block in blocks:
        for element in elements_of(block):
            key = CHOSEN.get(element.get("type"))
            if key is None or element["type"] in ("button", "overflow"):
                continue
            wanted = values.get(block["block_id"], values.get(element["action_id"]))
            if isinstance(wanted, dict) and element["action_id"] in wanted:
                wanted = wanted[element["action_id"]]
            if wanted is None and block["block_id"] not in values and element["action_id"] not in values:
                chosen = element.get(INITIAL[key], [] if key == "selected_options" else None)
            else:
                chosen = given(element, wanted)
            state.setdefault(block["block_id"], {})[element["action_id"]] = {"type": element["type"], key: chosen}
    return {"values": state}


class People:
    def __init__(self, ws, api, hub):
        self.ws = ws
        self.api = api
        self.hub = hub

    # ---- who and where ----

    def person(self, key):
        user = self.ws.user(key)
        if user is None:
            raise Impossible(f"there is no user {key!r}")
        return user

    def place(self, key, user, open_only=True):
        key = str(key or "")
        if key in ("im", "@sitrep", "sitrep"):
            return self.ws.direct_channel(user["id"])
        channel = self.ws.channel(key)
        if channel is None:
            raise Impossible(f"there is no channel {key!r}")
        if channel.archived and open_only:
            raise Impossible(f"#{channel.name} is archived")
        if channel.private and user["id"] not in channel.members:
            raise Impossible(f"{user['name']} is not in #{channel.name}")
        return channel

    def response_url(self, user, channel, ts=None, ephemeral=False):
        return f"{self.api.base_url}/response/{self.ws.new_response(user['id'], channel.id, ts, ephemeral)}"

    def about(self, user):
        """What every interaction says about its sender."""
        return {"user": {"id": user["id"], "username": user["name"], "name": user["name"], "team_id": TEAM_ID},
                "team": {"id": TEAM_ID, "domain": TEAM_DOMAIN}, "api_app_id": APP_ID, "token": "sandbox",
                "enterprise": None, "is_enterprise_install": False}

    def seen_since(self, user, since):
        return [e for e in self.ws.ephemerals if e["user"] == user["id"] and float(e["ts"]) > since]

    # ---- commands ----

    async def command(self, user_key, channel_key, text, command="/inc", escape=True, seconds=None):
        """Types a slash command and waits for what comes of it."""
        user = self.person(user_key)
        channel = self.place(channel_key, user)
        since = float(self.ws.new_ts())
        if command not in self.ws.commands:
            # Slack sends the app nothing that is not its own.
            self.ws.add_ephemeral(channel, user["id"], f"`{command}` is not a valid command.", sender="slackbot")
            return {"acked": False, "failed": "unknown_command", "ephemeral": self.seen_since(user, since), "views": []}
        text = str(text)[:TEXT_MOST].strip() if escape else str(text)
        trigger = self.ws.new_trigger(user["id"])
        payload = slash_payload(self.ws, user, channel, command, self.ws.escape_typed(text) if escape else text,
                                trigger, self.response_url(user, channel))
        delivery = await self.hub.ask(self.hub.envelope("slash_commands", payload), seconds)
        posted = None
        if delivery.failed:
            self._failure(channel, user, command, delivery.failed)
        elif delivery.ack["payload"]:
            posted = self._ack_message(channel, user, command, delivery.ack["payload"])
        return {**self._outcome(delivery), "trigger_id": trigger, "response_url": payload["response_url"],
                "message": posted if posted and "channel" not in posted else None,
                "ephemeral": self.seen_since(user, since),
                "views": [self.ws.show_view(v) for v in self.ws.views.values() if v.get("trigger_id") == trigger]}

    @staticmethod
    def _outcome(delivery):
        return {"envelope_id": delivery.id, "acked": delivery.ack is not None and not delivery.failed,
                "ack_payload": delivery.ack and delivery.ack["payload"], "ack_ms": delivery.ack and delivery.ack["ms"],
                "failed": delivery.failed}

    def _failure(self, channel, user, command, why):
        self.ws.add_ephemeral(channel, user["id"], f"{command} failed with the error \"{why}\"", sender="slackbot")

    def _ack_message(self, channel, user, command, payload):
        """The payload of a command's ack is a message; one that Slack would not take is a failure people see."""
        try:
            if not isinstance(payload, dict):
                raise SlackError("invalid_command_response")
            args = Args(payload)
            blocks = api_chat.checked_blocks(self.api, args)
            text = args.text("text")
            if not text.strip() and not blocks:
                return None
            return api_chat.say(self.api, channel, user["id"], args, text[:api_chat.TEXT_CUT], blocks)
        except SlackError as error:
            self._failure(channel, user, command, error.name)
            return None

    # ---- buttons and selects ----

    def _surface(self, user, spec):
        """(blocks, view or None, channel or None, message or ephemeral or None) that a click is on."""
        if spec.get("view"):
            view = self.ws.views.get(spec["view"])
            if view is None or view["user"] != user["id"]:
                raise Impossible(f"{user['name']} has no view {spec['view']}")
            return view["blocks"], view, None, None
        channel = self.place(spec.get("channel"), user, open_only=False)
        ts = str(spec.get("ts", ""))
        message = channel.messages.get(ts) or self.ws.find_ephemeral(channel.id, ts)
        if message is None:
            raise Impossible(f"there is no message {ts} in #{channel.name}")
        return message.get("blocks") or [], None, channel, message

    @staticmethod
    def _find(blocks, spec):
        """The element that is meant: by action_id, label, or value, and by block_id where that is not enough."""
        for block in blocks:
            if spec.get("block_id") and spec["block_id"] != block.get("block_id"):
                continue
            for element in elements_of(block):
                label = (element.get("text") or {}).get("text")
                if "action_id" in spec and spec["action_id"] != element.get("action_id"):
                    continue
                if "text" in spec and spec["text"] != label:
                    continue
                if "action_id" not in spec and "text" not in spec and spec.get("value") != element.get("value"):
                    continue
                if element["type"] == "button" and "action_id" in spec and "value" in spec \
                        and spec["value"] != element.get("value"):
                    continue
                return block, element
        wanted = {key: spec[key] for key in ("action_id", "text", "value", "block_id") if key in spec}
        raise Impossible(f"nothing to press like {wanted}")

    async def click(self, spec):
        user = self.person(spec.get("user"))
        blocks, view, channel, message = self._surface(user, spec)
        block, element = self._find(blocks, spec)
        kind = element["type"]
        since = float(self.ws.new_ts())
        action = {"action_id": element["action_id"], "block_id": block["block_id"], "type": kind,
                  "action_ts": self.ws.new_ts()}
        if kind == "button":
            action["text"] = element["text"]
            if "value" in element:
                action["value"] = element["value"]
        else:
            action[CHOSEN[kind]] = given(element, spec.get("choose", spec.get("value")))
        if message is not None and kind != "button" and kind != "overflow":
            message.setdefault("chosen", {}).setdefault(block["block_id"], {})[element["action_id"]] = \
                spec.get("choose", spec.get("value"))
        trigger = self.ws.new_trigger(user["id"])
        payload = {"type": "block_actions", **self.about(user), "trigger_id": trigger, "actions": [action]}
        if view is not None:
            payload.update(container={"type": "view", "view_id": view["id"]}, view=self.ws.show_view(view))
            payload["view"]["state"] = state_of(blocks, spec.get("values"))
        else:
            ephemeral = message.get("channel") is not None and "from" in message
            payload.update(container={"type": "message", "message_ts": message["ts"], "channel_id": channel.id,
                                      "is_ephemeral": ephemeral},
                           channel={"id": channel.id, "name": channel.name},
                           state=state_of(blocks, message.get("chosen")),
                           response_url=self.response_url(user, channel, message["ts"], ephemeral))
            if not ephemeral:
                payload["message"] = self.ws.show_message(channel, message)
        delivery = await self.hub.ask(self.hub.envelope("interactive", payload, False))
        if delivery.failed and view is not None:
            view["trouble"] = TROUBLE
        elif delivery.failed and channel is not None:
            self.ws.add_ephemeral(channel, user["id"], "This app is not responding. Try again in a moment.",
                                  sender="slackbot")
        return {**self._outcome(delivery), "trigger_id": trigger, "response_url": payload.get("response_url"),
                "ephemeral": self.seen_since(user, since),
                "views": [self.ws.show_view(v) for v in self.ws.views.values() if v.get("trigger_id") == trigger]}

    # ---- forms ----

    def _view_of(self, user, view_id):
        stack = self.ws.stacks[user["id"]]
        view_id = view_id or (stack[-1] if stack else None)
        if view_id not in stack:
            raise Impossible(f"{user['name']} has no open view {view_id or ''}")
        return self.ws.views[view_id]

    async def submit(self, spec):
        """Presses a form's submit button. `values` is {block_id or action_id: value}."""
        user = self.person(spec.get("user"))
        view = self._view_of(user, spec.get("view_id") or spec.get("view"))
        since = float(self.ws.new_ts())
        view["state"] = state_of(view["blocks"], spec.get("values"))
        view["errors"], view["trouble"] = self._missing(view), None
        self.ws.change.tell()
        if view["errors"]:
            return {"acked": False, "errors": view["errors"], "view": self.ws.show_view(view), "sent": False}
        trigger = self.ws.new_trigger(user["id"])
        payload = {"type": "view_submission", **self.about(user), "trigger_id": trigger,
                   "view": self.ws.show_view(view), "response_urls": []}
        delivery = await self.hub.ask(self.hub.envelope("interactive", payload))
        if delivery.failed:
            view["trouble"] = TROUBLE
            self.ws.change.tell()
        else:
            self._after_submission(user, view, delivery.ack["payload"])
        stack = self.ws.stacks[user["id"]]
        return {**self._outcome(delivery), "sent": True, "errors": view["errors"], "trouble": view["trouble"],
                "closed": view["id"] not in stack, "open": list(stack), "ephemeral": self.seen_since(user, since),
                "trigger_id": trigger}

    @staticmethod
    def _missing(view):
        """What the client itself refuses before anything is sent."""
        errors = {}
        for block in view["blocks"]:
            if block.get("type") != "input":
                continue
            element = block["element"]
            chosen = view["state"]["values"][block["block_id"]][element["action_id"]][CHOSEN[element["type"]]]
            if chosen in (None, "", []):
                if not block.get("optional"):
                    errors[block["block_id"]] = "Please complete this required field."
            elif element["type"] == "plain_text_input" and len(chosen) > element.get("max_length", 3000):
                errors[block["block_id"]] = f"No more than {element.get('max_length', 3000)} characters."
            elif element["type"] == "plain_text_input" and len(chosen) < element.get("min_length", 0):
                errors[block["block_id"]] = f"At least {element['min_length']} characters."
        return errors

    def _after_submission(self, user, view, payload):
        action = payload.get("response_action") if isinstance(payload, dict) else None
        try:
            if payload in (None, {}) or action is None:
                self._close(user, view)
            elif action == "clear":
                self.ws.close_views(user["id"])
            elif action == "errors":
                self._show_errors(view, payload.get("errors"))
            elif action == "update":
                self.ws.set_view(view, checked_view(self.api, payload.get("view"), home=False))
            elif action == "push":
                push(self.api, user["id"], checked_view(self.api, payload.get("view"), home=False))
            else:
                raise SlackError("invalid_arguments")
        except SlackError as error:
            view["trouble"] = f"{TROUBLE} ({error.name}: {'; '.join(error.messages or [])})"
        self.ws.change.tell()

    def _show_errors(self, view, errors):
        inputs = {block["block_id"] for block in view["blocks"] if block.get("type") == "input"}
        if not isinstance(errors, dict) or not errors or set(errors) - inputs \
                or not all(isinstance(text, str) for text in errors.values()):
            raise SlackError("invalid_arguments", ["errors must name input blocks of this view"])
        view["errors"] = errors

    def _close(self, user, view):
        stack = self.ws.stacks[user["id"]]
        self.ws.close_views(user["id"], {view["id"]} if view["id"] in stack else set())

    async def cancel(self, spec):
        """Closes a form; the app hears of it when it asked to."""
        user = self.person(spec.get("user"))
        view = self._view_of(user, spec.get("view_id") or spec.get("view"))
        stack = self.ws.stacks[user["id"]]
        gone = stack[:] if view["clear_on_close"] else [view["id"]]
        self.ws.close_views(user["id"], set(gone))
        if view["notify_on_close"]:
            payload = {"type": "view_closed", **self.about(user), "view": self.ws.show_view(view),
                       "is_cleared": len(gone) > 1}
            delivery = await self.hub.ask(self.hub.envelope("interactive", payload, False))
            return {**self._outcome(delivery), "closed": gone}
        return {"acked": False, "closed": gone}

    # ---- shortcuts ----

    async def shortcut(self, spec):
        """A global shortcut, or a message's when `ts` is given."""
        user = self.person(spec.get("user"))
        trigger = self.ws.new_trigger(user["id"])
        since = float(self.ws.new_ts())
        payload = {**self.about(user), "callback_id": spec.get("callback_id", ""), "trigger_id": trigger,
                   "action_ts": self.ws.new_ts()}
        if spec.get("ts"):
            channel = self.place(spec.get("channel"), user, open_only=False)
            message = channel.messages.get(str(spec["ts"]))
            if message is None:
                raise Impossible(f"there is no message {spec['ts']} in #{channel.name}")
            payload.update(type="message_action", message_ts=message["ts"],
                           channel={"id": channel.id, "name": channel.name},
                           message=self.ws.show_message(channel, message),
                           response_url=self.response_url(user, channel, message["ts"]))
        else:
            payload["type"] = "shortcut"
        delivery = await self.hub.ask(self.hub.envelope("interactive", payload, False))
        return {**self._outcome(delivery), "trigger_id": trigger, "ephemeral": self.seen_since(user, since),
                "views": [self.ws.show_view(v) for v in self.ws.views.values() if v.get("trigger_id") == trigger]}

    # ---- talking ----

    def message(self, spec):
        user = self.person(spec.get("user"))
        channel = self.place(spec.get("channel"), user)
        text = str(spec.get("text", ""))[:api_chat.TEXT_CUT]
        if not text.strip():
            raise Impossible("an empty message")
        if user["id"] not in channel.members:
            join(self.api, channel, user["id"])
        if spec.get("escape", True):
            text = self.ws.escape_typed(text)
        message = self.ws.add_message(channel, user["id"], text, thread_ts=spec.get("thread_ts"),
                                      client_msg_id=self.ws.new_secret())
        self.hub.on_message(channel, message)
        return {"channel": channel.id, "ts": message["ts"]}

    def react(self, spec):
        user = self.person(spec.get("user"))
        channel = self.place(spec.get("channel"), user)
        message = channel.messages.get(str(spec.get("ts", "")))
        if message is None:
            raise Impossible(f"there is no message {spec.get('ts')} in #{channel.name}")
        name = str(spec.get("reaction", "pushpin")).strip(":")
        added = not spec.get("remove")
        changed = (react if added else unreact)(self.ws, message, user["id"], name)
        if changed:
            self.hub.on_reaction(channel, message, user["id"], name, added)
        return {"changed": changed}

    def home(self, spec):
        user = self.person(spec.get("user"))
        view = self.ws.homes.get(user["id"])
        event = {"user": user["id"], "channel": self.ws.direct_channel(user["id"]).id, "tab": "home"}
        if view:
            event["view"] = self.ws.show_view(view)
        self.hub.on_event("app_home_opened", event)
        return {"view": view and self.ws.show_view(view)}

    def join_or_leave(self, spec):
        """A person joins a channel, or leaves it."""
        user = self.person(spec.get("user"))
        channel = self.place(spec.get("channel"), user)
        if spec.get("leave"):
            if user["id"] in channel.members:
                channel.members.remove(user["id"])
        elif user["id"] not in channel.members:
            join(self.api, channel, user["id"])
        self.ws.change.tell()
        return {"members": channel.members}

    def read(self, spec):
        user = self.person(spec.get("user"))
        channel = self.place(spec.get("channel"), user, open_only=False)
        last = next(reversed(channel.messages), "0") if channel.messages else "0"
        if self.ws.last_read[user["id"]].get(channel.id) != last:
            self.ws.last_read[user["id"]][channel.id] = last
        return {"at": time.time()}
