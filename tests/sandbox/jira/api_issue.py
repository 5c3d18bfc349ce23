"""Issues: create, read, edit, transitions."""

import asyncio

from .api_things import read_properties
from .errors import JiraError, not_on_screen
from .fields import SYSTEM_FIELDS, as_text
from .rest import route

OPERATIONS = {"labels": {"add", "remove", "set"}, "comment": {"add"}}


# ---- create ----

@route("POST", "/issue")
def create(api, call):
    said = call.json()
    fields = said.get("fields")
    if not isinstance(fields, dict):
        raise JiraError(400, errors={"fields": "fields is required"} if fields is None else {"fields": "not an object"})
    project, kind, parent = _place(call, fields)
    given = {key: value for key, value in fields.items() if key not in ("project", "issuetype", "parent")}
    values = _apply(call, None, "create", project, kind, given, said.get("update") or {})
    properties = read_properties(said.get("properties") or [])
    issue = call.site.create(call.user, project, kind, values, parent, properties)
    return 201, {"id": issue.id, "key": issue.key, "self": f"{call.show.api}/issue/{issue.id}"}


def _place(call, fields):
    site = call.site
    wanted = fields.get("project")
    project = site.project_of((wanted.get("id") or wanted.get("key")) if isinstance(wanted, dict) else None)
    if project is None or not site.may("BROWSE_PROJECTS", project):
        raise JiraError(400, errors={"project": "valid project is required" if call.dc else
                                     "Specify a valid project ID or key"})
    if not site.may("CREATE_ISSUES", project):
        raise JiraError(400, errors={"project": "You do not have permission to create issues in this project."})
    kind = site.type_of(fields.get("issuetype"))
    if kind is None:
        raise JiraError(400, errors={"issuetype": "The issue type selected is invalid." if fields.get("issuetype")
                                     else "valid issue type is required" if call.dc else "Specify an issue type"})
    return project, kind, _parent(call, fields.get("parent"), project, kind)


def _parent(call, wanted, project, kind):
    site = call.site
    if not wanted:
        if site.is_subtask(kind):
            raise JiraError(400, errors={"issuetype" if call.dc else "parent":
                                         "Issue type is a sub-task but parent issue key or id not specified."})
        return None
    if not site.is_subtask(kind):
        raise JiraError(400, errors={"parent": not_on_screen("parent") if call.dc else
                                     "Given parent work item does not belong to appropriate hierarchy."})
    try:
        parent = site.issue(wanted.get("id") or wanted.get("key"))
    except (JiraError, AttributeError):
        raise JiraError(400, errors={"parent": "Could not find issue by id or key."}) from None
    if parent.project != project:
        raise JiraError(400, errors={"parent": "Sub-tasks must be created in the same project as the parent."})
    if site.is_subtask(parent.kind):
        raise JiraError(400, errors={"parent": "A sub-task cannot be the parent of another."})
    return parent


