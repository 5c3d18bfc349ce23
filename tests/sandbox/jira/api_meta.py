"""What a client asks about Jira itself: who am I, projects, types, fields, priorities, permissions, webhooks."""

from .api_issue import describe_field
from .errors import JiraError
from .fields import SYSTEM_FIELDS
from .rest import ROUTES, route
from .site import PERMISSIONS


@route("GET", "/myself")
def myself(api, call):
    return 200, {**call.show.user(call.user.name), "groups": {"size": 1, "items": []},
                 "applicationRoles": {"size": 1, "items": []}, "locale": "en_US"}


@route("GET", "/serverInfo", open_to_all=True)
def server_info(api, call):
    said = {"baseUrl": call.show.base, "serverTitle": "Sandbox", "buildNumber": 912002,
            "serverTime": call.site.stamp(call.site.clock(), call.user)}
    if call.dc:
        return 200, {**said, "version": "9.12.2", "versionNumbers": [9, 12, 2], "deploymentType": "Server"}
    return 200, {**said, "version": "1001.0.0-SNAPSHOT", "versionNumbers": [1001, 0, 0], "deploymentType": "Cloud"}


# ---- projects ----

def _projects(call):
    return [key for key in call.site.settings["projects"] if call.site.may("BROWSE_PROJECTS", key)]


def _project(call):
    key = call.site.project_of(call.names["project"])
    if key is None or not call.site.may("BROWSE_PROJECTS", key):
        raise JiraError(404, f"No project could be found with key '{call.names['project']}'.")
    return key


@route("GET", "/project")
def projects(api, call):
    return 200, [call.show.project(key) for key in _projects(call)]


@route("GET", "/project/search", versions=(3,))
def project_search(api, call):
    keys, query = call.words("keys"), call.query.get("query", "").lower()
    rows = [key for key in _projects(call) if (not keys or key in keys)
            and query in (key + " " + call.site.settings["projects"][key]).lower()]
    return 200, call.page([call.show.project(key) for key in rows], "values", 100)


@route("GET", "/project/{project}")
def project(api, call):
    return 200, call.show.project(_project(call), full=True)


@route("GET", "/project/{project}/statuses")
def project_statuses(api, call):
    _project(call)
    site = call.site
    return 200, [{**{key: call.show.kind(kind)[key] for key in ("self", "id", "name", "subtask")},
                  "statuses": [call.show.status(row["name"]) for row in site.workflow(kind)["statuses"]]}
                 for kind in site.settings["issue_types"]]


@route("GET", "/issuetype")
def issue_types(api, call):
    return 200, [call.show.kind(kind) for kind in call.site.settings["issue_types"]]


# ---- screens ----

@route("GET", "/issue/createmeta/{project}/issuetypes")
def createmeta_types(api, call):
    key = _project(call)
    kinds = call.site.settings["issue_types"] if call.site.may("CREATE_ISSUES", key) else []
    return 200, call.page([call.show.kind(kind) for kind in kinds], "values" if call.dc else "issueTypes", 200)


@route("GET", "/issue/createmeta/{project}/issuetypes/{type}")
def createmeta_fields(api, call):
    key = _project(call)
    kind = call.site.type_of({"id": call.names["type"]})
    if kind is None or not call.site.may("CREATE_ISSUES", key):
        raise JiraError(404 if call.dc else 400, "The issue type is not in this project, or may not be created.")
    fields = [describe_field(call, key, kind, field) for field in call.site.on_screen("create", key, kind)]
    return 200, call.page(fields, "values" if call.dc else "fields", 200)


