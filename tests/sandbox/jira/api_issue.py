"""Issues: create, read, edit, transitions, comments, properties, remote links, search."""

import asyncio
import base64
import json

from . import jql
from .errors import JiraError, not_on_screen
from .rest import route
from .site import PROPERTY_MOST, SYSTEM_FIELDS, as_text

PAGE_MOST = 5000
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
    properties = _properties(said.get("properties") or [])
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
        raise JiraError(400, errors={field: f"Field '{field}' cannot appear in both 'fields' and 'update'" for field in both})
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
    try:
        return [as_text(one["add"]["body"], call.version) for one in (update or {}).get("comment", [])]
    except (KeyError, TypeError, ValueError):
        raise JiraError(400, errors={"comment": "Comment body is not valid!"}) from None


def _properties(rows):
    try:
        found = {str(row["key"]): row["value"] for row in rows}
    except (KeyError, TypeError):
        raise JiraError(400, "Entity properties need a key and a value.") from None
    for key, value in found.items():
        _check_property(key, json.dumps(value, ensure_ascii=False))
    return found


def _check_property(key, text):
    if not key or len(key) > 255:
        raise JiraError(400, "The property key has more than 255 characters or none.")
    if len(text) > PROPERTY_MOST:
        raise JiraError(400, f"The property value is too long: more than {PROPERTY_MOST} characters.")


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
    properties = _properties(said.get("properties") or [])
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
    raise JiraError(400, f"It seems that you have tried to perform a workflow operation ({every[number]['name']}) that is "
                    f"not valid for the current state of this issue ({issue.key}). The likely cause is that somebody has "
                    "changed the issue recently, please look at the issue history for details.")


# ---- comments ----

@route("GET", "/issue/{issue}/comment")
def comments(api, call):
    issue = call.issue()
    order = call.query.get("orderBy", "created")
    if order.lstrip("+-") != "created":
        raise JiraError(400, f"The field '{order}' is not valid for 'orderBy'.")
    rows = list(issue.comments.values())
    if order.startswith("-"):
        rows.reverse()
    shown = [call.show.comment(issue, row, "properties" in call.words("expand")) for row in rows]
    return 200, call.page(shown, "comments", 5000, 5000 if call.dc else 100)


@route("POST", "/issue/{issue}/comment")
def comment(api, call):
    issue = call.issue()
    if not call.site.may("ADD_COMMENTS", issue.project):
        raise JiraError(400 if call.dc else 403, f"{call.user.displayed}, you do not have the permission to comment on "
                        "this issue.")
    said = call.json()
    text = _comment_body(call, said)
    properties = _properties(said.get("properties") or [])
    visibility = said.get("visibility")
    if visibility is not None and (not isinstance(visibility, dict) or visibility.get("type") not in ("role", "group")
                                   or not isinstance(visibility.get("value"), str)):
        raise JiraError(400, errors={"commentLevel": "The comment's visibility names neither a role nor a group."})
    row = call.site.comment(issue, call.user, text, properties, visibility)
    return 201, call.show.comment(issue, row)


def _comment_body(call, said):
    if said.get("body") in (None, ""):
        raise JiraError(400, errors={"comment": "Comment body can not be empty!"})
    try:
        text = as_text(said["body"], call.version)
    except ValueError:
        raise JiraError(400, errors={"comment": "Comment body is not valid!"}) from None
    if not text.wiki.strip():
        raise JiraError(400, errors={"comment": "Comment body can not be empty!"})
    return text


def _comment(call, permission="BROWSE_PROJECTS"):
    issue = call.issue(permission)
    row = issue.comments.get(call.names["comment"])
    if row is None:
        raise JiraError(404, f"Can not find a comment for the id: {call.names['comment']}.")
    return issue, row


@route("GET", "/issue/{issue}/comment/{comment}")
def one_comment(api, call):
    issue, row = _comment(call)
    return 200, call.show.comment(issue, row, "properties" in call.words("expand"))


@route("PUT", "/issue/{issue}/comment/{comment}")
def edit_comment(api, call):
    issue, row = _comment(call, "ADD_COMMENTS")
    call.site.edit_comment(issue, call.user, row, _comment_body(call, call.json()))
    return 200, call.show.comment(issue, row)