def _apply(call, issue, screen, project, kind, fields, update):
    """Values out of `fields` and the operations of `update`; comments among them are left out."""
    if not isinstance(fields, dict) or not isinstance(update, dict):
        raise JiraError(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    both = set(fields) & set(update)
    if both:
        raise JiraError(400, errors={field: f"Field '{field}' cannot appear in both 'fields' and 'update'"
                                     for field in both})
    given = dict(fields)
    for field, operations in update.items():
        if field == "comment":
            continue
        if not isinstance(operations, list) or not all(isinstance(one, dict) and len(one) == 1 for one in operations):
            raise JiraError(400, errors={field: "Expected operations"})
        given[field] = _operate(issue, field, operations)
    return call.site.check_fields(screen, project, kind, given, call.version)


def _operate(issue, field, operations):
    value = list(issue.fields["labels"]) if issue is not None and field == "labels" else []
    for one in operations:
        (name, said), = one.items()
        if name not in OPERATIONS.get(field, {"set"}):
            raise JiraError(400, errors={field: f"Field with id '{field}' and operation '{name}' is not supported."})
        if name == "set":
            value = said
        elif not isinstance(said, str):
            raise JiraError(400, errors={field: "string expected"})
        elif name == "add":
            value = [*value, said]
        else:
            value = [label for label in value if label != said]
    return value


def _comments(update, call):
    """The comments to add that stand among the operations."""
    if update is not None and not isinstance(update, dict):
        raise JiraError(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    try:
        return [as_text(one["add"]["body"], call.version) for one in (update or {}).get("comment", [])]
    except (KeyError, TypeError, ValueError):
        raise JiraError(400, errors={"comment": "Comment body is not valid!"}) from None


# ---- read and edit ----

@route("GET", "/issue/{issue}")
def read(api, call):
    issue = call.issue()
    return 200, call.show.issue(issue, call.words("fields"), call.words("expand"), call.words("properties"))


@route("PUT", "/issue/{issue}")
def edit(api, call):
    issue = call.issue()
    if not call.site.may("EDIT_ISSUES", issue.project):
        raise JiraError(403, "You do not have permission to edit issues in this project.")
    said = call.json()
    fields, update = said.get("fields") or {}, said.get("update") or {}
    comments = _comments(update, call)
    if not fields and not update and not said.get("properties"):
        raise JiraError(400, "one of 'fields' or 'update' required")
    values = _apply(call, issue, "edit", issue.project, issue.kind, fields, update)
    properties = read_properties(said.get("properties") or [])
    call.site.edit(issue, call.user, values)
    issue.properties.update(properties)
    for text in comments:
        call.site.comment(issue, call.user, text)
    return 204, None


@route("DELETE", "/issue/{issue}")
def delete(api, call):
    issue = call.issue("DELETE_ISSUES")
    if call.site.subtasks(issue) and call.query.get("deleteSubtasks") != "true":
        raise JiraError(400, "The issue has sub-tasks: say deleteSubtasks=true to delete them as well.")
    call.site.delete(issue, call.user)
    return 204, None


@route("PUT", "/issue/{issue}/assignee")
def assign(api, call):
    issue = call.issue("ASSIGN_ISSUES")
    values = call.site.check_fields("edit", issue.project, issue.kind, {"assignee": call.json()}, call.version)
    call.site.edit(issue, call.user, values)
    return 204, None


@route("GET", "/issue/{issue}/changelog", versions=(3,))
def changelog(api, call):
    return 200, call.page([call.show.history(entry) for entry in call.issue().history], "values", 100, 100)


# ---- transitions ----

@route("GET", "/issue/{issue}/transitions")
def transitions(api, call):
    issue = call.issue()
    rows = call.site.transitions(issue) if call.site.may("TRANSITION_ISSUES", issue.project) else []
    rows = [row for row in rows if call.query.get("transitionId", str(row["id"])) == str(row["id"])]
    shown = [call.show.transition(row) for row in rows]
    if "transitions.fields" in call.words("expand"):
        for one, row in zip(shown, rows):
            one["fields"] = {field: {"required": True, "name": field.capitalize(), "key": field, "fieldId": field,
                                     "operations": ["set"]} for field in row.get("requires", [])}
    return 200, {"expand": "transitions", "transitions": shown}


@route("POST", "/issue/{issue}/transitions")
async def transit(api, call):
    issue, site = call.issue(), call.site
    said = call.json()
    wanted = said.get("transition")
    if not isinstance(wanted, dict) or "id" not in wanted:
        raise JiraError(400, "Missing 'transition' identifier")
    if not isinstance(wanted["id"], str):
        raise JiraError(400, "Invalid request payload. 'id' of a transition is a string.")
    if issue.transitioning:
        raise JiraError(409, "The issue is being changed by another transition. Try again.")
    row = _transition(site, issue, wanted["id"])
    fields = dict(said.get("fields") or {})
    missing = [field for field in row.get("requires", []) if not fields.get(field)]
    if missing:
        raise JiraError(400, errors={field: f"{field.capitalize()} is required." for field in missing})
    # A transition's screen decides what may be set with it: resolution goes by itself, the rest as in an edit.
    fields.pop("resolution", None)
    comments = _comments(said.get("update"), call)
    values = _apply(call, issue, "edit", issue.project, issue.kind, fields, said.get("update") or {})
    pause = float(site.settings["transition_ms"]) / 1000
    if pause:
        issue.transitioning = True
        try:
            await asyncio.sleep(pause)
        finally:
            issue.transitioning = False
        if issue.deleted:
            raise JiraError(404, "Issue does not exist or you do not have permission to see it.")
        row = _transition(site, issue, wanted["id"])
    site.transit(issue, call.user, row, values)
    for text in comments:
        site.comment(issue, call.user, text)
    return 204, None


def _transition(site, issue, number):
    if not site.may("TRANSITION_ISSUES", issue.project):
        raise JiraError(400, "You do not have permission to transition this issue.")
    for row in site.transitions(issue):
        if str(row["id"]) == number:
            return row
    every = {str(row["id"]): row for row in site.workflow(issue.kind)["transitions"]}
    if number not in every:
        raise JiraError(400, f"Transition id '{number}' is not valid for this issue.")
    raise JiraError(400, "It seems that you have tried to perform a workflow operation "
                    f"({every[number]['name']}) that is not valid for the current state of this issue ({issue.key}). "
                    "The likely cause is that somebody has changed the issue recently, please look at the issue "
                    "history for details.")


# ---- what screens have ----

def describe_field(call, project, kind, field):
    """One field as create and edit metadata tell it."""
    site, custom = call.site, call.site.settings["custom_fields"].get(field)
    schema_type = custom["type"] if custom else SYSTEM_FIELDS[field][1]
    of_kind = {"system": field}
    if custom:
        of_kind = {"custom": f"com.atlassian.jira.plugin.system.customfieldtypes:{schema_type}",
                   "customId": int(field.rsplit("_", 1)[1])}
    shown = {"required": field in ("summary", "issuetype", "project") or field in site.required(kind)
             or field == "parent" and site.is_subtask(kind),
             "schema": {"type": schema_type, **of_kind},
             "name": site.field_name(field), "fieldId": field, "hasDefaultValue": field == "priority",
             "operations": sorted(OPERATIONS.get(field, {"set"}))}
    if not call.dc:
        shown["key"] = field
    if schema_type == "array":
        shown["schema"]["items"] = "string"
    if field == "priority":
        shown["allowedValues"] = [call.show.priority(name) for name in site.settings["priorities"]]
    elif field == "issuetype":
        shown["allowedValues"] = [call.show.kind(kind)]
    elif field == "project":
        shown["allowedValues"] = [call.show.project(project)]
    elif custom and custom.get("options"):
        shown["allowedValues"] = [{"value": option, "id": str(10001 + at)}
                                  for at, option in enumerate(custom["options"])]
    return shown


@route("GET", "/issue/{issue}/editmeta")
def editmeta(api, call):
    issue = call.issue()
    may = call.site.may("EDIT_ISSUES", issue.project)
    fields = call.site.on_screen("edit", issue.project, issue.kind) if may else []
    return 200, {"fields": {field: describe_field(call, issue.project, issue.kind, field) for field in fields}}