@route("GET", "/issue/createmeta")
def createmeta(api, call):
    """All at once: Cloud still has it, Data Center lost it with version 9."""
    site = call.site
    if call.dc and not site.settings["old_createmeta"]:
        raise JiraError(404, "Issue Does Not Exist")
    wanted, kinds = call.words("projectKeys"), call.words("issuetypeNames")
    deep = "projects.issuetypes.fields" in call.words("expand")
    said = []
    for key in _projects(call):
        if wanted and key not in wanted or not site.may("CREATE_ISSUES", key):
            continue
        rows = []
        for kind in site.settings["issue_types"]:
            if kinds and kind not in kinds:
                continue
            rows.append(call.show.kind(kind))
            if deep:
                rows[-1]["fields"] = {field: describe_field(call, key, kind, field)
                                      for field in site.on_screen("create", key, kind)}
        said.append({**call.show.project(key), "issuetypes": rows})
    return 200, {"expand": "projects", "projects": said}


@route("GET", "/field")
def fields(api, call):
    rows = [{"id": field, "key": field, "name": name, "custom": False, "orderable": True, "navigable": True,
             "searchable": True, "clauseNames": [field], "schema": {"type": kind, "system": field}}
            for field, (name, kind) in {**SYSTEM_FIELDS, "status": ("Status", "status")}.items()]
    rows += [{"id": field, "key": field, "name": row["name"], "custom": True, "orderable": True, "navigable": True,
              "searchable": True, "clauseNames": [f"cf[{field.rsplit('_', 1)[1]}]", row["name"]],
              "schema": {"type": row["type"], "customId": int(field.rsplit("_", 1)[1])}}
             for field, row in call.site.settings["custom_fields"].items()]
    return 200, rows


@route("GET", "/priority")
def priorities(api, call):
    return 200, [call.show.priority(name) for name in call.site.settings["priorities"]]


@route("GET", "/priority/search", versions=(3,))
def priority_search(api, call):
    return 200, call.page([{**call.show.priority(name), "isDefault": name == "Medium"}
                           for name in call.site.settings["priorities"]], "values")


@route("GET", "/status")
def statuses(api, call):
    call.site.status("To Do")
    return 200, [call.show.status(name) for name in call.site.statuses]


@route("GET", "/workflow/search", versions=(3,))
def workflows(api, call):
    """Administrators may read the workflows whole, which tells paths without an issue."""
    if not call.site.settings["admin"]:
        raise JiraError(403, "Only Jira administrators can access workflows.")
    site, rows = call.site, []
    named = {"sandbox workflow": site.settings["workflow"],
             **{f"{kind} workflow": flow for kind, flow in site.settings["workflows"].items()}}
    for name, flow in named.items():
        rows.append({"id": {"name": name, "entityId": name}, "description": "",
                     "statuses": [{"id": site.status(row["name"])["id"], "name": row["name"]}
                                  for row in flow["statuses"]],
                     "transitions": [{"id": str(row["id"]), "name": row["name"],
                                      "type": "directed" if row.get("from") else "global",
                                      "from": [site.status(one)["id"] for one in row.get("from") or []],
                                      "to": site.status(row["to"])["id"]} for row in flow["transitions"]]})
    return 200, call.page(rows, "values")


# ---- people and permissions ----

@route("GET", "/user/search", versions=(3,))
def users_cloud(api, call):
    if "query" not in call.query and "accountId" not in call.query:
        raise JiraError(400, "At least one of 'query', 'accountId' or 'property' has to be given.")
    wanted = call.query.get("query", "").lower()
    rows = [user for user in call.site.users.values()
            if call.query.get("accountId", user.account) == user.account and
            any(text.startswith(wanted) for text in (user.email, user.name, *user.displayed.lower().split(),
                                                     user.displayed.lower()))]
    return 200, [call.show.user(user.name) for user in rows][call.number("startAt", 0, 1 << 30):][:call.number(
        "maxResults", 50, 1000)]


@route("GET", "/user/search", versions=(2,))
def users_data_center(api, call):
    if not call.query.get("username"):
        raise JiraError(400, "The username query parameter was not provided")
    wanted = call.query["username"].lower()
    rows = [user for user in call.site.users.values()
            if wanted == "." or any(text.startswith(wanted)
                                    for text in (user.email, user.name, user.displayed.lower()))]
    return 200, [call.show.user(user.name) for user in rows][:call.number("maxResults", 50, 1000)]


