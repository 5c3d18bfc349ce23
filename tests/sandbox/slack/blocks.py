"""Block Kit: is this list of blocks one that Slack would take? Shapes are tables; sizes are Slack's.

`check_blocks` and `check_view` return complaints in Slack's own manner
(`[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]`); an empty list means well.
Lengths count Unicode code points.
"""

import copy
import re

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
MESSAGE_TEXT_TOTAL = 13000


class Complaints:
    def __init__(self):
        self.list = []

    def add(self, path, text):
        self.list.append(f"[ERROR] {text} [json-pointer:{path}]")


# ---- checkers: each takes (value, path, complaints) ----

def string(most, least=0, pattern=None):
    def check(value, path, say):
        if not isinstance(value, str):
            say.add(path, "must be a string")
        elif len(value) > most:
            say.add(path, f"must be less than {most + 1} characters")
        elif len(value) < least:
            say.add(path, f"must be more than {least - 1} characters")
        elif pattern and not re.fullmatch(pattern, value):
            say.add(path, "must match the expected format")
    return check


def one_of(*names):
    def check(value, path, say):
        if value not in names:
            say.add(path, f"must be one of: {', '.join(names)}")
    return check


def boolean(value, path, say):
    if not isinstance(value, bool):
        say.add(path, "must be a boolean")


def integer(least, most):
    def check(value, path, say):
        if isinstance(value, bool) or not isinstance(value, int):
            say.add(path, "must be an integer")
        elif not least <= value <= most:
            say.add(path, f"must be between {least} and {most}")
    return check


def text(most, *kinds, least=1):
    """A text object of one of these types."""
    kinds = kinds or ("plain_text", "mrkdwn")

    def check(value, path, say):
        if not isinstance(value, dict):
            say.add(path, "must provide an object")
            return
        if value.get("type") not in kinds:
            say.add(path + "/type", f"must be one of: {', '.join(kinds)}")
        if "text" not in value:
            say.add(path, "missing required field: text")
        else:
            string(most, least)(value["text"], path + "/text", say)
        for key in value:
            if key not in ("type", "text") and not (key == "emoji" and value.get("type") == "plain_text") \
                    and not (key == "verbatim" and value.get("type") == "mrkdwn"):
                say.add(path, f"invalid additional property: {key}")
    return check


def array(check_item, most, least=1):
    def check(value, path, say):
        if not isinstance(value, list):
            say.add(path, "must be an array")
            return
        if len(value) > most:
            say.add(path, f"no more than {most} items allowed")
        if len(value) < least:
            say.add(path, f"no fewer than {least} items allowed" if least > 1 else "must have at least one item")
        for at, item in enumerate(value[:200]):
            check_item(item, f"{path}/{at}", say)
    return check


def shape(required, optional=None, kind=None):
    """An object with exactly these fields; `kind` is its fixed `type`."""
    optional = optional or {}

    def check(value, path, say):
        if not isinstance(value, dict):
            say.add(path, "must provide an object")
            return
        for key in required:
            if key not in value:
                say.add(path, f"missing required field: {key}")
        for key, item in value.items():
            if key == "type" and kind:
                continue
            rule = required.get(key) or optional.get(key)
            if rule is None:
                say.add(path, f"invalid additional property: {key}")
            else:
                rule(item, f"{path}/{key}", say)
    return check


plain = "plain_text"
action_id = string(255, 1)
block_id = string(255, 1)
placeholder = text(150, plain)
url = string(3000, 1, r"[a-z][a-z0-9+.-]*:.+")
confirm = shape({"title": text(100, plain), "text": text(300), "confirm": text(30, plain), "deny": text(30, plain)},
                {"style": one_of("primary", "danger")})
option = shape({"text": text(75), "value": string(150, 1)}, {"description": text(75), "url": url})
plain_option = shape({"text": text(75, plain), "value": string(150, 1)}, {"description": text(75, plain), "url": url})
option_group = shape({"label": text(75, plain), "options": array(plain_option, 100)})
dispatch = shape({}, {"trigger_actions_on": array(one_of("on_enter_pressed", "on_character_entered"), 2)})
member_id = string(255, 1, r"[UW][A-Z0-9]+")
conversation_id = string(255, 1, r"[CDG][A-Z0-9]+")
conversation_filter = shape({}, {"include": array(one_of("im", "mpim", "private", "public"), 4),
                                 "exclude_external_shared_channels": boolean, "exclude_bot_users": boolean})


def element(required=None, **optional):
    return shape(required or {}, {"action_id": action_id, "focus_on_load": boolean, "confirm": confirm, **optional},
                 True)


def select_of(**more):
    return element(placeholder=placeholder, **more)


