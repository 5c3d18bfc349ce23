"""What hangs on issues: comments, properties, remote links."""

import json

from .errors import JiraError
from .fields import as_text
from .rest import route
from .site import PROPERTY_MOST


def read_properties(rows):
    try:
        found = {str(row["key"]): row["value"] for row in rows}
    except (KeyError, TypeError):
        raise JiraError(400, "Entity properties need a key and a value.") from None
    for key, value in found.items():
        check_property(key, json.dumps(value, ensure_ascii=False))
    return found


def check_property(key, text):
    if not key or len(key) > 255:
        raise JiraError(400, "The property key has more than 255 characters or none.")
    if len(text) > PROPERTY_MOST:
        raise JiraError(400, f"The property value is too long: more than {PROPERTY_MOST} characters.")


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
    properties = read_properties(said.get("properties") or [])
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
    check_property(key, call.body.decode("utf-8", "replace"))
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


@route("GET", "/issue/{issue}/remotelink/{link}")
def one_link(api, call):
    issue = call.issue()
    return 200, _show_link(call, issue, _link(call, issue))


def _link(call, issue):
    link = next((each for each in issue.links.values() if each["id"] == call.names["link"]), None)
    if link is None:
        raise JiraError(404, "The remote issue link does not exist.")
    return link


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
        raise JiraError(400, errors={"globalId": "globalId is longer than the allowed 255 characters."})
    old = issue.links.get(said.get("globalId")) if said.get("globalId") else None
    # What is left out becomes nothing, also where the old link had it.
    link = {"id": old["id"] if old else call.site.next("link"), "globalId": said.get("globalId"),
            "application": said.get("application"), "relationship": said.get("relationship"),
            "object": {key: thing.get(key) for key in ("url", "title", "summary", "icon", "status")}}
    call.site.link(issue, call.user, link, old is None)
    address = f"{call.show.api}/issue/{issue.id}/remotelink/{link['id']}"
    return 200 if old else 201, {"id": int(link["id"]), "self": address}


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
    call.site.unlink(issue, call.user, _link(call, issue))
    return 204, None
