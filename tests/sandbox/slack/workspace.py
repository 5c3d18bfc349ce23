"""What the workspace holds: people, channels, messages, views. No HTTP, no sockets; every list is bounded."""

import collections
import hashlib
import itertools
import random
import re
import time

from ..change import Change

TEAM_ID = "T0SANDBOX"
TEAM_DOMAIN = "sandbox"
APP_ID = "A0SITREP"
BOT_ID = "B0SITREP"
BOT_USER = "U0SITREP"

MESSAGES_PER_CHANNEL = 2000
EPHEMERALS_KEPT = 2000
CHANNELS_KEPT = 2000
VIEWS_KEPT = 200
FILES_KEPT = 200
TRIGGERS_KEPT = 2000

USERS = [
    ("U0ALICE", "alice", "Alice Adler", "Europe/Berlin", "Central European Time", 3600),
    ("U0BOB", "bob", "Bob Brown", "America/New_York", "Eastern Time", -18000),
    ("U0CAROL", "carol", "Carol Chandra", "Asia/Kolkata", "India Standard Time", 19800),
    ("U0DAVE", "dave", "Dave Dunn", "UTC", "Coordinated Universal Time", 0),
]
CHANNELS = [("C0GENERAL", "general"), ("C0INCIDENTS", "incidents"), ("C0RANDOM", "random")]
# What the app's configuration registers: its commands, and its entries in menus.
COMMANDS = ["/inc"]
SHORTCUTS = [{"type": "global", "name": "Declare an incident", "callback_id": "declare"},
             {"type": "message", "name": "Add to timeline", "callback_id": "timeline_add"},
             {"type": "message", "name": "Declare an incident", "callback_id": "declare_message"}]
GROUPS = [("S0ONCALL", "oncall", "On call", ["U0BOB", "U0CAROL"])]


class Channel:
    def __init__(self, channel_id, name, creator, private=False, im_user=None):
        self.id = channel_id
        self.name = name
        self.creator = creator
        self.private = private
        self.im_user = im_user
        self.created = int(time.time())
        self.archived = False
        self.topic = {"value": "", "creator": "", "last_set": 0}
        self.purpose = {"value": "", "creator": "", "last_set": 0}
        self.members = []
        self.previous_names = []
        self.messages = collections.OrderedDict()
        self.threads = {}       # ts of the parent -> [ts of replies]
        self.pins = []          # [{ts, by, at}] oldest first
        self.bookmarks = []

    def show(self):
        """The channel object of the Web API."""
        shown = {
            "id": self.id, "created": self.created, "is_archived": self.archived, "is_im": bool(self.im_user),
            "is_mpim": False, "is_org_shared": False, "context_team_id": TEAM_ID, "updated": self.created * 1000,
        }
        if self.im_user:
            return {**shown, "user": self.im_user}
        return {
            **shown, "name": self.name, "name_normalized": self.name, "is_channel": not self.private,
            "is_group": self.private, "is_private": self.private, "creator": self.creator,
            "is_general": self.id == "C0GENERAL", "unlinked": 0, "is_shared": False, "is_ext_shared": False,
            "is_pending_ext_shared": False, "pending_shared": [], "is_member": BOT_USER in self.members,
            "topic": self.topic, "purpose": self.purpose, "previous_names": self.previous_names,
            "num_members": len(self.members),
        }


def make_user(user_id, name, real_name, tz, tz_label, tz_offset, bot=False):
    profile = {"real_name": real_name, "display_name": name, "real_name_normalized": real_name,
               "display_name_normalized": name, "team": TEAM_ID}
    if bot:
        profile.update(bot_id=BOT_ID, api_app_id=APP_ID)
    else:
        profile["email"] = f"{name}@example.com"
    return {"id": user_id, "team_id": TEAM_ID, "name": name, "deleted": False, "real_name": real_name, "tz": tz,
            "tz_label": tz_label, "tz_offset": tz_offset, "profile": profile, "is_bot": bot, "is_app_user": False,
            "is_admin": False, "is_owner": False, "is_restricted": False, "updated": 1700000000}