multi = {"max_selected_items": integer(1, 100)}
listed = {"options": array(plain_option, 100), "option_groups": array(option_group, 100)}

ELEMENTS = {
    "button": shape({"text": text(75, plain)},
                    {"action_id": action_id, "url": url, "value": string(2000), "style": one_of("primary", "danger"),
                     "confirm": confirm, "accessibility_label": string(75)}, True),
    "overflow": shape({"options": array(plain_option, 5)}, {"action_id": action_id, "confirm": confirm}, True),
    "static_select": select_of(initial_option=plain_option, **listed),
    "multi_static_select": select_of(initial_options=array(plain_option, 100), **multi, **listed),
    "users_select": select_of(initial_user=member_id),
    "multi_users_select": select_of(initial_users=array(member_id, 100), **multi),
    "conversations_select": select_of(initial_conversation=conversation_id, filter=conversation_filter,
                                      default_to_current_conversation=boolean, response_url_enabled=boolean),
    "multi_conversations_select": select_of(initial_conversations=array(conversation_id, 100),
                                            filter=conversation_filter, default_to_current_conversation=boolean,
                                            **multi),
    "channels_select": select_of(initial_channel=conversation_id, response_url_enabled=boolean),
    "multi_channels_select": select_of(initial_channels=array(conversation_id, 100), **multi),
    "external_select": select_of(initial_option=plain_option, min_query_length=integer(0, 1000)),
    "datepicker": select_of(initial_date=string(10, 10, r"\d{4}-\d\d-\d\d")),
    "timepicker": select_of(initial_time=string(5, 5, r"([01]\d|2[0-3]):[0-5]\d"), timezone=string(100)),
    "datetimepicker": element(initial_date_time=integer(1000000000, 9999999999)),
    "checkboxes": element({"options": array(option, 10)}, initial_options=array(option, 10)),
    "radio_buttons": element({"options": array(option, 10)}, initial_option=option),
    "plain_text_input": element(placeholder=placeholder, initial_value=string(3000), multiline=boolean,
                                min_length=integer(0, 3000), max_length=integer(1, 3000),
                                dispatch_action_config=dispatch),
    "email_text_input": element(placeholder=placeholder, initial_value=string(3000), dispatch_action_config=dispatch),
    "url_text_input": element(placeholder=placeholder, initial_value=string(3000), dispatch_action_config=dispatch),
    "number_input": element({"is_decimal_allowed": boolean}, placeholder=placeholder, initial_value=string(3000),
                            min_value=string(100), max_value=string(100), dispatch_action_config=dispatch),
    "image": shape({"alt_text": string(2000, 1)}, {"image_url": url, "slack_file": shape({}, {"id": string(255),
                                                                                               "url": url})}, True),
}
TYPED = {"plain_text_input", "email_text_input", "url_text_input", "number_input"}
SELECTS = {"static_select", "users_select", "conversations_select", "channels_select", "external_select"}
MULTI_SELECTS = {"multi_" + name for name in SELECTS if name != "external_select"}
PICKERS = {"datepicker", "timepicker", "datetimepicker", "checkboxes", "radio_buttons"}
IN_ACTIONS = {"button", "overflow"} | SELECTS | PICKERS
IN_SECTION = IN_ACTIONS | MULTI_SELECTS | {"image"}
IN_INPUT = TYPED | SELECTS | MULTI_SELECTS | PICKERS


def any_element(allowed):
    def check(value, path, say):
        if not isinstance(value, dict):
            say.add(path, "must provide an object")
            return
        kind = value.get("type")
        if kind not in ELEMENTS or kind not in allowed:
            say.add(path + "/type", f"unsupported type: {kind}")
            return
        ELEMENTS[kind](value, path, say)
        if kind.endswith("static_select"):
            _check_choices(value, path, say)
        if kind in ("checkboxes", "radio_buttons"):
            _check_initial(value, value.get("options"), path, say)
    return check


def _check_choices(value, path, say):
    if ("options" in value) == ("option_groups" in value):
        say.add(path, "exactly one of options and option_groups is required")
        return
    options = value.get("options")
    if options is None:
        groups = value["option_groups"] if isinstance(value["option_groups"], list) else []
        options = [item for group in groups if isinstance(group, dict) for item in group.get("options") or []]
    _check_initial(value, options, path, say)


def _check_initial(value, options, path, say):
    """What is chosen at first must be one of the options, to the letter."""
    chosen = list(value.get("initial_options") or [])
    if value.get("initial_option"):
        chosen.append(value["initial_option"])
    for item in chosen:
        if item not in (options or []):
            say.add(path, "initial option is not among the options")


