"""chat.*: posting, editing, deleting, and what response URLs do."""

import time

from .blocks import MESSAGE_TEXT_TOTAL, check_blocks, name_all, text_total
from .errors import SlackError
from .web_api import method
from .workspace import BOT_USER

TEXT_CUT = 40000
UPDATE_TEXT = 4000
METADATA_BYTES = 16000


def checked_blocks(api, args):
    """The blocks of a message, or None when the call has none."""
    blocks = args.json("blocks")
    if blocks is None or blocks == "":
        return None
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    complaints = check_blocks(blocks)
    if complaints:
        raise SlackError("invalid_blocks", complaints)
    if text_total(blocks) > MESSAGE_TEXT_TOTAL:
        raise SlackError("msg_blocks_too_long")
    return name_all(blocks, lambda: api.ws.new_secret()[:5])


def checked_metadata(args):
    metadata = args.json("metadata")
    if metadata is None or metadata == "" or metadata == {}:
        return None
    if not isinstance(metadata, dict):
        raise SlackError("invalid_metadata_format")
    if set(metadata) - {"event_type", "event_payload", "entities"} \
            or not isinstance(metadata.get("event_type"), str) or not metadata["event_type"] \
            or len(metadata["event_type"]) > 255 or not isinstance(metadata.get("event_payload"), dict):
        raise SlackError("invalid_metadata_schema")
    if len(str(metadata)) > METADATA_BYTES:
        raise SlackError("metadata_too_large")
    return metadata


def checked_thread(channel, args):
    thread = args.text("thread_ts", None)
    if not thread:
        return None
    parent = channel.messages.get(thread)
    if parent is None:
        raise SlackError("invalid_thread_ts" if "." not in thread else "thread_not_found")
    return parent.get("thread_ts") or thread


def own_message(channel, args, refusal):
    message = channel.messages.get(args.text("ts"))
    if message is None:
        raise SlackError("message_not_found")
    if message["user"] != BOT_USER or message.get("subtype") not in (None, "thread_broadcast"):
        raise SlackError(refusal)
    return message


@method("chat.postMessage", scope="chat:write", tier="post")
def chat_post_message(api, args):
    args.need("channel")
    channel = api.channel(args.text("channel"), by_name=True)
    blocks = checked_blocks(api, args)
    text = args.text("text")
    if not text.strip() and not blocks and not args.json("attachments"):
        raise SlackError("no_text")
    warnings = []
    if len(text) > TEXT_CUT:
        text = text[:TEXT_CUT]
        warnings.append("message_truncated")
    if blocks and not text.strip():
        warnings.append("missing_text_in_message")
    metadata = checked_metadata(args)
    thread = checked_thread(channel, args)
    message = api.ws.add_message(channel, BOT_USER, text, blocks=blocks, thread_ts=thread, metadata=metadata,
                                 subtype="thread_broadcast" if thread and args.flag("reply_broadcast") else None)
    api.hub.on_message(channel, message)
    answer = {"channel": channel.id, "ts": message["ts"],
              "message": api.ws.show_message(channel, message, metadata=True)}
    if warnings:
        answer.update(warning=",".join(warnings), response_metadata={"warnings": warnings})
    return answer


@method("chat.update", scope="chat:write", tier="3")
def chat_update(api, args):
    args.need("channel", "ts")
    channel = api.channel(args.text("channel"))
    blocks = checked_blocks(api, args)
    text = args.text("text")
    if len(text) > UPDATE_TEXT:
        raise SlackError("msg_too_long")
    if api.ws.find_ephemeral(channel.id, args.text("ts")):
        raise SlackError("cant_update_message")     # nobody can edit what only one person sees
    message = own_message(channel, args, "cant_update_message")
    metadata = checked_metadata(args)
    if "text" not in args and blocks is None and metadata is None:
        raise SlackError("no_text")
    if "text" in args and not text.strip() and not blocks:
        raise SlackError("no_text")
    edit_message(api, channel, message, args, text, blocks, metadata)
    return {"channel": channel.id, "ts": message["ts"], "text": message["text"],
            "message": api.ws.show_message(channel, message, metadata=True)}


