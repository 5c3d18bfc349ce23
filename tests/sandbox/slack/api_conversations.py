"""conversations.*: channels, their members, names and history."""

import base64
import re
import time

from .errors import SlackError
from .web_api import method
from .workspace import BOT_USER

NAME_MOST = 80
TOPIC_MOST = 250
INVITE_MOST = 100


def checked_name(api, name, but=None):
    if not name:
        raise SlackError("invalid_name_required")
    if len(name) > NAME_MOST:
        raise SlackError("invalid_name_maxlength")
    if re.fullmatch(r"[^\w]+", name) or re.fullmatch(r"[-_]+", name):
        raise SlackError("invalid_name_punctuation")
    if not re.fullmatch(r"[a-z0-9_-]+", name):
        raise SlackError("invalid_name_specials")
    if any(c.name == name and c is not but for c in api.ws.channels.values() if not c.im_user):
        raise SlackError("name_taken")      # an archived channel keeps its name
    return name


def page_of(args, items, least=1, most=1000, default=100):
    """One page of a list and the cursor of the next."""
    try:
        start = int(base64.b64decode(args.text("cursor") or "MA==").decode())
    except ValueError:
        raise SlackError("invalid_cursor") from None
    limit = args.number("limit", default, least, most)
    more = start + limit < len(items)
    cursor = base64.b64encode(str(start + limit).encode()).decode() if more else ""
    return items[start:start + limit], more, cursor


@method("conversations.create", scope="channels:manage", tier="2")
def conversations_create(api, args):
    name = checked_name(api, args.text("name"))
    channel = api.ws.create_channel(name, BOT_USER, args.flag("is_private"))
    if channel is None:
        raise SlackError("restricted_action")
    return {"channel": channel.show()}


@method("conversations.rename", scope="channels:manage", tier="2")
def conversations_rename(api, args):
    args.need("channel")
    channel = api.channel(args.text("channel"))
    if channel.im_user:
        raise SlackError("method_not_supported_for_channel_type")
    name = checked_name(api, args.text("name"), channel)
    if name != channel.name:
        old, channel.name = channel.name, name
        channel.previous_names.append(old)
        api.ws.system_message(channel, BOT_USER, "channel_name", f"has renamed the channel from \"{old}\" to "
                              f"\"{name}\"", old_name=old, name=name)
        api.hub.on_event("channel_rename", {"channel": {"id": channel.id, "name": name,
                                                        "created": channel.created}})
    return {"channel": channel.show()}


@method("conversations.invite", scope="channels:manage", tier="3")
def conversations_invite(api, args):
    args.need("channel")
    channel = api.channel(args.text("channel"))
    wanted = [item.strip() for item in args.text("users").split(",") if item.strip()]
    if not wanted:
        raise SlackError("no_user")
    if len(wanted) > INVITE_MOST:
        raise SlackError("too_many_users")
    problems = []
    for user_id in wanted:
        if user_id == BOT_USER:
            problems.append({"user": user_id, "ok": False, "error": "cant_invite_self"})
        elif user_id not in api.ws.users:
            problems.append({"user": user_id, "ok": False, "error": "user_not_found"})
        elif user_id in channel.members:
            problems.append({"user": user_id, "ok": False, "error": "already_in_channel"})
    good = [user_id for user_id in dict.fromkeys(wanted) if user_id not in {p["user"] for p in problems}]
    if problems and not args.flag("force"):
        raise SlackError(problems[0]["error"], errors=problems)
    for user_id in good:
        join(api, channel, user_id, BOT_USER)
    if not good:
        raise SlackError(problems[0]["error"], errors=problems)
    return {"channel": channel.show(), **({"errors": problems} if problems else {})}


def join(api, channel, user_id, inviter=None):
    channel.members.append(user_id)
    api.ws.system_message(channel, user_id, "channel_join", f"<@{user_id}> has joined the channel", inviter=inviter)
    api.hub.on_event("member_joined_channel", {"user": user_id, "channel": channel.id,
                                               "channel_type": "G" if channel.private else "C",
                                               "team": "T0SANDBOX", "inviter": inviter})


@method("conversations.kick", scope="channels:manage", tier="3")
def conversations_kick(api, args):
    args.need("channel", "user")
    channel, user_id = api.channel(args.text("channel")), args.text("user")
    if channel.im_user:
        raise SlackError("method_not_supported_for_channel_type")
    if user_id not in api.ws.users:
        raise SlackError("user_not_found")
    if user_id == BOT_USER:
        raise SlackError("cant_kick_self")
    if channel.id == "C0GENERAL":
        raise SlackError("cant_kick_from_general")
    if user_id not in channel.members:
        raise SlackError("not_in_channel")
    channel.members.remove(user_id)
    api.hub.on_event("member_left_channel", {"user": user_id, "channel": channel.id,
                                             "channel_type": "G" if channel.private else "C", "team": "T0SANDBOX"})
    api.ws.change.tell()
    return {"errors": {}}


@method("conversations.join", scope="channels:join", tier="3")
def conversations_join(api, args):
    args.need("channel")
    channel = api.channel(args.text("channel"), member=False)
    if BOT_USER in channel.members:
        return {"channel": channel.show(), "warning": "already_in_channel",
                "response_metadata": {"warnings": ["already_in_channel"]}}
    join(api, channel, BOT_USER)
    return {"channel": channel.show()}


