"""views.*: modals and home tabs."""

import json
import time

from .blocks import check_view, name_all
from .errors import SlackError
from .web_api import method

STACK_MOST = 3
VIEW_BYTES = 250_000


def checked_view(api, view, home=None):
    if not isinstance(view, dict):
        raise SlackError("invalid_arguments", ["[ERROR] missing required field: view [json-pointer:/view]"])
    if len(json.dumps(view)) > VIEW_BYTES:
        raise SlackError("view_too_large")
    complaints = check_view(view)
    if home is not None and (view.get("type") == "home") != home:
        complaints.append(f"[ERROR] must be one of: {'home' if home else 'modal'} [json-pointer:/view/type]")
    if complaints:
        raise SlackError("invalid_arguments", complaints)
    view = {**view, "blocks": name_all(view["blocks"], lambda: api.ws.new_secret()[:5])}
    taken = {v["external_id"] for v in api.ws.views.values() if v["external_id"]}
    if view.get("external_id") in taken:
        raise SlackError("duplicate_external_id")
    return view


def spend_trigger(api, args):
    """The user who may be shown a view for this trigger; it can be spent once, and soon."""
    args.need("trigger_id")
    trigger = api.ws.triggers.get(args.text("trigger_id"))
    if trigger is None:
        raise SlackError("invalid_trigger_id")
    if trigger["used"]:
        raise SlackError("exchanged_trigger_id")
    if time.monotonic() > trigger["until"]:
        raise SlackError("expired_trigger_id")
    return trigger


@method("views.open", tier="4")
def views_open(api, args):
    view = checked_view(api, args.json("view"), home=False)
    trigger = spend_trigger(api, args)
    trigger["used"] = True
    opened = api.ws.add_view(trigger["user"], view)
    opened["trigger_id"] = args.text("trigger_id")
    api.ws.stacks[trigger["user"]] = [opened["id"]]
    return {"view": api.ws.show_view(opened)}


@method("views.push", tier="4")
def views_push(api, args):
    view = checked_view(api, args.json("view"), home=False)
    trigger = spend_trigger(api, args)
    return {"view": api.ws.show_view(push(api, trigger["user"], view, trigger))}


def push(api, user_id, view, trigger=None):
    stack = api.ws.stacks[user_id]
    if len(stack) >= STACK_MOST:
        raise SlackError("push_limit_reached")
    if not stack:
        raise SlackError("view_not_found")
    if trigger:
        trigger["used"] = True
    opened = api.ws.add_view(user_id, view, root=stack[0], previous=stack[-1])
    stack.append(opened["id"])
    api.ws.change.tell()
    return opened


@method("views.update", tier="4")
def views_update(api, args):
    content = args.json("view")
    by_external = args.text("external_id")
    found = next((v for v in api.ws.views.values()
                  if v["id"] == args.text("view_id") or by_external and v["external_id"] == by_external), None)
    if found is None:
        raise SlackError("not_found" if not args.text("view_id") else "view_not_found")
    if isinstance(content, dict) and content.get("external_id") == found["external_id"]:
        content = {**content, "external_id": ""}
    view = checked_view(api, content, home=found["type"] == "home")
    if found["type"] == "modal" and found["id"] not in api.ws.stacks[found["user"]]:
        raise SlackError("view_not_found")      # it has been closed meanwhile
    if "hash" in args and args.text("hash") != found["hash"]:
        raise SlackError("hash_conflict")
    view["external_id"] = view.get("external_id") or found["external_id"]
    api.ws.set_view(found, view)
    return {"view": api.ws.show_view(found)}


@method("views.publish", tier="4")
def views_publish(api, args):
    args.need("user_id")
    user_id = args.text("user_id")
    if user_id not in api.ws.users:
        raise SlackError("user_not_found")
    view = checked_view(api, args.json("view"), home=True)
    current = api.ws.homes.get(user_id)
    if "hash" in args and current and args.text("hash") != current["hash"]:
        raise SlackError("hash_conflict")
    if current is None:
        current = api.ws.homes[user_id] = api.ws.add_view(user_id, view)
    else:
        api.ws.set_view(current, view)
    return {"view": api.ws.show_view(current)}