def edit_message(api, channel, message, args, text, blocks, metadata=None):
    """Text without blocks removes the blocks; blocks without text keep the old text."""
    if "text" in args:
        message["text"] = text
    if blocks is not None:
        message["blocks"] = blocks
    elif "text" in args:
        message.pop("blocks", None)
    if blocks == []:
        message.pop("blocks", None)
    if metadata is not None:
        message["metadata"] = metadata
    message["edited"] = {"user": BOT_USER, "ts": api.ws.new_ts()}
    message["edits"] = message.get("edits", 0) + 1
    api.hub.on_message_changed(channel, message)
    api.ws.change.tell()


@method("chat.delete", scope="chat:write", tier="3")
def chat_delete(api, args):
    args.need("channel", "ts")
    channel = api.channel(args.text("channel"))
    message = own_message(channel, args, "cant_delete_message")
    delete_message(api, channel, message["ts"])
    return {"channel": channel.id, "ts": message["ts"]}


def delete_message(api, channel, ts):
    channel.messages.pop(ts, None)
    channel.pins = [pin for pin in channel.pins if pin["ts"] != ts]
    api.ws.change.tell()


@method("chat.postEphemeral", scope="chat:write", tier="4")
def chat_post_ephemeral(api, args):
    args.need("channel", "user")
    channel = api.channel(args.text("channel"))
    user = api.ws.users.get(args.text("user"))
    if user is None or user["id"] not in channel.members:
        raise SlackError("user_not_in_channel")
    blocks = checked_blocks(api, args)
    text = args.text("text")
    if not text.strip() and not blocks:
        raise SlackError("no_text")
    if len(text) > TEXT_CUT:
        raise SlackError("msg_too_long")
    shown = api.ws.add_ephemeral(channel, user["id"], text, blocks, thread_ts=checked_thread(channel, args))
    return {"message_ts": shown["ts"]}


@method("chat.getPermalink", tier="free", form_only=True)
def chat_get_permalink(api, args):
    args.need("channel", "message_ts")
    channel = api.channel(args.text("channel"), open_only=False)
    ts = args.text("message_ts")
    message = channel.messages.get(ts)
    if message is None:
        raise SlackError("message_not_found")
    link = f"{api.base_url}/?channel={channel.id}&message={ts}"
    if message.get("thread_ts") and message["thread_ts"] != ts:
        link += f"&thread_ts={message['thread_ts']}"
    return {"channel": channel.id, "permalink": link}


# ---- response URLs ----

def respond(api, response_id, args):
    """What a POST to a response URL does. Raises SlackError."""
    ticket = api.ws.responses.get(response_id)
    if ticket is None or time.monotonic() > ticket["until"]:
        raise SlackError("expired_url", status=404)
    if ticket["left"] <= 0:
        raise SlackError("used_url", status=404)
    channel = api.ws.channels.get(ticket["channel"])
    if channel is None:
        raise SlackError("channel_not_found", status=404)
    blocks = checked_blocks(api, args)
    text = args.text("text")
    replace, delete = args.flag("replace_original"), args.flag("delete_original")
    if not delete and not text.strip() and not blocks:
        raise SlackError("no_text", status=500)
    ticket["left"] -= 1
    if delete or replace:
        return _respond_original(api, channel, ticket, args, text, blocks, delete)
    say(api, channel, ticket["user"], args, text, blocks)
    return {}


def _respond_original(api, channel, ticket, args, text, blocks, delete):
    ephemeral = api.ws.find_ephemeral(channel.id, ticket["ts"]) if ticket["ts"] else None
    message = channel.messages.get(ticket["ts"]) if ticket["ts"] else None
    if ephemeral:
        if delete:
            api.ws.ephemerals.remove(ephemeral)
        else:
            ephemeral.update(text=text, blocks=blocks, replaced=True)
        api.ws.change.tell()
    elif message:
        if delete:
            delete_message(api, channel, message["ts"])
        else:
            edit_message(api, channel, message, args, text, blocks)
    elif not delete:
        say(api, channel, ticket["user"], args, text, blocks)
    return {}


def say(api, channel, user_id, args, text, blocks):
    """A message in answer to a person: to them alone unless it says in_channel."""
    if args.text("response_type") == "in_channel":
        message = api.ws.add_message(channel, BOT_USER, text, blocks=blocks, thread_ts=checked_thread(channel, args))
        api.hub.on_message(channel, message)
        return message
    return api.ws.add_ephemeral(channel, user_id, text, blocks, thread_ts=args.text("thread_ts", None))
