"""pins.*, bookmarks.*, reactions.*"""

import re
import time

from .errors import SlackError
from .web_api import method
from .workspace import BOT_USER

PINS_MOST = 100
BOOKMARKS_MOST = 100


def message_of(api, args, key):
    args.need("channel", key)
    channel = api.channel(args.text("channel"), open_only=key != "timestamp")
    message = channel.messages.get(args.text(key))
    if message is None:
        raise SlackError("message_not_found")
    return channel, message


@method("pins.add", scope="pins:write", tier="2")
def pins_add(api, args):
    channel, message = message_of(api, args, "timestamp")
    if any(pin["ts"] == message["ts"] for pin in channel.pins):
        raise SlackError("already_pinned")
    if len(channel.pins) >= PINS_MOST:
        raise SlackError("too_many_pins")
    channel.pins.append({"ts": message["ts"], "by": BOT_USER, "at": int(time.time())})
    api.ws.change.tell()
    return {}


@method("pins.remove", scope="pins:write", tier="2")
def pins_remove(api, args):
    channel, message = message_of(api, args, "timestamp")
    if not any(pin["ts"] == message["ts"] for pin in channel.pins):
        raise SlackError("no_pin")
    channel.pins = [pin for pin in channel.pins if pin["ts"] != message["ts"]]
    api.ws.change.tell()
    return {}


@method("pins.list", scope="pins:read", tier="2", form_only=True)
def pins_list(api, args):
    args.need("channel")
    channel = api.channel(args.text("channel"), open_only=False)
    return {"items": [{"type": "message", "channel": channel.id, "created": pin["at"], "created_by": pin["by"],
                       "message": api.ws.show_message(channel, channel.messages[pin["ts"]])}
                      for pin in channel.pins if pin["ts"] in channel.messages]}


def _bookmark_fields(args):
    if "title" in args and not 0 < len(args.text("title")) <= 255:
        raise SlackError("invalid_bookmark_title")
    if "link" in args and not re.fullmatch(r"https?://\S{1,3000}", args.text("link")):
        raise SlackError("invalid_link")
    return {key: args.text(key) for key in ("title", "link", "emoji") if key in args}


@method("bookmarks.add", scope="bookmarks:write", tier="2")
def bookmarks_add(api, args):
    args.need("channel_id", "title", "type")
    channel = api.channel(args.text("channel_id"))
    if args.text("type") != "link":
        raise SlackError("invalid_bookmark_type")
    if "link" not in args:
        raise SlackError("invalid_link")
    fields = _bookmark_fields(args)
    if len(channel.bookmarks) >= BOOKMARKS_MOST:
        raise SlackError("too_many_bookmarks")
    now = int(time.time())
    bookmark = {"id": api.ws.new_id("Bk"), "channel_id": channel.id, "type": "link", "emoji": "", **fields,
                "icon_url": None, "entity_id": None, "date_created": now, "date_updated": now, "rank": "i",
                "last_updated_by_user_id": BOT_USER, "last_updated_by_team_id": "T0SANDBOX", "shortcut_id": None,
                "app_id": None}
    channel.bookmarks.append(bookmark)
    api.ws.change.tell()
    return {"bookmark": bookmark}


def _bookmark(api, args):
    args.need("channel_id", "bookmark_id")
    channel = api.channel(args.text("channel_id"))
    for bookmark in channel.bookmarks:
        if bookmark["id"] == args.text("bookmark_id"):
            return channel, bookmark
    raise SlackError("not_found")


@method("bookmarks.edit", scope="bookmarks:write", tier="2")
def bookmarks_edit(api, args):
    _, bookmark = _bookmark(api, args)
    bookmark.update(_bookmark_fields(args), date_updated=int(time.time()))
    api.ws.change.tell()
    return {"bookmark": bookmark}


@method("bookmarks.remove", scope="bookmarks:write", tier="2")
def bookmarks_remove(api, args):
    channel, bookmark = _bookmark(api, args)
    channel.bookmarks.remove(bookmark)
    api.ws.change.tell()
    return {}


@method("bookmarks.list", scope="bookmarks:read", tier="2")
def bookmarks_list(api, args):
    args.need("channel_id")
    return {"bookmarks": api.channel(args.text("channel_id"), open_only=False).bookmarks}


def react(ws, message, user_id, name):
    """False when this person has reacted so already."""
    reactions = message.setdefault("reactions", [])
    found = next((one for one in reactions if one["name"] == name), None)
    if found is None:
        found = {"name": name, "users": [], "count": 0}
        reactions.append(found)
    if user_id in found["users"]:
        return False
    found["users"].append(user_id)
    found["count"] = len(found["users"])
    ws.change.tell()
    return True


def unreact(ws, message, user_id, name):
    """False when this person has not reacted so."""
    for one in message.get("reactions", []):
        if one["name"] == name and user_id in one["users"]:
            one["users"].remove(user_id)
            one["count"] -= 1
            message["reactions"] = [left for left in message["reactions"] if left["count"]]
            ws.change.tell()
            return True
    return False


def _reaction_name(args):
    args.need("name")
    name = args.text("name")
    if not re.fullmatch(r"[a-z0-9_+'-]{1,100}(::skin-tone-[2-6])?", name):
        raise SlackError("invalid_name")
    return name


@method("reactions.add", scope="reactions:write", tier="3")
def reactions_add(api, args):
    name = _reaction_name(args)
    channel, message = message_of(api, args, "timestamp")
    if channel.archived:
        raise SlackError("is_archived")
    if not react(api.ws, message, BOT_USER, name):
        raise SlackError("already_reacted")
    api.hub.on_reaction(channel, message, BOT_USER, name, True)
    return {}


@method("reactions.remove", scope="reactions:write", tier="2")
def reactions_remove(api, args):
    name = _reaction_name(args)
    channel, message = message_of(api, args, "timestamp")
    if not unreact(api.ws, message, BOT_USER, name):
        raise SlackError("no_reaction")
    api.hub.on_reaction(channel, message, BOT_USER, name, False)
    return {}
