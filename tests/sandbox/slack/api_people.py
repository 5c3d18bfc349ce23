"""users.*, usergroups.*"""

from .api_conversations import page_of
from .errors import SlackError
from .web_api import method


@method("users.info", scope="users:read", tier="4", form_only=True)
def users_info(api, args):
    user = api.ws.users.get(args.text("user"))
    if user is None:
        raise SlackError("user_not_found")
    return {"user": user}


@method("users.list", scope="users:read", tier="2", form_only=True)
def users_list(api, args):
    members, _, cursor = page_of(args, list(api.ws.users.values()))
    return {"members": members, "response_metadata": {"next_cursor": cursor}}


@method("users.lookupByEmail", scope="users:read.email", tier="3", form_only=True)
def users_lookup_by_email(api, args):
    wanted = args.text("email").lower()
    for user in api.ws.users.values():
        if wanted and user["profile"].get("email", "").lower() == wanted:
            return {"user": user}
    raise SlackError("users_not_found")


@method("usergroups.list", scope="usergroups:read", tier="2", form_only=True)
def usergroups_list(api, args):
    with_users = args.flag("include_users")
    return {"usergroups": [{key: value for key, value in group.items() if key != "users" or with_users}
                           for group in api.ws.groups.values()]}


@method("usergroups.users.list", scope="usergroups:read", tier="2", form_only=True)
def usergroups_users_list(api, args):
    group = api.ws.groups.get(args.text("usergroup"))
    if group is None:
        raise SlackError("no_such_subteam")
    return {"users": group["users"]}