def _context_element(value, path, say):
    if isinstance(value, dict) and value.get("type") == "image":
        ELEMENTS["image"](value, path, say)
    else:
        text(3000)(value, path, say)


def _anything(value, path, say):
    """Rich text is taken as it is: the app sends none, people's clients do."""


def block(required=None, optional=None):
    return shape(required or {}, {"block_id": block_id, **(optional or {})}, True)


BLOCKS = {
    "section": block({}, {"text": text(3000), "fields": array(text(2000), 10), "expand": boolean,
                          "accessory": any_element(IN_SECTION)}),
    "header": block({"text": text(150, plain)}),
    "divider": block(),
    "context": block({"elements": array(_context_element, 10)}),
    "actions": block({"elements": array(any_element(IN_ACTIONS), 25)}),
    "input": block({"label": text(2000, plain), "element": any_element(IN_INPUT)},
                   {"hint": text(2000, plain), "optional": boolean, "dispatch_action": boolean}),
    "image": block({"alt_text": string(2000, 1)}, {"image_url": url, "title": text(2000, plain),
                                                    "slack_file": _anything}),
    "rich_text": block({"elements": array(_anything, 100)}),
}


def elements_of(one):
    """The interactive elements of one block."""
    if one.get("type") == "actions":
        found = one.get("elements")
    else:
        found = [one.get("accessory"), one.get("element")]
    return [item for item in found or [] if isinstance(item, dict)]


def _check_twice(blocks, say):
    seen = set()
    for at, one in enumerate(blocks):
        if not isinstance(one, dict):
            continue
        name = one.get("block_id")
        if isinstance(name, str):
            if name in seen:
                say.add(f"/blocks/{at}/block_id", f"`block_id` must be unique: {name}")
            seen.add(name)
        ids = [item.get("action_id") for item in elements_of(one) if item.get("action_id")]
        for item in {item for item in ids if isinstance(item, str) and ids.count(item) > 1}:
            say.add(f"/blocks/{at}", f"`action_id` must be unique within the block: {item}")


def check_blocks(blocks, most=MESSAGE_BLOCKS):
    say = Complaints()
    if not isinstance(blocks, list):
        say.add("/blocks", "must be an array")
        return say.list
    if len(blocks) > most:
        say.add("/blocks", f"no more than {most} items allowed")
    for at, one in enumerate(blocks[:most]):
        path = f"/blocks/{at}"
        kind = one.get("type") if isinstance(one, dict) else None
        if kind not in BLOCKS:
            say.add(path + "/type", f"unsupported type: {kind}")
            continue
        BLOCKS[kind](one, path, say)
        if kind == "section" and "text" not in one and "fields" not in one:
            say.add(path, "missing required field: text or fields")
        if kind in ("image",) and ("image_url" in one) == ("slack_file" in one):
            say.add(path, "exactly one of image_url and slack_file is required")
    _check_twice(blocks, say)
    return say.list


def text_total(blocks):
    """Characters of all texts within blocks, the sum that `msg_blocks_too_long` is about."""
    if isinstance(blocks, dict):
        return sum(len(value) if key in ("text", "alt_text") and isinstance(value, str) else text_total(value)
                   for key, value in blocks.items())
    if isinstance(blocks, list):
        return sum(text_total(item) for item in blocks)
    return 0


def name_all(blocks, make_id):
    """A copy in which blocks and elements without an id have one, as Slack gives them."""
    blocks = copy.deepcopy(blocks)
    for one in blocks:
        one.setdefault("block_id", make_id())
        for item in elements_of(one):
            if item.get("type") in ELEMENTS and item["type"] != "image":
                item.setdefault("action_id", make_id())
    return blocks


def check_view(view):
    """Complaints about a modal or a home tab."""
    say = Complaints()
    if not isinstance(view, dict):
        say.add("/view", "must provide an object")
        return say.list
    kind = view.get("type")
    title = text(24, plain)
    rules = {"blocks": _anything, "callback_id": string(255), "private_metadata": string(3000),
             "external_id": string(255)}
    required = {"blocks": _anything}
    if kind == "modal":
        rules.update(submit=title, close=title, clear_on_close=boolean, notify_on_close=boolean,
                     submit_disabled=boolean)
        required["title"] = title
    elif kind != "home":
        say.add("/view/type", "must be one of: modal, home")
        return say.list
    shape(required, rules, True)(view, "/view", say)
    blocks = view.get("blocks")
    say.list += check_blocks(blocks, VIEW_BLOCKS)
    has_input = isinstance(blocks, list) and any(isinstance(b, dict) and b.get("type") == "input" for b in blocks)
    if kind == "modal" and has_input and not view.get("submit"):
        say.add("/view/submit", "missing required field: submit (a view with input blocks needs it)")
    return say.list