@route("GET", "/user")
def user(api, call):
    wanted = call.query.get("username") or call.query.get("key") if call.dc else call.query.get("accountId")
    found = call.site.user(wanted)
    if found is None:
        raise JiraError(404, f"The user {wanted} does not exist.")
    return 200, call.show.user(found.name)


@route("GET", "/mypermissions")
def permissions(api, call):
    wanted = call.words("permissions")
    if not call.dc and not wanted:
        raise JiraError(400, "The 'permissions' query parameter is required.")
    unknown = [name for name in wanted if name not in PERMISSIONS]
    if unknown:
        raise JiraError(400, f"Unrecognized permission: {unknown[0]}")
    place = "*"
    if call.query.get("issueKey") or call.query.get("issueId"):
        place = call.site.issue(call.query.get("issueKey") or call.query.get("issueId")).project
    elif call.query.get("projectKey") or call.query.get("projectId"):
        place = call.site.project_of(call.query.get("projectKey") or call.query.get("projectId"))
        if place is None:
            raise JiraError(404, f"No project could be found with key '{call.query.get('projectKey')}'.")
    allowed = {name: call.site.may(name, place) and (name != "ADMINISTER" or call.site.settings["admin"])
               for name in wanted or PERMISSIONS}
    return 200, {"permissions": {name: {"id": str(at), "key": name, "name": name.replace("_", " ").capitalize(),
                                        "type": "GLOBAL" if name == "ADMINISTER" else "PROJECT", "description": "",
                                        "havePermission": have} for at, (name, have) in enumerate(allowed.items(), 10)}}


# ---- webhooks ----

def show_hook(api, hook, at):
    return {"name": hook.get("name", f"hook {at}"), "url": hook["url"], "events": hook.get("events") or ALL_EVENTS,
            "filters": {"issue-related-events-section": hook.get("jql", "")}, "excludeBody": False,
            "enabled": hook.get("enabled", True), "isSigned": bool(hook.get("secret")),
            "self": f"{api.base}/rest/webhooks/1.0/webhook/{at}", "lastUpdated": api.site.clock()}


ALL_EVENTS = ["jira:issue_created", "jira:issue_updated", "jira:issue_deleted", "comment_created", "comment_updated",
              "comment_deleted"]


def _admin(call):
    if not call.site.settings["admin"]:
        raise JiraError(403, "You do not have permission to manage webhooks: only administrators do.")


@route("GET", "/webhook", versions=(3,))
def webhooks_of_apps(api, call):
    """Cloud's list for apps; a person's token gets 403, which is what most configurations have."""
    if call.basic:
        raise JiraError(403, "The caller is not a Connect app or an OAuth 2.0 app.")
    rows = [{"id": at, "jqlFilter": hook.get("jql", ""), "events": hook.get("events") or ALL_EVENTS,
             "url": hook["url"], "expirationDate": api.site.clock() + 30 * 86400000}
            for at, hook in enumerate(api.site.settings["webhooks"], 1)]
    return 200, call.page(rows, "values")


def register():
    """The administrators' webhooks are beside the versions of the API, and the same for both."""
    path = "/rest/webhooks/1.0/webhook"

    @route("GET", path, versions=(2,))
    def listing(api, call):
        _admin(call)
        return 200, [show_hook(api, hook, at) for at, hook in enumerate(api.site.settings["webhooks"], 1)]

    @route("POST", path, versions=(2,))
    def add(api, call):
        _admin(call)
        said = call.json()
        if not isinstance(said.get("url"), str) or not said.get("name"):
            raise JiraError(400, "A webhook needs a name and a URL.")
        hook = {"name": said["name"], "url": said["url"], "events": said.get("events") or ALL_EVENTS,
                "secret": said.get("secret"),
                "jql": (said.get("filters") or {}).get("issue-related-events-section", "")}
        call.site.settings["webhooks"] = [*call.site.settings["webhooks"], hook]
        return 201, show_hook(api, hook, len(call.site.settings["webhooks"]))


register()
assert ROUTES