@route("DELETE", "/issue/{issue}/comment/{comment}")
def delete_comment(api, call):
    issue, row = _comment(call, "ADD_COMMENTS")
    call.site.delete_comment(issue, call.user, row)
    return 204, None


# ---- properties ----

@route("GET", "/issue/{issue}/properties")
def property_keys(api, call):
    issue = call.issue()
    return 200, {"keys": [{"self": f"{call.show.api}/issue/{issue.id}/properties/{key}", "key": key}
                          for key in issue.properties]}


@route("GET", "/issue/{issue}/properties/{key}")
def get_property(api, call):
    issue, key = call.issue(), call.names["key"]
    if key not in issue.properties:
        raise JiraError(404, f"The property with key '{key}' does not exist.")
    return 200, {"key": key, "value": issue.properties[key]}


@route("PUT", "/issue/{issue}/properties/{key}")
def put_property(api, call):
    issue, key = call.issue("EDIT_ISSUES"), call.names["key"]
    if not call.body.strip():
        raise JiraError(400, "The property value must not be empty.")
    value = call.json(None)
    _check_property(key, call.body.decode("utf-8", "replace"))
    status = 200 if key in issue.properties else 201
    issue.properties[key] = value
    call.site.change.tell()
    return status, None


@route("DELETE", "/issue/{issue}/properties/{key}")
def delete_property(api, call):
    issue = call.issue("EDIT_ISSUES")
    if issue.properties.pop(call.names["key"], None) is None:
        raise JiraError(404, f"The property with key '{call.names['key']}' does not exist.")
    return 204, None


# ---- remote links ----

def _show_link(call, issue, link):
    return {"id": int(link["id"]), "self": f"{call.show.api}/issue/{issue.id}/remotelink/{link['id']}",
            **{key: value for key, value in link.items() if key != "id" and value is not None}}


@route("GET", "/issue/{issue}/remotelink")
def links(api, call):
    issue = call.issue()
    if "globalId" in call.query:
        link = issue.links.get(call.query["globalId"])
        if link is None:
            raise JiraError(404, "The remote issue link with this global id does not exist.")
        return 200, _show_link(call, issue, link)
    return 200, [_show_link(call, issue, link) for link in issue.links.values()]


@route("POST", "/issue/{issue}/remotelink")
def put_link(api, call):
    issue = call.issue("LINK_ISSUES")
    said = call.json()
    thing = said.get("object")
    errors = {f"object.{key}": f"'{key}' is required." for key in ("title", "url")
              if not isinstance(thing, dict) or not isinstance(thing.get(key), str) or not thing[key]}
    if errors:
        raise JiraError(400, errors=errors)
    if len(str(said.get("globalId") or "")) > 255:
        raise JiraError(400, errors={"globalId": "globalId is too long. It exceeds the allowed limit of 255 characters."})
    old = issue.links.get(said.get("globalId")) if said.get("globalId") else None
    # What is left out becomes nothing, also where the old link had it.
    link = {"id": old["id"] if old else call.site.next("link"), "globalId": said.get("globalId"),
            "application": said.get("application"), "relationship": said.get("relationship"),
            "object": {key: thing.get(key) for key in ("url", "title", "summary", "icon", "status")}}
    call.site.link(issue, call.user, link, old is None)
    return 200 if old else 201, {"id": int(link["id"]), "self": f"{call.show.api}/issue/{issue.id}/remotelink/{link['id']}"}


@route("DELETE", "/issue/{issue}/remotelink")
def delete_link(api, call):
    issue = call.issue("LINK_ISSUES")
    link = issue.links.get(call.query.get("globalId"))
    if link is None:
        raise JiraError(404, "The remote issue link with this global id does not exist.")
    call.site.unlink(issue, call.user, link)
    return 204, None


@route("DELETE", "/issue/{issue}/remotelink/{link}")
def delete_link_by_id(api, call):
    issue = call.issue("LINK_ISSUES")
    link = next((each for each in issue.links.values() if each["id"] == call.names["link"]), None)
    if link is None:
        raise JiraError(404, "The remote issue link does not exist.")
    call.site.unlink(issue, call.user, link)
    return 204, None


# ---- search ----

