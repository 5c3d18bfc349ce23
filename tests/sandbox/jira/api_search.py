"""Search, as Cloud has it (tokens, no total) and as Data Center does (totals)."""

import base64

from . import jql
from .errors import JiraError
from .rest import route

PAGE_MOST = 5000


def _search_arguments(call):
    """From the query of a GET or the body of a POST, in one shape."""
    if call.body:
        said = call.json()
        fields, expand = said.get("fields"), said.get("expand")
        lists = (said.get(key) for key in ("fields", "properties", "reconcileIssues") if said.get(key) is not None)
        if not all(isinstance(each, list) and all(isinstance(one, (str, int)) for one in each) for each in lists):
            raise JiraError(400, "Invalid request payload. Refer to the REST API documentation and try again.")
        said = {**said, "expand": expand.split(",") if isinstance(expand, str) else expand or [],
                "fields": fields and [str(field) for field in fields]}
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
        raise JiraError(400, "Unbounded JQL queries are not allowed here. "
                        "Please add a search restriction to your query.")
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
