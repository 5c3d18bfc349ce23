"""The sandbox's Jira itself: both versions of the API, the search's lag, events both ways, every fault it can play."""

import base64
import concurrent.futures
import datetime
import http.client
import json
import re
import time
import urllib.error
import urllib.request

import pytest

from fake_app import OPENER
from fake_jira_client import Receiver, RelayClient, signature
from sandbox import SandboxError, eventually

SECRET = "It's a Secret to Everybody"
CLOUD, CENTER = "/rest/api/3", "/rest/api/2"


def adf(text="hello"):
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
    return {"type": "doc", "version": 1, "content": [paragraph]}


@pytest.fixture
def jira(sandbox):
    return sandbox.jira


@pytest.fixture
def receive(jira):
    """Makes receivers of webhooks, set up in Jira with the secret."""
    made = []

    def make(answers=(), pause=0.0, **settings):
        made.append(Receiver(answers, pause))
        jira.settings(webhook={"url": made[-1].url, "secret": SECRET, "name": "sitrep"}, relay=False, **settings)
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def relay(jira):
    """Makes clients of the relay."""
    made = []

    def make(**more):
        made.append(RelayClient(jira, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


def fields(summary="checkout is failing", project="PAY", kind="Incident", **more):
    return {"fields": {"project": {"key": project}, "issuetype": {"name": kind}, "summary": summary, **more}}


def create(jira, api=CLOUD, **more):
    status, said = jira.rest("POST", api + "/issue", fields(**more))
    assert status == 201, said
    return said


def get(jira, path, **query):
    status, said = jira.rest("GET", path, **query)
    assert status == 200, said
    return said


def refused(answer, status=400):
    assert answer[0] == status, answer
    assert set(answer[1]) == {"errorMessages", "errors"}
    return answer[1]


# ---- who ----

@pytest.mark.parametrize("auth, bearer, status", [
    (None, None, 401), ("sitrep@example.com:", None, 401), ("sitrep@example.com:x", None, 200), (None, "x", 200)])
def test_tokens(jira, auth, bearer, status):
    said, answer = jira.rest("GET", CLOUD + "/myself", auth=auth, bearer=bearer)
    assert said == status
    if status == 200:
        assert answer["displayName"] == "sitrep"
    else:
        assert answer["errorMessages"]


def test_a_token_may_be_the_only_one(jira):
    jira.settings(token="right")
    assert jira.rest("GET", CLOUD + "/myself", auth="sitrep@example.com:wrong")[0] == 401
    assert jira.rest("GET", CLOUD + "/myself", auth="sitrep@example.com:right")[0] == 200


def test_the_address_says_who_calls(jira):
    assert jira.rest("GET", CLOUD + "/myself", auth="alice@example.com:x")[1]["displayName"] == "Alice Adler"


def test_cloud_knows_accounts_and_data_center_names(jira):
    cloud, center = get(jira, CLOUD + "/myself"), get(jira, CENTER + "/myself")
    assert cloud["accountId"] and "name" not in cloud and cloud["timeZone"] == "America/Los_Angeles"
    assert center["name"] == "sitrep" and center["key"] and "accountId" not in center


def test_users_are_found_by_address(jira):
    found = get(jira, CLOUD + "/user/search", query="alice@example.com")
    assert [one["displayName"] for one in found] == ["Alice Adler"] and "emailAddress" not in found[0]
    assert get(jira, CENTER + "/user/search", username="bob@example.com")[0]["name"] == "bob"
    refused(jira.rest("GET", CLOUD + "/user/search", username="alice"))
    refused(jira.rest("GET", CENTER + "/user/search", query="alice"))


def test_server_info_tells_which_kind(jira):
    assert get(jira, CLOUD + "/serverInfo")["deploymentType"] == "Cloud"
    assert get(jira, CENTER + "/serverInfo")["deploymentType"] == "Server"
    assert jira.rest("GET", CENTER + "/serverInfo", auth=None)[0] == 200


def test_a_flavour_has_only_its_version(jira):
    jira.settings(flavour="dc")
    assert jira.rest("GET", CLOUD + "/myself")[0] == 404 and jira.rest("GET", CENTER + "/myself")[0] == 200


# ---- create and read ----

def test_create_answers_with_id_key_self(jira):
    said = create(jira, labels=["sitrep-1"], description=adf("what is known"))
    assert set(said) == {"id", "key", "self"} and said["key"] == "PAY-1" and isinstance(said["id"], str)
    issue = get(jira, f"{CLOUD}/issue/{said['id']}")
    assert issue["fields"]["description"] == adf("what is known") and issue["fields"]["labels"] == ["sitrep-1"]
    assert issue["fields"]["status"]["name"] == "To Do" and issue["fields"]["creator"]["accountId"]
    assert get(jira, f"{CENTER}/issue/PAY-1")["fields"]["description"] == "what is known"


def test_times_are_in_the_callers_zone(jira):
    create(jira)
    created = get(jira, CLOUD + "/issue/PAY-1")["fields"]["created"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}-0[78]00", created)
    as_alice = jira.rest("GET", CLOUD + "/issue/PAY-1", auth="alice@example.com:x")[1]["fields"]["created"]
    assert re.search(r"\+0[12]00$", as_alice)
    form = "%Y-%m-%dT%H:%M:%S.%f%z"
    assert datetime.datetime.strptime(created, form) == datetime.datetime.strptime(as_alice, form)


def test_required_fields_are_told_each(jira):
    jira.settings(required={"Incident": ["customfield_10010", "customfield_10013"]})
    said = refused(jira.rest("POST", CLOUD + "/issue", fields(summary="")))
    assert said["errors"] == {"summary": "You must specify a summary of the issue.",
                              "customfield_10010": "Customer impact is required.",
                              "customfield_10013": "Affected customers is required."}
    assert jira.issues() == []
    create(jira, customfield_10010="all of them", customfield_10013=12)


@pytest.mark.parametrize("more, field", [
    ({"summary": "two\nlines"}, "summary"), ({"summary": "x" * 256}, "summary"), ({"labels": ["a b"]}, "labels"),
    ({"labels": "a"}, "labels"), ({"priority": {"name": "P1"}}, "priority"), ({"description": "wiki"}, "description"),
    ({"nonsense": 1}, "nonsense"), ({"project": "NO"}, "project"), ({"kind": "Epic"}, "issuetype"),
    ({"customfield_10012": {"value": "moon"}}, "customfield_10012"), ({"kind": "Sub-task"}, "parent"),
    ({"kind": "Task", "customfield_10010": "not for tasks"}, "customfield_10010")])
def test_what_a_create_refuses(jira, more, field):
    said = refused(jira.rest("POST", CLOUD + "/issue", fields(**more)))
    assert list(said["errors"]) == [field] and jira.issues() == []


@pytest.mark.parametrize("doc", [
    {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": ""}]}]},
    {"type": "doc", "version": 1, "content": [{"type": "text", "text": "loose"}]}, {"type": "doc", "content": []},
    {"type": "doc", "version": 1, "content": [{"type": "shout", "content": []}]}])
def test_broken_documents_are_refused(jira, doc):
    assert refused(jira.rest("POST", CLOUD + "/issue", fields(description=doc)))["errorMessages"] == ["INVALID_INPUT"]


@pytest.mark.parametrize("method, path, body", [
    ("POST", "/issue", fields(parent=[], kind="Sub-task")), ("POST", "/issue", {"fields": {"project": [], "issuetype": 1}}),
    ("PUT", "/issue/PAY-1", {"update": "labels"}), ("PUT", "/issue/PAY-1", {"update": {"labels": [{"add": 1}]}}),
    ("PUT", "/issue/PAY-1", {"update": {"comment": [{"add": {"body": 1}}]}}), ("PUT", "/issue/PAY-1", {"fields": [1]}),
    ("POST", "/issue/PAY-1/comment", {"body": {**adf(), "content": [{"type": "paragraph", "attrs": 3}]}}),
    ("POST", "/issue/PAY-1/transitions", {"transition": "11"}), ("POST", "/issue/PAY-1/remotelink", {"object": []}),
    ("POST", "/search/jql", {"jql": "project = PAY", "properties": -1}), ("POST", "/search/jql", {"jql": "(" * 900})])
def test_values_of_a_wrong_kind(jira, method, path, body):
    jira.create("one")
    before = jira.issue("PAY-1")
    refused(jira.rest(method, CLOUD + path, body))
    assert jira.issue("PAY-1") == before and len(jira.issues()) == 1


def test_bodies_that_are_no_json(jira):
    assert refused(jira.rest("POST", CLOUD + "/issue", raw=b"{"))["errorMessages"]
    assert refused(jira.rest("POST", CLOUD + "/issue", raw=b"[]"))["errorMessages"]


def test_a_field_off_the_screen(jira):
    jira.settings(hidden={"create": ["Incident.labels"], "edit": ["priority"]})
    said = refused(jira.rest("POST", CLOUD + "/issue", fields(labels=["a"])))
    assert said["errors"]["labels"] == "Field 'labels' cannot be set. It is not on the appropriate screen, or unknown."
    create(jira, priority={"name": "High"})
    said = refused(jira.rest("PUT", CLOUD + "/issue/PAY-1", {"fields": {"priority": {"name": "Low"}, "summary": "n"}}))
    assert list(said["errors"]) == ["priority"]
    assert jira.issue("PAY-1")["summary"] == "checkout is failing", "all or nothing"


def test_createmeta_agrees_with_create(jira):
    jira.settings(required={"Incident": ["customfield_10010"]}, hidden={"create": ["priority"]})
    kinds = get(jira, CLOUD + "/issue/createmeta/PAY/issuetypes")["issueTypes"]
    incident = next(kind for kind in kinds if kind["name"] == "Incident")
    found = get(jira, f"{CLOUD}/issue/createmeta/PAY/issuetypes/{incident['id']}")["fields"]
    by_id = {field["fieldId"]: field for field in found}
    assert "priority" not in by_id and by_id["customfield_10010"]["required"] and not by_id["labels"]["required"]
    center = get(jira, f"{CENTER}/issue/createmeta/PAY/issuetypes/{incident['id']}")
    assert {field["fieldId"] for field in center["values"]} == set(by_id)
    assert get(jira, CLOUD + "/issue/createmeta", expand="projects.issuetypes.fields")["projects"][0]["issuetypes"]
    assert jira.rest("GET", CENTER + "/issue/createmeta")[0] == 404


def test_subtasks_need_a_parent_of_the_same_project(jira):
    create(jira)
    said = create(jira, kind="Sub-task", summary="follow up", parent={"key": "PAY-1"})
    assert get(jira, CLOUD + "/issue/PAY-1")["fields"]["subtasks"][0]["key"] == said["key"]
    assert get(jira, f"{CLOUD}/issue/{said['key']}")["fields"]["parent"]["key"] == "PAY-1"
    refused(jira.rest("POST", CLOUD + "/issue", fields(project="OPS", kind="Sub-task", parent={"key": "PAY-1"})))
    refused(jira.rest("POST", CLOUD + "/issue", fields(kind="Task", parent={"key": "PAY-1"})))


def test_an_issue_type_may_vanish(jira):
    create(jira)
    jira.settings(issue_types={"Task": {}})
    assert get(jira, CLOUD + "/issue/PAY-1")["fields"]["issuetype"]["name"] == "Incident"
    assert "issuetype" in refused(jira.rest("POST", CLOUD + "/issue", fields()))["errors"]


def test_only_the_asked_fields_come(jira):
    create(jira)
    issue = get(jira, CLOUD + "/issue/PAY-1", fields="summary,status", expand="transitions,changelog")
    assert set(issue["fields"]) == {"summary", "status"} and issue["changelog"]["total"] == 0
    assert [one["to"]["name"] for one in issue["transitions"]] == ["In Progress"]


@pytest.mark.parametrize("permission, method, path, body, status", [
    ("CREATE_ISSUES", "POST", "/issue", fields(), 400),
    ("EDIT_ISSUES", "PUT", "/issue/PAY-1", {"fields": {"summary": "x"}}, 403),
    ("BROWSE_PROJECTS", "GET", "/issue/PAY-1", None, 404),
    ("ADD_COMMENTS", "POST", "/issue/PAY-1/comment", {"body": adf()}, 403),
    ("TRANSITION_ISSUES", "POST", "/issue/PAY-1/transitions", {"transition": {"id": "11"}}, 400)])
def test_permissions(jira, permission, method, path, body, status):
    jira.create()
    jira.settings(denied=[f"PAY.{permission}"])
    refused(jira.rest(method, CLOUD + path, body), status)
    said = get(jira, CLOUD + "/mypermissions", projectKey="PAY", permissions=permission)
    assert not said["permissions"][permission]["havePermission"]
    assert get(jira, CLOUD + "/mypermissions", projectKey="OPS", permissions=permission)["permissions"][permission][
        "havePermission"]


# ---- edit, transitions ----

def test_an_edit_is_history(jira):
    create(jira, labels=["a"])
    before = get(jira, CLOUD + "/issue/PAY-1")["fields"]["updated"]
    body = {"fields": {"summary": "worse", "priority": {"name": "Highest"}},
            "update": {"labels": [{"add": "b"}, {"remove": "a"}]}}
    assert jira.rest("PUT", CLOUD + "/issue/PAY-1", body) == (204, None)
    issue = get(jira, CLOUD + "/issue/PAY-1", expand="changelog")
    items = {item["fieldId"]: item for item in issue["changelog"]["histories"][0]["items"]}
    assert items["summary"]["fromString"] == "checkout is failing" and items["summary"]["toString"] == "worse"
    assert items["priority"]["to"] == "1" and items["labels"]["toString"] == "b" and issue["fields"]["labels"] == ["b"]
    assert issue["fields"]["updated"] > before


def test_an_edit_without_difference_changes_nothing(jira):
    create(jira)
    before = jira.issue("PAY-1")
    assert jira.rest("PUT", CLOUD + "/issue/PAY-1", {"fields": {"summary": before["summary"]}})[0] == 204
    assert jira.issue("PAY-1") == before and len(jira.deliveries()) == 1


def test_history_ids_grow_over_all_issues(jira):
    for _ in range(2):
        jira.create()
    for key in ("PAY-1", "PAY-2", "PAY-1"):
        jira.edit(key, summary=f"now {time.monotonic()}")
    ids = [int(entry["id"]) for key in ("PAY-1", "PAY-2") for entry in jira.issue(key)["history"]]
    assert len(set(ids)) == 3 and ids[0] < ids[2] < ids[1]


def test_cloud_shows_the_newest_change_first(jira):
    jira.create()
    for text in ("one", "two"):
        jira.edit("PAY-1", summary=text)
    newest = [get(jira, api + "/issue/PAY-1", expand="changelog")["changelog"]["histories"][0]["items"][0]["toString"]
              for api in (CLOUD, CENTER)]
    assert newest == ["two", "one"]
    assert [e["items"][0]["toString"] for e in get(jira, CLOUD + "/issue/PAY-1/changelog")["values"]] == ["one", "two"]


def test_done_is_three_hops_away(jira):
    create(jira)

    def go(number):
        return jira.rest("POST", CLOUD + "/issue/PAY-1/transitions", {"transition": {"id": number}})
    assert "not valid for the current state" in refused(go("31"))["errorMessages"][0]
    refused(go("99"))
    refused(go(11))
    for number in ("11", "21", "31"):
        assert go(number) == (204, None)
    issue = get(jira, CLOUD + "/issue/PAY-1")["fields"]
    assert issue["status"]["statusCategory"]["key"] == "done" and issue["resolution"]["name"] == "Done"
    assert go("61")[0] == 204 and get(jira, CLOUD + "/issue/PAY-1")["fields"]["resolution"] is None


def test_a_workflow_may_be_another(jira):
    jira.settings(workflows={"Incident": {
        "statuses": [{"name": "Open", "category": "new"}, {"name": "Closed", "category": "done"}],
        "transitions": [{"id": "7", "name": "Close", "from": None, "to": "Closed", "requires": ["resolution"]}]}})
    create(jira)
    only, = get(jira, CLOUD + "/issue/PAY-1/transitions", expand="transitions.fields")["transitions"]
    assert only["id"] == "7" and only["isGlobal"] and only["fields"]["resolution"]["required"]
    said = refused(jira.rest("POST", CLOUD + "/issue/PAY-1/transitions", {"transition": {"id": "7"}}))
    assert "resolution" in said["errors"]
    body = {"transition": {"id": "7"}, "fields": {"resolution": {"name": "Done"}}}
    assert jira.rest("POST", CLOUD + "/issue/PAY-1/transitions", body)[0] == 204
    statuses = get(jira, CLOUD + "/project/PAY/statuses")
    assert [one["name"] for one in statuses[0]["statuses"]] == ["Open", "Closed"]


def test_of_two_transitions_at_once_one_gets_409(jira):
    create(jira)
    jira.settings(transition_ms=500)

    def go(_):
        return jira.rest("POST", CLOUD + "/issue/PAY-1/transitions", {"transition": {"id": "11"}})[0]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        done = list(pool.map(go, range(2)))
    assert sorted(done) == [204, 409]


def test_a_moved_issue_keeps_its_id_and_answers_to_its_old_key(jira):
    said = create(jira)
    moved = jira.move("PAY-1", "OPS")
    assert moved["key"] == "OPS-1" and moved["id"] == said["id"]
    for name in ("PAY-1", "OPS-1", said["id"]):
        assert get(jira, f"{CLOUD}/issue/{name}")["key"] == "OPS-1"
    assert create(jira)["key"] == "PAY-2", "a key is never given twice"


def test_a_deleted_issue_is_gone(jira):
    said = create(jira)
    jira.delete("PAY-1")
    for name in ("PAY-1", said["id"]):
        refused(jira.rest("GET", f"{CLOUD}/issue/{name}"), 404)
    refused(jira.rest("PUT", CLOUD + "/issue/PAY-1", {"fields": {"summary": "x"}}), 404)


def test_someone_may_use_the_apps_account(jira):
    create(jira)
    jira.edit("PAY-1", user="sitrep", summary="not by the bot")
    author = get(jira, CLOUD + "/issue/PAY-1", expand="changelog")["changelog"]["histories"][0]["author"]
    assert author["accountId"] == get(jira, CLOUD + "/myself")["accountId"]


def test_people_cannot_empty_a_summary(jira):
    jira.create("one")
    with pytest.raises(SandboxError, match="summary"):
        jira.edit("PAY-1", summary="  ")
    assert jira.issue("PAY-1")["summary"] == "one"


def test_people_keep_to_the_workflow_unless_forced(jira):
    jira.create()
    with pytest.raises(SandboxError, match="In Progress"):
        jira.transition("PAY-1", "Done")
    assert jira.transition("PAY-1", "Done", force=True)["status"] == "Done"


# ---- comments, properties, links ----

def test_comments(jira):
    create(jira)
    status, said = jira.rest("POST", CLOUD + "/issue/PAY-1/comment", {"body": adf("first"), "properties": [
        {"key": "sitrep", "value": {"op": "7"}}]})
    assert status == 201 and said["author"]["displayName"] == "sitrep" and said["self"].endswith("/10001/comment/10001")
    jira.rest("POST", CENTER + "/issue/PAY-1/comment", {"body": "second *bold*"})
    found = get(jira, CENTER + "/issue/PAY-1/comment", orderBy="-created", maxResults=1, expand="properties")
    assert [one["body"] for one in found["comments"]] == ["second *bold*"] and found["total"] == 2
    found = get(jira, CLOUD + "/issue/PAY-1/comment", expand="properties")["comments"]
    assert found[0]["properties"] == [{"key": "sitrep", "value": {"op": "7"}}]
    assert found[1]["body"]["content"][0]["content"][1]["marks"] == [{"type": "strong"}]
    refused(jira.rest("POST", CLOUD + "/issue/PAY-1/comment", {"body": "wiki"}))
    refused(jira.rest("POST", CENTER + "/issue/PAY-1/comment", {"body": ""}))


def test_a_comment_moves_updated_but_is_no_history(jira):
    jira.create()
    before = jira.issue("PAY-1")
    jira.comment("PAY-1", "hm")
    after = jira.issue("PAY-1")
    assert after["updated"] > before["updated"] and after["history"] == []


def test_comments_for_some_only(jira):
    jira.create()
    jira.comment("PAY-1", "for few", visibility={"type": "role", "value": "Administrators"})
    jira.comment("PAY-1", "for the desk", internal=True)
    few, desk = get(jira, CLOUD + "/issue/PAY-1/comment")["comments"]
    assert few["visibility"] == {"type": "role", "value": "Administrators"} and few["jsdPublic"]
    assert "visibility" not in desk and desk["jsdPublic"] is False
    refused(jira.rest("POST", CLOUD + "/issue/PAY-1/comment", {"body": adf(), "visibility": "all"}))


def test_properties(jira):
    create(jira)
    path = CLOUD + "/issue/PAY-1/properties/sitrep"
    assert jira.rest("GET", path)[0] == 404
    assert jira.rest("PUT", path, {"incident": 1})[0] == 201 and jira.rest("PUT", path, {"incident": 2})[0] == 200
    assert get(jira, path)["value"] == {"incident": 2}
    assert get(jira, CLOUD + "/issue/PAY-1", properties="sitrep")["properties"] == {"sitrep": {"incident": 2}}
    refused(jira.rest("PUT", path, raw=json.dumps("x" * 32768).encode()))
    assert jira.rest("PUT", path, raw=json.dumps("x" * 32766).encode())[0] == 200
    assert jira.rest("DELETE", path)[0] == 204 and jira.rest("GET", path)[0] == 404


def test_properties_come_with_the_create(jira):
    body = {**fields(), "properties": [{"key": "sitrep", "value": {"op": "x"}}]}
    assert jira.rest("POST", CENTER + "/issue", body)[0] == 201
    assert jira.issue("PAY-1")["properties"] == {"sitrep": {"op": "x"}}


def test_a_remote_link_is_an_upsert_that_forgets(jira):
    create(jira)
    path = CLOUD + "/issue/PAY-1/remotelink"
    thing = {"url": "http://chat/1", "title": "the channel", "summary": "with a summary"}
    status, first = jira.rest("POST", path, {"globalId": "sitrep=1", "object": thing, "relationship": "discussed in"})
    assert status == 201
    status, again = jira.rest("POST", path, {"globalId": "sitrep=1", "object": {"url": "http://chat/2", "title": "moved"}})
    assert status == 200 and again["id"] == first["id"]
    link = get(jira, path, globalId="sitrep=1")
    assert link["object"]["url"] == "http://chat/2" and not link["object"]["summary"] and "relationship" not in link
    assert len(get(jira, path)) == 1 and get(jira, f"{path}/{first['id']}") == link
    assert jira.rest("DELETE", path, globalId="sitrep=1")[0] == 204
    refused(jira.rest("DELETE", path, globalId="sitrep=1"), 404)
    refused(jira.rest("POST", path, {"object": {"url": "http://chat/1"}}))


# ---- search ----

def keys(answer):
    return [issue.get("key") for issue in answer["issues"]]


def search(jira, jql, **more):
    return get(jira, CLOUD + "/search/jql", jql=jql, fields="summary", **more)


def test_cloud_searches_with_tokens_and_without_a_total(jira):
    for number in range(5):
        jira.create(f"number {number}", labels=["l"])
    first = search(jira, "labels = l ORDER BY created ASC", maxResults=3)
    assert keys(first) == ["PAY-1", "PAY-2", "PAY-3"] and first["isLast"] is False and "total" not in first
    second = search(jira, "labels = l ORDER BY created ASC", maxResults=3, nextPageToken=first["nextPageToken"])
    assert keys(second) == ["PAY-4", "PAY-5"] and second["isLast"] and "nextPageToken" not in second
    status, posted = jira.rest("POST", CLOUD + "/search/jql", {
        "jql": 'project in ("PAY")', "fields": ["summary"], "maxResults": 2})
    assert status == 200 and len(posted["issues"]) == 2
    first, = get(jira, CLOUD + "/search/jql", jql="labels = l", maxResults=1)["issues"]
    assert first.keys() == {"id"}, "no fields asked"


def test_data_center_searches_with_a_total(jira):
    for number in range(3):
        jira.create(f"number {number}")
    said = get(jira, CENTER + "/search", jql="order by key", startAt=1, maxResults=1)
    assert keys(said) == ["PAY-2"] and said["total"] == 3 and said["startAt"] == 1


def test_cloud_refuses_unbounded_queries_and_the_old_search(jira):
    for jql in ("", "ORDER BY created DESC"):
        assert "Unbounded" in refused(jira.rest("GET", CLOUD + "/search/jql", jql=jql))["errorMessages"][0]
    refused(jira.rest("GET", CLOUD + "/search", jql="project = PAY"), 410)


@pytest.mark.parametrize("jql, found", [
    ("project = PAY AND labels = a", ["PAY-1"]), ("labels in (a, b) ORDER BY key ASC", ["PAY-1", "PAY-2"]),
    ('status = "In Progress"', ["PAY-2"]), ("key = OPS-1", ["OPS-1"]),
    ("id in (10001, 10002) order by id", ["PAY-1", "PAY-2"]),
    ('updated >= "-17m" AND project in (PAY, OPS) ORDER BY updated DESC', ["PAY-2", "OPS-1", "PAY-1"]),
    ("updated >= 1m AND project = PAY", None), ('updated < "-1h" AND project = PAY', []),
    ("labels is EMPTY AND NOT project = PAY", ["OPS-1"]),
    ("(labels = a OR labels = b) AND priority = Highest", ["PAY-1"])])
def test_jql(jira, jql, found):
    jira.create("one", labels=["a"], priority="Highest")
    jira.create("two", labels=["b"])
    jira.create("three", project="OPS")
    jira.transition("PAY-2", "In Progress")
    answer = search(jira, jql)
    if found is not None:
        assert keys(answer) == found


@pytest.mark.parametrize("jql", ["project = NONE", "project", "labels =", 'summary ~ "a', "colour = red",
                                 "project = PAY AND", "updated >= yesterday", "key = PAY-99", "project = PAY labels = a", "order = 1"])
def test_bad_queries_say_why(jira, jql):
    jira.create()
    for path in (CLOUD + "/search/jql", CENTER + "/search"):
        assert refused(jira.rest("GET", path, jql=jql))["errorMessages"][0]


def test_dates_are_read_in_the_callers_zone(jira):
    jira.settings(zone="Asia/Kolkata")
    jira.create()
    ms = jira.issue("PAY-1")["created"]
    zone = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
    local = datetime.datetime.fromtimestamp(ms / 1000, zone)
    assert keys(search(jira, f'project = PAY AND updated >= "{local:%Y-%m-%d %H:%M}"')) == ["PAY-1"]
    after = local + datetime.timedelta(minutes=1)
    assert keys(search(jira, f'project = PAY AND updated >= "{after:%Y/%m/%d %H:%M}"')) == []


def test_search_lags_and_reading_does_not(jira):
    jira.settings(search_lag_ms=1500)
    said = create(jira, labels=["once"])
    assert keys(search(jira, "labels = once")) == []
    assert get(jira, f"{CLOUD}/issue/{said['id']}")["fields"]["labels"] == ["once"]
    assert keys(search(jira, "labels = once", reconcileIssues=said["id"])) == ["PAY-1"]
    eventually(lambda: keys(search(jira, "labels = once")) == ["PAY-1"], timeout=8)
    jira.label("PAY-1", remove="once")
    assert keys(search(jira, "labels = once")) == ["PAY-1"], "what is no more is still found"
    eventually(lambda: keys(search(jira, "labels = once")) == [], timeout=8)


# ---- webhooks ----

def test_an_event_is_signed_over_its_raw_body(jira, receive):
    receiver = receive()
    create(jira)
    jira.wait_delivered(event="jira:issue_created")
    (headers, body), = receiver.got
    assert headers["X-Hub-Signature"] == signature(SECRET, body)
    assert headers["X-Atlassian-Webhook-Identifier"] and headers["X-Atlassian-Webhook-Flow"]
    assert "X-Atlassian-Webhook-Retry" not in headers
    said = json.loads(body)
    assert said["webhookEvent"] == "jira:issue_created" and said["issue_event_type_name"] == "issue_created"
    assert abs(said["timestamp"] / 1000 - time.time()) < 60
    assert said["user"]["accountId"] and said["issue"]["id"] == "10001"


def test_the_published_vector():
    assert signature(SECRET, b"Hello World!") == \
        "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"


def test_every_kind_of_change_is_told(jira, receive):
    receiver = receive()
    jira.create("one")
    jira.edit("PAY-1", summary="two")
    jira.transition("PAY-1", "In Progress", user="bob")
    comment = jira.comment("PAY-1", "hm")
    jira.edit_comment("PAY-1", comment, "hmm")
    jira.delete_comment("PAY-1", comment)
    jira.move("PAY-1", "OPS")
    jira.delete("OPS-1")
    eventually(lambda: len(receiver.got) == 8)
    bodies = receiver.bodies()
    assert [body["webhookEvent"] for body in bodies] == [
        "jira:issue_created", "jira:issue_updated", "jira:issue_updated", "comment_created", "comment_updated",
        "comment_deleted", "jira:issue_updated", "jira:issue_deleted"]
    moved = bodies[2]
    assert moved["issue_event_type_name"] == "issue_generic" and moved["user"]["displayName"] == "Bob Brown"
    ids = {one["name"]: one["id"] for one in get(jira, CENTER + "/status")}
    assert moved["changelog"]["items"] == [{
        "field": "status", "fieldtype": "jira", "fieldId": "status", "from": ids["To Do"], "fromString": "To Do",
        "to": ids["In Progress"], "toString": "In Progress"}]
    assert moved["changelog"]["id"] == jira_history_id(bodies, 2)
    assert bodies[6]["issue_event_type_name"] == "issue_moved" and bodies[6]["issue"]["key"] == "OPS-1"


def jira_history_id(bodies, at):
    """The ids of changelogs only grow."""
    ids = [int(body["changelog"]["id"]) for body in bodies if "changelog" in body]
    assert ids == sorted(ids)
    return bodies[at]["changelog"]["id"]


def test_odd_shapes(jira, receive):
    receiver = receive(shapes={"comment_without_issue": True, "comment_without_user": True, "no_event_type_name": True,
                               "double_comment_events": True})
    jira.create("one")
    jira.comment("PAY-1", "hm")
    eventually(lambda: len(receiver.got) == 3)
    created, comment, double = receiver.bodies()
    assert "issue_event_type_name" not in created
    assert "issue" not in comment and "user" not in comment and "/issue/10001/comment/" in comment["comment"]["self"]
    assert comment["comment"]["author"]["accountId"] and double["webhookEvent"] == "jira:issue_updated"


def test_webhooks_look_as_their_flavour(jira, receive):
    receiver = receive(flavour="dc")
    jira.create("one")
    jira.comment("PAY-1", "hm")
    eventually(lambda: len(receiver.got) == 3)
    bodies = receiver.bodies()
    assert bodies[0]["user"]["name"] == "alice" and "accountId" not in bodies[0]["user"]
    assert [body["webhookEvent"] for body in bodies[1:]] == ["comment_created", "jira:issue_updated"]
    assert bodies[2]["issue_event_type_name"] == "issue_commented" and bodies[2]["comment"]["body"] == "hm"


def test_what_is_tried_again_and_what_never(jira, receive):
    receiver = receive([503, 429, 408, 200], retry_scale=0.00005)
    jira.create("one")
    jira.wait_delivered(attempts=4)
    headers = [headers for headers, _ in receiver.got]
    assert len({head["X-Atlassian-Webhook-Identifier"] for head in headers}) == 1
    assert [head.get("X-Atlassian-Webhook-Retry") for head in headers] == [None, "1", "2", "3"]
    assert len({body for _, body in receiver.got}) == 1
    for status in (400, 404, 401):
        receiver.answers = [status]
        receiver.got.clear()
        jira.edit("PAY-1", summary=f"for {status}")
        jira.wait_delivered(state="refused", status=status)
        time.sleep(0.1)
        assert len(receiver.got) == 1


def test_deliveries_end_after_five_more(jira, receive):
    receiver = receive([500] * 20, retry_scale=0.00002)
    jira.create("one")
    jira.wait_delivered(state="failed")
    assert len(receiver.got) == 6


def test_a_slow_receiver_is_a_time_out(jira, receive):
    receiver = receive(pause=0.5, delivery_timeout_ms=100, retry_scale=0.0001, retries=1)
    jira.create("one")
    jira.wait_delivered(state="failed")
    assert len(receiver.got) == 2 and jira.deliveries()[0]["attempts"][0]["error"] == "time-out"


def test_faults_of_deliveries(jira, receive):
    receiver = receive()
    jira.fault("hook_drop", count=1)
    jira.create("dropped")
    jira.fault("hook_duplicate", count=1, copies=3)
    jira.create("thrice")
    eventually(lambda: len(receiver.got) == 3)
    assert len({head["X-Atlassian-Webhook-Identifier"] for head, _ in receiver.got}) == 1
    assert {body["issue"]["key"] for body in receiver.bodies()} == {"PAY-2"}
    jira.fault("hook_wrong_signature", count=1)
    jira.create("forged")
    eventually(lambda: len(receiver.got) == 4)
    head, body = receiver.got[-1]
    assert head["X-Hub-Signature"] != signature(SECRET, body)
    jira.fault("hook_delay", count=1, delay_ms=1000)
    began = time.monotonic()
    jira.create("late")
    jira.create("soon")
    eventually(lambda: len(receiver.got) == 6)
    assert time.monotonic() - began >= 1
    assert [body["issue"]["fields"]["summary"] for body in receiver.bodies()[4:]] == ["soon", "late"]


def test_events_may_come_in_another_order(jira, receive):
    receiver = receive()
    jira.create("one")
    eventually(lambda: len(receiver.got) == 1)
    jira.fault("hook_reorder", window=3)
    for text in ("a", "b", "c"):
        jira.edit("PAY-1", summary=text)
    eventually(lambda: len(receiver.got) == 4)
    assert [body["issue"]["fields"]["summary"] for body in receiver.bodies()[1:]] == ["c", "b", "a"]


def test_what_was_delivered_can_come_again(jira, receive):
    receiver = receive()
    jira.create("one")
    jira.wait_delivered()
    jira.redeliver(last=1)
    eventually(lambda: len(receiver.got) == 2)
    assert receiver.got[0][1] == receiver.got[1][1]
    jira.deliver({"webhookEvent": "of the test"}, headers={"X-Hub-Signature": "sha256=00"})
    eventually(lambda: len(receiver.got) == 3)
    assert receiver.got[2][0]["X-Hub-Signature"] == "sha256=00"


def test_a_webhook_may_be_for_some_events_and_issues(jira, receive):
    receiver = receive()
    jira.settings(webhook={"url": receiver.url, "jql": "project = OPS", "events": ["jira:issue_created"]})
    jira.create("one")
    jira.create("two", project="OPS")
    jira.edit("OPS-1", summary="three")
    jira.create("four", project="OPS")
    eventually(lambda: len(receiver.got) == 2)
    assert [body["issue"]["key"] for body in receiver.bodies()] == ["OPS-1", "OPS-2"]
    assert "X-Hub-Signature" not in receiver.got[0][0], "no secret, no signature"


def test_webhooks_stay_on_this_machine(jira):
    with pytest.raises(SandboxError, match="loopback"):
        jira.settings(webhook={"url": "http://192.0.2.1/"})


def test_registered_webhooks_can_be_asked_for(jira, receive):
    receiver = receive()
    hook, = get(jira, "/rest/webhooks/1.0/webhook")
    assert hook["url"] == receiver.url and "jira:issue_updated" in hook["events"] and hook["enabled"]
    refused(jira.rest("GET", CLOUD + "/webhook"), 403)
    assert jira.rest("GET", CLOUD + "/webhook", bearer="app")[1]["values"][0]["url"] == receiver.url
    jira.settings(admin=False)
    refused(jira.rest("GET", "/rest/webhooks/1.0/webhook"), 403)


# ---- the relay ----

def test_the_relay_hands_on_raw_bodies_and_headers(jira, relay):
    jira.settings(relay_secret=SECRET)
    client = relay()
    client.started()
    assert client.others[0] == {"type": "start", "version": 1, "data": {"token": "t"}}
    jira.create("one")
    client.wait_for(lambda: client.events)
    event = client.events[0]
    assert set(event) == {"id", "method", "headers", "body"} and event["method"] == "POST"
    raw = base64.b64decode(event["body"])
    assert event["headers"]["X-Hub-Signature"] == signature(SECRET, raw)
    assert jira.wait_delivered(target="relay")["attempts"][-1]["status"] == 204


@pytest.mark.parametrize("binary", [True, False])
def test_the_relay_reads_text_and_binary(jira, relay, binary):
    client = relay(binary=binary)
    client.started()
    jira.create("one")
    jira.wait_delivered(target="relay")
    assert len(client.events) == 1


def test_the_relay_refuses_a_wrong_token(jira, relay):
    jira.settings(relay_token="right")
    client = relay(token="wrong")
    client.wait_for(lambda: client.close_code == 1008)
    relay(token="right").started()


def test_an_event_goes_to_one_connection(jira, relay):
    clients = [relay(), relay()]
    jira.wait_relay(count=2)
    for number in range(6):
        jira.create(f"number {number}")
    eventually(lambda: sum(len(client.events) for client in clients) == 6)
    assert all(len(client.events) == 3 for client in clients)
    jira.wait_idle()


def test_unanswered_and_failed_events_come_again(jira, relay):
    jira.settings(relay_ack_ms=500, relay_retry_ms=20)
    said = iter([None, 503, 204])
    client = relay(status_of=lambda event: next(said))
    client.started()
    jira.create("one")
    jira.wait_delivered(target="relay", attempts=3)
    assert len({event["id"] for event in client.events}) == 1 and len(client.events) == 3
    time.sleep(0.7)
    assert len(client.events) == 3


def test_a_refused_event_does_not_come_again(jira, relay):
    jira.settings(relay_ack_ms=400, relay_retry_ms=20)
    client = relay(status_of=lambda event: 400)
    client.started()
    jira.create("one")
    jira.wait_delivered(target="relay", state="refused")
    time.sleep(0.6)
    assert len(client.events) == 1


def test_events_wait_for_a_connection(jira, relay):
    jira.settings(relay_ack_ms=60000)
    jira.create("one")
    first = relay(status_of=lambda event: None)
    first.wait_for(lambda: first.events)
    jira.fault("relay_drop")
    first.wait_for(first.ended.is_set)
    second = relay()
    second.wait_for(lambda: second.events)
    assert second.events[0]["id"] == first.events[0]["id"]


def test_faults_of_the_relay(jira, relay):
    jira.settings(relay_ack_ms=500, relay_retry_ms=20)
    client = relay()
    client.started()
    jira.fault("relay_ignore_answer", count=1)
    jira.create("one")
    jira.wait_delivered(target="relay", attempts=2)
    client.frame(9, b"a")
    client.wait_for(lambda: client.pongs == [b"a"])
    half = jira.fault("relay_half_dead")
    client.frame(9, b"b")
    jira.create("two")
    time.sleep(0.3)
    assert client.pongs == [b"a"] and not client.ended.is_set() and len(client.events) == 2
    jira.clear_fault(half)
    client.wait_for(lambda: client.pongs == [b"a", b"b"])
    jira.fault("relay_refuse", status=503, count=1)
    assert relay().status == 503


# ---- faults of the API ----

def attempt(jira, method="POST", path=CLOUD + "/issue", body=None, timeout=5):
    """The bytes of an answer, whatever they are; None when there is none."""
    url = jira.url.rstrip("/") + path
    asked = urllib.request.Request(url, json.dumps(body or fields()).encode(), method=method,
                                   headers={"Authorization": "Bearer x"})
    try:
        with OPENER.open(asked, timeout=timeout) as response:
            return response.read()
    except (OSError, urllib.error.URLError, ValueError, http.client.HTTPException):
        return None


def test_a_lost_request_is_not_carried_out(jira):
    jira.fault("lost_request", method="POST", path="*/issue", count=1)
    assert attempt(jira) is None and jira.issues() == []


@pytest.mark.parametrize("size", [0, 1, 12, 60, 150])
def test_a_lost_answer_was_carried_out(jira, size):
    jira.fault("lost_answer", method="POST", path="*/issue", count=1, bytes=size)
    assert not attempt(jira) and len(jira.issues()) == 1
    assert jira.calls("POST")[0]["status"] == 201 and jira.calls("POST")[0]["faults"] == ["lost_answer"]


def test_a_failure_may_have_been_carried_out(jira):
    jira.fault("status", status=502, after=True, method="POST", path="*/issue", count=1)
    assert jira.rest("POST", CLOUD + "/issue", fields())[0] == 502
    assert len(jira.issues()) == 1 and [call["status"] for call in jira.writes()] == [502]
    jira.fault("status", status=502, method="POST", path="*/issue", count=1)
    assert jira.rest("POST", CLOUD + "/issue", fields())[0] == 502
    assert len(jira.issues()) == 1 and len(jira.writes()) == 1


def test_faults_select_by_issue_and_path(jira):
    jira.create("one")
    jira.create("two")
    jira.fault("status", status=429, retry_after=2, issue="PAY-1", method="PUT")
    status, said, headers = jira.rest("PUT", CLOUD + "/issue/10001", {"fields": {"summary": "x"}}, headers=True)
    assert status == 429 and headers["Retry-After"] == "2" and said["errorMessages"]
    assert jira.rest("PUT", CLOUD + "/issue/PAY-2", {"fields": {"summary": "x"}})[0] == 204
    jira.clear_fault()
    jira.fault("status", status=409, method="POST", path="*/transitions", count=1)
    moves = [jira.rest("POST", CLOUD + "/issue/PAY-1/transitions", {"transition": {"id": "11"}})[0] for _ in range(2)]
    assert moves == [409, 204]


@pytest.mark.parametrize("kind", ["garbage_body", "truncated_json", "not_utf8", "deep_json"])
def test_broken_answers(jira, kind):
    jira.fault(kind, after=True, count=1)
    said = attempt(jira)
    assert said is not None and len(jira.issues()) == 1
    if kind != "deep_json":
        with pytest.raises(ValueError):
            json.loads(said)


def test_slow_answers(jira):
    jira.fault("slow_drip", bytes=20, every_ms=20, count=1)
    jira.fault("delay_ms", delay_ms=100, count=1)
    began = time.monotonic()
    assert json.loads(attempt(jira))["key"] == "PAY-1" and time.monotonic() - began > 0.2


@pytest.mark.parametrize("how", ["refuse", "503"])
def test_jira_may_be_down_for_a_while(jira, relay, how):
    client = relay()
    client.started()
    jira.fault("down", how=how, for_ms=1500)
    client.wait_for(client.ended.is_set)
    if how == "refuse":
        assert attempt(jira) is None
    else:
        assert jira_status(jira) == 503
    eventually(lambda: attempt(jira, "GET", CLOUD + "/myself") is not None, timeout=8)
    assert jira.issues() == []


def jira_status(jira):
    asked = urllib.request.Request(jira.url + "rest/api/3/myself", headers={"Authorization": "Bearer x"})
    try:
        with OPENER.open(asked, timeout=5) as response:
            return response.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_writes_to_one_issue_are_limited(jira):
    jira.create("one")
    jira.create("two")
    jira.settings(rates="real")
    done = [jira.rest("PUT", CLOUD + "/issue/PAY-1/properties/p", number, headers=True) for number in range(21)]
    assert [one[0] for one in done[:20]] == [201] + [200] * 19 and done[20][0] == 429
    assert 1 <= int(done[20][2]["Retry-After"]) <= 3
    assert jira.rest("PUT", CLOUD + "/issue/PAY-2/properties/p", 1)[0] == 201, "that issue only"
    assert jira.rest("GET", CLOUD + "/issue/PAY-1")[0] == 200


# ---- control ----

def test_reset_begins_anew(sandbox, jira):
    jira.create("one")
    jira.fault("down")
    jira.settings(search_lag_ms=1000, denied=["*.*"])
    sandbox.reset()
    state = jira.state()
    assert state["issues"] == [] and state["faults"] == [] and state["calls"] == [] and not state["settings"]["denied"]
    assert create(jira)["key"] == "PAY-1"


@pytest.mark.parametrize("bad", [{"colour": "red"}, {"rates": "unreal"}, {"shapes": {"odd": True}}, {"workflow": 3},
                                 {"flavour": "vanilla"}])
def test_settings_refuse_what_they_do_not_know(jira, bad):
    with pytest.raises(SandboxError):
        jira.settings(**bad)


def test_unknown_faults_are_refused(jira):
    with pytest.raises(SandboxError, match="no fault"):
        jira.fault("earthquake")


def test_calls_are_kept(jira):
    create(jira)
    jira.rest("GET", CLOUD + "/issue/PAY-1")
    call = jira.calls("POST", CLOUD + "/issue")[0]
    assert call["body"]["fields"]["summary"] == "checkout is failing"
    assert call["issue"] == "PAY-1" and call["user"] == "sitrep"
    assert len(jira.calls(issue="PAY-1")) == 2 and len(jira.writes()) == 1
    assert jira.wait_call("GET", "*/issue/*")["status"] == 200


def test_waits(jira):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(jira.wait_status, "PAY-1", "In Progress")
        jira.create("one")
        jira.transition("PAY-1", "In Progress")
        assert waiting.result()["status"] == "In Progress"
    jira.edit("PAY-1", priority="Lowest")
    assert jira.wait_field("PAY-1", "priority", "Lowest")
    jira.comment("PAY-1", "a word", user="carol")
    assert jira.wait_comment("PAY-1", "word", author="carol")
    with pytest.raises(AssertionError):
        jira.wait_issue(timeout=0.1, contains="nothing of that name")


def test_a_browser_address_leads_to_the_page(jira):
    jira.create("one")
    with OPENER.open(jira.url + "browse/PAY-1", timeout=5) as response:
        assert response.url.endswith("/?jira=PAY-1") and b"jira.js" in response.read()


def test_the_page_hears_of_changes_in_jira_at_once(sandbox, jira):
    with OPENER.open(sandbox.page + "page/live", timeout=5) as stream:
        chat, tickets = json.loads(stream.readline()[5:])
        stream.readline()
        jira.create("one")
        after = json.loads(stream.readline()[5:])
        assert after[0] == chat and after[1] > tickets


def test_the_page_shows_the_tickets(sandbox, jira):
    jira.create("one", labels=["a"])
    jira.comment("PAY-1", "a word")
    with OPENER.open(sandbox.page + "page/jira?issue=PAY-1", timeout=5) as response:
        said = json.load(response)
    assert said["issues"][0]["summary"] == "one" and said["issue"]["comments"][0]["text"] == "a word"
    for name in ("jira.js", "jira.css"):
        with OPENER.open(sandbox.page + name, timeout=5) as response:
            assert response.read()