def _search_arguments(call):
    """From the query of a GET or the body of a POST, in one shape."""
    if call.body:
        said = call.json()
        fields, expand = said.get("fields"), said.get("expand")
        if fields is not None and not isinstance(fields, list):
            raise JiraError(400, "Invalid request payload. Refer to the REST API documentation and try again.")
        said = {**said, "expand": expand.split(",") if isinstance(expand, str) else expand or []}
        return said
    said = {key: call.query[key] for key in ("jql", "nextPageToken", "maxResults", "startAt") if key in call.query}
    return {**said, "fields": call.words("fields") or None, "expand": call.words("expand"),
            "properties": call.words("properties"), "reconcileIssues": call.words("reconcileIssues")}


def _number(said, key, default, most):
    try:
        return max(0, min(most, int(said.get(key, default))))
    except (TypeError, ValueError):
        raise JiraError(400, f"'{key}' must be a number.") from None


def _found(call, query, fresh=()):
    seen = {issue.id: issue for issue in call.site.found_in_index()}
    for issue_id in fresh:
        if str(issue_id) in call.site.issues:
            seen[str(issue_id)] = call.site.issues[str(issue_id)]
        else:
            seen.pop(str(issue_id), None)
    return query.run(issue for issue in seen.values() if call.site.may("BROWSE_PROJECTS", issue.project))


@route("GET", "/search/jql", versions=(3,))
@route("POST", "/search/jql", versions=(3,))
def search_cloud(api, call):
    said = _search_arguments(call)
    query = jql.Query(said.get("jql"), call.site, call.user)
    if query.where is None:
        raise JiraError(400, "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")
    found = _found(call, query, said.get("reconcileIssues") or ())
    size = _number(said, "maxResults", 50, PAGE_MOST) or 50
    start = 0
    if said.get("nextPageToken"):
        try:
            place, _, words = base64.urlsafe_b64decode(str(said["nextPageToken"])).decode().partition("|")
            start = int(place)
            if words != str(said.get("jql")):
                raise ValueError
        except ValueError:
            raise JiraError(400, "The provided next page token is invalid or expired.") from None
    answer = {"issues": [_in_results(call, issue, said, ["id"]) for issue in found[start:start + size]],
              "isLast": start + size >= len(found)}
    if not answer["isLast"]:
        answer["nextPageToken"] = base64.urlsafe_b64encode(f"{start + size}|{said.get('jql')}".encode()).decode()
    return 200, answer


def _in_results(call, issue, said, default):
    fields = said.get("fields") or default
    shown = call.show.issue(issue, fields, said.get("expand") or [], said.get("properties") or [])
    if fields == ["id"]:
        return {"id": issue.id}
    return shown


@route("GET", "/search", versions=(3,))
@route("POST", "/search", versions=(3,))
def search_gone(api, call):
    raise JiraError(410, "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API.")


@route("GET", "/search", versions=(2,))
@route("POST", "/search", versions=(2,))
def search_data_center(api, call):
    said = _search_arguments(call)
    found = _found(call, jql.Query(said.get("jql"), call.site, call.user))
    start, size = _number(said, "startAt", 0, 1 << 30), _number(said, "maxResults", 50, 1000)
    return 200, {"expand": "names,schema", "startAt": start, "maxResults": size, "total": len(found),
                 "issues": [_in_results(call, issue, said, ["*navigable"]) for issue in found[start:start + size]]}


# ---- what screens have ----

def describe_field(call, project, kind, field):
    """One field as create and edit metadata tell it."""
    site, custom = call.site, call.site.settings["custom_fields"].get(field)
    schema_type = custom["type"] if custom else SYSTEM_FIELDS[field][1]
    shown = {"required": field in ("summary", "issuetype", "project") or field in site.required(kind)
             or field == "parent" and site.is_subtask(kind),
             "schema": {"type": schema_type, **({"custom": f"com.atlassian.jira.plugin.system.customfieldtypes:{schema_type}",
                                                 "customId": int(field.rsplit("_", 1)[1])} if custom else {"system": field})},
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
        shown["allowedValues"] = [{"value": option, "id": str(10001 + at)} for at, option in enumerate(custom["options"])]
    return shown


@route("GET", "/issue/{issue}/editmeta")
def editmeta(api, call):
    issue = call.issue()
    fields = call.site.on_screen("edit", issue.project, issue.kind) if call.site.may("EDIT_ISSUES", issue.project) else []
    return 200, {"fields": {field: describe_field(call, issue.project, issue.kind, field) for field in fields}}