def _set(api, args, key, subtype):
    args.need("channel")
    channel = api.channel(args.text("channel"))
    value = args.text(key)
    if len(value) > TOPIC_MOST:
        raise SlackError("too_long")
    if channel.im_user:
        raise SlackError("method_not_supported_for_channel_type")
    current = getattr(channel, key)
    if current["value"] != value:
        setattr(channel, key, {"value": value, "creator": BOT_USER, "last_set": int(time.time())})
        message = api.ws.system_message(channel, BOT_USER, subtype, f"set the channel {key}: {value}",
                                        **{key: value})
        api.hub.on_message(channel, message)
    return channel


@method("conversations.setTopic", scope="channels:write.topic", tier="2")
def conversations_set_topic(api, args):
    return {"channel": _set(api, args, "topic", "channel_topic").show()}


@method("conversations.setPurpose", scope="channels:manage", tier="2")
def conversations_set_purpose(api, args):
    channel = _set(api, args, "purpose", "channel_purpose")
    return {"purpose": channel.purpose["value"], "channel": channel.show()}


@method("conversations.archive", scope="channels:manage", tier="2")
def conversations_archive(api, args):
    args.need("channel")
    channel = api.channel(args.text("channel"), open_only=False)
    if channel.archived:
        raise SlackError("already_archived")
    if channel.id == "C0GENERAL":
        raise SlackError("cant_archive_general")
    if channel.im_user:
        raise SlackError("method_not_supported_for_channel_type")
    api.ws.system_message(channel, BOT_USER, "channel_archive", "archived the channel")
    channel.archived = True
    api.hub.on_event("channel_archive", {"channel": channel.id, "user": BOT_USER})
    return {}


@method("conversations.unarchive", scope="channels:manage", tier="2")
def conversations_unarchive(api, args):
    args.need("channel")
    channel = api.channel(args.text("channel"), open_only=False)
    if not channel.archived:
        raise SlackError("not_archived")
    channel.archived = False
    api.ws.system_message(channel, BOT_USER, "channel_unarchive", "un-archived the channel")
    api.hub.on_event("channel_unarchive", {"channel": channel.id, "user": BOT_USER})
    return {}


@method("conversations.info", scope="channels:read", tier="3", form_only=True)
def conversations_info(api, args):
    args.need("channel")
    return {"channel": api.channel(args.text("channel"), member=False, open_only=False).show()}


@method("conversations.members", scope="channels:read", tier="4", form_only=True)
def conversations_members(api, args):
    args.need("channel")
    channel = api.channel(args.text("channel"), member=False, open_only=False)
    members, _, cursor = page_of(args, channel.members)
    return {"members": members, "response_metadata": {"next_cursor": cursor}}


@method("conversations.list", scope="channels:read", tier="2", form_only=True)
def conversations_list(api, args):
    kinds = set((args.text("types") or "public_channel").split(","))
    found = []
    for channel in api.ws.channels.values():
        kind = "im" if channel.im_user else "private_channel" if channel.private else "public_channel"
        hidden = channel.archived and args.flag("exclude_archived") or \
            channel.private and BOT_USER not in channel.members
        if kind in kinds and not hidden:
            found.append(channel.show())
    channels, _, cursor = page_of(args, found)
    return {"channels": channels, "response_metadata": {"next_cursor": cursor}}


@method("conversations.open", scope="im:write", tier="3")
def conversations_open(api, args):
    if "channel" in args:
        return {"channel": {"id": api.channel(args.text("channel")).id}}
    users = [item for item in args.text("users").split(",") if item]
    if not users:
        raise SlackError("users_list_not_supplied")
    if any(user not in api.ws.users for user in users):
        raise SlackError("user_not_found")
    if len(users) > 1:
        raise SlackError("method_not_supported_for_channel_type")   # group conversations are not played here
    channel = api.ws.direct_channel(users[0])
    return {"channel": channel.show() if args.flag("return_im") else {"id": channel.id}}


def _between(args, messages):
    oldest, latest = args.text("oldest") or "0", args.text("latest") or "99999999999"
    try:
        low, high = float(oldest), float(latest)
    except ValueError:
        raise SlackError("invalid_ts_oldest" if not oldest.replace(".", "").isdigit() else "invalid_ts_latest") \
            from None
    inclusive = args.flag("inclusive")
    return [m for m in messages
            if (low < float(m["ts"]) < high) or inclusive and float(m["ts"]) in (low, high)]


@method("conversations.history", scope="channels:history", tier="3", form_only=True)
def conversations_history(api, args):
    args.need("channel")
    channel = api.channel(args.text("channel"), open_only=False)
    top = [m for m in channel.messages.values()
           if m.get("thread_ts") in (None, m["ts"]) or m.get("subtype") == "thread_broadcast"]
    found = list(reversed(_between(args, top)))
    messages, more, cursor = page_of(args, found, most=999)
    with_metadata = args.flag("include_all_metadata")
    answer = {"messages": [api.ws.show_message(channel, m, with_metadata) for m in messages], "has_more": more,
              "pin_count": len(channel.pins), "channel_actions_ts": None, "channel_actions_count": 0}
    if cursor:
        answer["response_metadata"] = {"next_cursor": cursor}
    return answer


@method("conversations.replies", scope="channels:history", tier="3", form_only=True)
def conversations_replies(api, args):
    args.need("channel", "ts")
    channel = api.channel(args.text("channel"), open_only=False)
    parent = channel.messages.get(args.text("ts"))
    if parent is None:
        raise SlackError("thread_not_found")
    root = channel.messages.get(parent.get("thread_ts") or parent["ts"], parent)
    found = [root] + _between(args, api.ws.replies(channel, root["ts"]))
    messages, more, cursor = page_of(args, found, most=1000)
    with_metadata = args.flag("include_all_metadata")
    return {"messages": [api.ws.show_message(channel, m, with_metadata) for m in messages], "has_more": more,
            "response_metadata": {"next_cursor": cursor}}