class Workspace:
    def __init__(self, seed=None):
        self.change = Change()
        self.seed = seed or {}
        self.fill()

    # ---- filling ----

    def fill(self):
        """Back to the first day."""
        self.dice = random.Random(7)
        self.numbers = itertools.count(1)
        self.last_ts = 0
        self.users = {row[0]: make_user(*row) for row in USERS}
        self.users[BOT_USER] = make_user(BOT_USER, "sitrep", "sitrep", "UTC", "Coordinated Universal Time", 0, True)
        self.channels = {}
        self.groups = {}
        self.ephemerals = collections.deque(maxlen=EPHEMERALS_KEPT)
        self.views = collections.OrderedDict()
        self.stacks = collections.defaultdict(list)     # user id -> view ids, the topmost last
        self.homes = {}
        self.files = collections.OrderedDict()
        self.triggers = collections.OrderedDict()
        self.responses = collections.OrderedDict()
        self.last_read = collections.defaultdict(dict)  # user id -> channel id -> ts
        self.trigger_seconds = 3.0
        self.commands = set(self.seed.get("commands", COMMANDS))
        self.shortcuts = self.seed.get("shortcuts", SHORTCUTS)
        for user in self.seed.get("users", []):
            self.users[user["id"]] = make_user(user["id"], user["name"], user.get("real_name", user["name"]),
                                               user.get("tz", "UTC"), user.get("tz_label", user.get("tz", "UTC")),
                                               user.get("tz_offset", 0))
        people = [user for user in self.users if user != BOT_USER]
        named = CHANNELS + [(row.get("id") or f"C0{row['name'].upper()}", row["name"])
                            for row in self.seed.get("channels", [])]
        for channel_id, name in named:
            channel = self.channels[channel_id] = Channel(channel_id, name, "U0ALICE")
            channel.members = people + [BOT_USER]
        for group_id, handle, name, members in GROUPS:
            self.add_group(group_id, handle, name, members)
        for row in self.seed.get("usergroups", []):
            self.add_group(row["id"], row["handle"], row.get("name", row["handle"]), row.get("users", []))
        self.change.tell()

    def add_group(self, group_id, handle, name, members):
        self.groups[group_id] = {"id": group_id, "team_id": TEAM_ID, "is_usergroup": True, "name": name,
                                 "description": "", "handle": handle, "is_external": False, "date_delete": 0,
                                 "users": list(members), "user_count": len(members)}

    # ---- names and numbers ----

    def new_id(self, prefix):
        return f"{prefix}0{next(self.numbers):07d}X"

    def new_ts(self):
        """Seconds and microseconds, never the same twice, as Slack numbers its messages."""
        self.last_ts = max(self.last_ts + 1, time.time_ns() // 1000)
        return f"{self.last_ts // 1000000}.{self.last_ts % 1000000:06d}"

    def new_secret(self):
        return "%032x" % self.dice.getrandbits(128)

    def user(self, key):
        """By id, name, or @name; None when there is nobody."""
        key = str(key or "").lstrip("@")
        return self.users.get(key) or next((u for u in self.users.values() if u["name"] == key), None)

    def channel(self, key):
        """By id, name, or #name; a renamed or archived one too."""
        key = str(key or "").lstrip("#")
        return self.channels.get(key) or next((c for c in self.channels.values() if c.name == key), None)

    # ---- channels ----

    def create_channel(self, name, creator, private=False):
        if len(self.channels) >= CHANNELS_KEPT:
            return None
        channel = Channel(self.new_id("C"), name, creator, private)
        channel.members = [creator]
        self.channels[channel.id] = channel
        self.change.tell()
        return channel

    def direct_channel(self, user_id):
        """The conversation between the app and one person, made when first needed."""
        for channel in self.channels.values():
            if channel.im_user == user_id:
                return channel
        channel = Channel(self.new_id("D"), "", BOT_USER, True, user_id)
        channel.members = [user_id, BOT_USER]
        self.channels[channel.id] = channel
        return channel

    # ---- messages ----

    def add_message(self, channel, user_id, text, **more):
        message = {"type": "message", "user": user_id, "text": text, "ts": self.new_ts(), "team": TEAM_ID}
        if user_id == BOT_USER:
            message.update(bot_id=BOT_ID, app_id=APP_ID)
        message.update({key: value for key, value in more.items() if value is not None})
        channel.messages[message["ts"]] = message
        if message.get("thread_ts"):
            channel.threads.setdefault(message["thread_ts"], []).append(message["ts"])
        if len(channel.messages) > MESSAGES_PER_CHANNEL:
            gone, _ = channel.messages.popitem(last=False)
            channel.threads.pop(gone, None)
        self.change.tell()
        return message

    def system_message(self, channel, user_id, subtype, text, **more):
        return self.add_message(channel, user_id, text, subtype=subtype, **more)

    def add_ephemeral(self, channel, user_id, text, blocks=None, sender="app", **more):
        shown = {"ts": self.new_ts(), "channel": channel.id, "user": user_id, "text": text, "from": sender,
                 "at": time.time()}
        if blocks:
            shown["blocks"] = blocks
        shown.update({key: value for key, value in more.items() if value is not None})
        self.ephemerals.append(shown)
        self.change.tell()
        return shown

    def find_ephemeral(self, channel_id, ts):
        return next((e for e in reversed(self.ephemerals) if e["ts"] == ts and e["channel"] == channel_id), None)

    def replies(self, channel, thread_ts):
        return [channel.messages[ts] for ts in channel.threads.get(thread_ts, ()) if ts in channel.messages]

    def show_message(self, channel, message, metadata=False):
        """The message as the Web API returns it."""
        shown = {key: value for key, value in message.items() if key != "metadata" or metadata}
        replies = self.replies(channel, message["ts"])
        if replies:
            users = list(dict.fromkeys(m["user"] for m in replies))
            shown.update(thread_ts=message["ts"], reply_count=len(replies), reply_users=users[:5],
                         reply_users_count=len(users), latest_reply=replies[-1]["ts"])
        pinned = [pin for pin in channel.pins if pin["ts"] == message["ts"]]
        if pinned:
            shown["pinned_to"] = [channel.id]
        return shown

    # ---- tickets ----

    def new_trigger(self, user_id):
        """Good for one view, for three seconds."""
        number = next(self.numbers)
        trigger = f"{number}.{self.dice.getrandbits(36)}.{self.new_secret()}"
        self.triggers[trigger] = {"user": user_id, "until": time.monotonic() + self.trigger_seconds, "used": False}
        while len(self.triggers) > TRIGGERS_KEPT:
            self.triggers.popitem(last=False)
        return trigger

    def new_response(self, user_id, channel_id, message_ts=None, ephemeral=False):
        """What a response_url stands for; returns its id."""
        response_id = f"{TEAM_ID}/{next(self.numbers)}/{self.new_secret()[:24]}"
        self.responses[response_id] = {"user": user_id, "channel": channel_id, "ts": message_ts,
                                       "ephemeral": ephemeral, "left": 5, "until": time.monotonic() + 1800}
        while len(self.responses) > TRIGGERS_KEPT:
            self.responses.popitem(last=False)
        return response_id

    # ---- views ----

    def add_view(self, user_id, content, root=None, previous=None):
        view = {"id": self.new_id("V"), "team_id": TEAM_ID, "app_id": APP_ID, "app_installed_team_id": TEAM_ID,
                "bot_id": BOT_ID, "user": user_id, "errors": {}, "trouble": None}
        view["root_view_id"] = root or view["id"]
        view["previous_view_id"] = previous
        self.set_view(view, content)
        self.views[view["id"]] = view
        while len(self.views) > VIEWS_KEPT:
            gone, _ = self.views.popitem(last=False)
            for stack in self.stacks.values():
                if gone in stack:
                    stack.remove(gone)
        self.change.tell()
        return view

    def set_view(self, view, content):
        view.update({
            "type": content["type"], "blocks": content["blocks"], "title": content.get("title"),
            "submit": content.get("submit"), "close": content.get("close"),
            "callback_id": content.get("callback_id", ""), "private_metadata": content.get("private_metadata", ""),
            "external_id": content.get("external_id", ""), "clear_on_close": bool(content.get("clear_on_close")),
            "notify_on_close": bool(content.get("notify_on_close")),
            "submit_disabled": bool(content.get("submit_disabled")), "state": {"values": {}}, "errors": {},
            "hash": f"{int(time.time())}.{hashlib.sha1(self.new_secret().encode()).hexdigest()[:8]}",
        })
        self.change.tell()

    @staticmethod
    def show_view(view):
        return {key: value for key, value in view.items() if key not in ("user", "errors", "trouble")}

    def close_views(self, user_id, view_ids=None):
        stack = self.stacks[user_id]
        self.stacks[user_id] = [] if view_ids is None else [v for v in stack if v not in view_ids]
        self.change.tell()

    # ---- what a person types ----

    def escape_typed(self, text):
        """Typed text as Slack hands it on: entities, links, and names turned into ids."""
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

        def person(match):
            user = self.user(match[1])
            if user:
                return f"<@{user['id']}|{user['name']}>"
            group = next((g for g in self.groups.values() if g["handle"] == match[1]), None)
            return f"<!subteam^{group['id']}|@{group['handle']}>" if group else match[0]

        def channel(match):
            found = next((c for c in self.channels.values() if c.name == match[1]), None)
            if not found:
                return match[0]
            return f"<#{found.id}|{'' if found.private else found.name}>"

        text = re.sub(r"(?<![\w@])@([a-z0-9][a-z0-9_-]*)", person, text)
        text = re.sub(r"(?<![\w&#])#([a-z0-9][a-z0-9_-]*)", channel, text)
        return re.sub(r"(?<![<\w])https?://[^\s|<>]+", lambda match: f"<{match[0]}>", text)
