"""How this Jira is configured: everything a test or a seed may change, with what it is at first."""

import copy

PRIORITIES = [("1", "Highest"), ("2", "High"), ("3", "Medium"), ("4", "Low"), ("5", "Lowest")]
CATEGORIES = {"new": (2, "To Do", "blue-gray"), "indeterminate": (4, "In Progress", "yellow"),
              "done": (3, "Done", "green")}
# To Do cannot become Done at once: whoever wants that goes by In Progress and In Review.
WORKFLOW = {
    "statuses": [{"name": "To Do", "category": "new"}, {"name": "In Progress", "category": "indeterminate"},
                 {"name": "In Review", "category": "indeterminate"}, {"name": "Done", "category": "done"}],
    "transitions": [
        {"id": "11", "name": "Start", "from": ["To Do"], "to": "In Progress"},
        {"id": "21", "name": "Send to review", "from": ["In Progress"], "to": "In Review"},
        {"id": "31", "name": "Finish", "from": ["In Review"], "to": "Done"},
        {"id": "41", "name": "Put back", "from": ["In Progress"], "to": "To Do"},
        {"id": "51", "name": "Reject", "from": ["In Review"], "to": "In Progress"},
        {"id": "61", "name": "Reopen", "from": ["Done"], "to": "In Progress"},
    ],
}
CUSTOM = {
    "customfield_10010": {"name": "Customer impact", "type": "string", "types": ["Incident"]},
    "customfield_10011": {"name": "Detected at", "type": "datetime", "types": ["Incident"]},
    "customfield_10012": {"name": "Environment", "type": "option", "types": ["Incident"],
                          "options": ["production", "staging"]},
    "customfield_10013": {"name": "Affected customers", "type": "number", "types": ["Incident"]},
}
ODD_SHAPES = {
    "comment_without_issue": False,     # comment events tell the issue only by comment.self
    "comment_without_user": False,      # comment events tell who only by comment.author
    "double_comment_events": None,      # jira:issue_updated beside comment_created; None: as the flavour does
    "no_event_type_name": False,        # as old servers
    "no_changelog": False,
    "no_user": False,
    "user_query": False,                # ?user_id=…&user_key=… added to the URL
}
DEFAULTS = {
    "flavour": "both",          # cloud: only v3; dc: only v2; both: webhooks look as the last caller's side does
    "projects": {"PAY": "Payments", "OPS": "Operations"},
    "issue_types": {"Incident": {}, "Task": {}, "Sub-task": {"subtask": True}},
    "priorities": [name for _, name in PRIORITIES],
    "custom_fields": CUSTOM,
    "required": {},             # type -> field ids beside the summary, such as {"Incident": ["customfield_10010"]}
    "hidden": {"create": [], "edit": []},   # fields off a screen: "labels", "Incident.labels", "PAY.Incident.*"
    "workflow": WORKFLOW,
    "workflows": {},            # type -> a workflow of its own
    "denied": [],               # "PAY.CREATE_ISSUES", "*.ADD_COMMENTS"; what the API's caller may not
    "admin": True,              # whether the caller may list webhooks
    "token": None,              # the only token there is; None: any
    "emails": False,            # whether Cloud shows the addresses of others
    "zone": "America/Los_Angeles",          # the time zone of the app's own account
    "clock_offset_ms": 0,       # how far Jira's clock is from ours
    "search_lag_ms": 0,
    "transition_ms": 0,         # how long a transition takes; a second one meanwhile gets 409
    "rates": "off",
    "webhooks": [],             # [{url, secret, events, jql, name, enabled}]
    "shapes": ODD_SHAPES,
    "retry_scale": 1.0,         # 1: deliveries are tried again after 5 to 15 minutes; 0.001: after 0.3 to 0.9 s
    "retries": 5,
    "delivery_timeout_ms": 20000,
    "relay": True,              # whether events go to the relay as well
    "relay_token": None,
    "relay_secret": None,       # None: that of the first webhook
    "relay_ack_ms": 5000,
    "relay_retry_ms": 300,
    "old_createmeta": False,    # v2 has the createmeta of before Data Center 9
}


def first():
    return copy.deepcopy(DEFAULTS)


def merge(settings, spec):
    """Takes over what `spec` says; unknown names are refused so that a typing error does not test nothing."""
    unknown = set(spec) - set(DEFAULTS) - {"webhook"}
    if unknown:
        raise ValueError(f"no settings {', '.join(sorted(unknown))}; there are: {', '.join(sorted(DEFAULTS))}")
    for key, value in spec.items():
        kind = type(DEFAULTS.get(key))
        if DEFAULTS.get(key) is not None and not isinstance(value, (int, float) if kind in (int, float) else kind):
            raise ValueError(f"{key} is a {kind.__name__}")
        if key == "webhook":
            settings["webhooks"] = [value] if value else []
        elif key in ("shapes", "hidden"):
            strange = set(value) - set(settings[key])
            if strange:
                raise ValueError(f"no {key} {', '.join(sorted(strange))}")
            settings[key] = {**settings[key], **value}
        elif key == "rates" and value not in ("off", "real"):
            raise ValueError("rates are off or real")
        elif key == "flavour" and value not in ("both", "cloud", "dc"):
            raise ValueError("the flavour is both, cloud or dc")
        else:
            settings[key] = value
