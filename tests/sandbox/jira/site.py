"""What this Jira holds and how it changes: people, issues, comments, history. No HTTP, no sockets; all is bounded.

Every change goes through a method here with an author, writes its history, moves `updated`, brings the search index
up to date (late, if so configured) and tells `on_event`, from which webhooks and the relay live.
"""

import collections
import copy
import datetime
import fnmatch
import random
import time
import zoneinfo

from ..change import Change
from . import settings as config
from .errors import JiraError
from .fields import SYSTEM_FIELDS, Screens
from .text import Text

ISSUES_KEPT = 20000
COMMENTS_KEPT = 5000            # per issue
HISTORY_KEPT = 5000             # per issue
PROPERTY_MOST = 32768
APP = "sitrep"
# name, displayed, time zone
USERS = [("alice", "Alice Adler", "Europe/Berlin"), ("bob", "Bob Brown", "America/New_York"),
         ("carol", "Carol Chandra", "Asia/Kolkata"), ("dave", "Dave Dunn", "UTC")]
PERMISSIONS = ["BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "TRANSITION_ISSUES", "ADD_COMMENTS", "LINK_ISSUES",
               "DELETE_ISSUES", "RESOLVE_ISSUES", "ASSIGN_ISSUES", "MODIFY_REPORTER", "ADMINISTER", "MOVE_ISSUES"]


class User:
    def __init__(self, number, name, displayed, zone, email=None):
        self.name = name
        self.displayed = displayed
        self.zone = zone
        self.email = email or f"{name}@example.com"
        self.account = f"5b10a2844c20165700ede2{number:02x}"
        self.key = f"JIRAUSER{10100 + number}"


class Issue:
    def __init__(self, issue_id, key, kind):
        self.id = issue_id
        self.key = key
        self.old_keys = []
        self.kind = kind            # name of the issue type
        self.fields = {}            # summary, description (Text), priority, labels, status, assignee, … custom ones
        self.parent = None          # id
        self.creator = None
        self.created = self.updated = 0     # ms
        self.comments = collections.OrderedDict()
        self.history = []
        self.properties = {}
        self.links = collections.OrderedDict()
        self.deleted = False
        self.transitioning = False

    @property
    def project(self):
        return self.key.rsplit("-", 1)[0]

    def picture(self):
        """As it is now, for the search index."""
        other = copy.copy(self)
        other.fields = dict(self.fields, labels=list(self.fields["labels"]))
        return other


class Site(Screens):
    def __init__(self, seed=None):
        self.change = Change()
        self.seed = seed or {}
        self.on_event = lambda event: None
        self.fill()

    # ---- filling ----

    def fill(self):
        """Back to the first day."""
        self.settings = config.first()
        more = {key: value for key, value in self.seed.items() if key not in ("users", "issues")}
        config.merge(self.settings, more)
        self.dice = random.Random(11)
        self.numbers = collections.defaultdict(lambda: 10000)
        self.issues = collections.OrderedDict()     # id -> issue
        self.keys = {}                              # every key there ever was -> id
        self.last_number = collections.Counter()    # project -> last number of a key
        self.index = {}                             # id -> deque of (visible at, picture or None)
        self.last_ms = 0
        rows = USERS + [(row["name"], row.get("displayName", row["name"]), row.get("timeZone", "UTC"))
                        for row in self.seed.get("users", [])]
        self.users = {row[0]: User(number, *row) for number, row in enumerate(rows, 16)}
        self.users[APP] = User(10, APP, "sitrep", "UTC")
        self.statuses = {}
        for row in self.seed.get("issues", []):
            self.by_hand(row)
        self.change.tell()

    def next(self, kind):
        self.numbers[kind] += 1
        return str(self.numbers[kind])

    def now(self):
        """Jira's clock in ms; never the same twice, so that `updated` always moves."""
        self.last_ms = max(self.last_ms + 1, int(time.time() * 1000) + int(self.settings["clock_offset_ms"]))
        return self.last_ms

    def clock(self):
        return int(time.time() * 1000) + int(self.settings["clock_offset_ms"])

    def zone(self, user):
        return zoneinfo.ZoneInfo(self.settings["zone"] if user.name == APP else user.zone)

    def stamp(self, ms, user=None):
        """A time as Jira writes it, in the caller's zone: 2019-02-15T19:11:18.321-0800."""
        at = datetime.datetime.fromtimestamp(ms // 1000, self.zone(user or self.users[APP]))
        return f"{at:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}{at:%z}"

    # ---- names ----

    def user(self, key):
        """By name, account id, key or address; None when there is nobody."""
        key = str(key or "").lstrip("@")
        return self.users.get(key) or next((u for u in self.users.values() if key in (u.account, u.key, u.email)), None)

    def issue(self, key):
        """By id, key, or a key it had before it moved."""
        key = str(key or "")
        found = self.issues.get(key if key.isdigit() else self.keys.get(key.upper()))
        if found is None:
            raise JiraError(404, "Issue does not exist or you do not have permission to see it.")
        return found

    def project_id(self, key):
        return str(10000 + list(self.settings["projects"]).index(key))

    def project_of(self, key):
        """A project's key, by key or id; None when there is none."""
        for each in self.settings["projects"]:
            if str(key or "") in (each, self.project_id(each)):
                return each
        return None

    def type_id(self, kind):
        every = list(config.DEFAULTS["issue_types"])
        every += sorted(set(self.settings["issue_types"]) - set(every))
        # An issue keeps the id of its type after the type vanished.
        return str(10100 + every.index(kind)) if kind in every else "10199"

    def type_of(self, spec):
        spec = spec if isinstance(spec, dict) else {}
        for kind in self.settings["issue_types"]:
            if str(spec.get("id", "")) == self.type_id(kind) or spec.get("name") == kind:
                return kind
        return None

    def is_subtask(self, kind):
        return bool(self.settings["issue_types"].get(kind, config.DEFAULTS["issue_types"].get(kind, {})).get("subtask"))

    def priority_id(self, name):
        known = dict((b, a) for a, b in config.PRIORITIES)
        return known.get(name) or str(10000 + self.settings["priorities"].index(name))

    def priority_of(self, spec):
        spec = spec if isinstance(spec, dict) else {}
        for name in self.settings["priorities"]:
            if str(spec.get("id", "")) == self.priority_id(name) or spec.get("name") == name:
                return name
        return None

    def workflow(self, kind):
        return self.settings["workflows"].get(kind) or self.settings["workflow"]

    def status(self, name):
        """{id, name, category}; ids are given in the order in which names turn up and stay."""
        for flow in [self.settings["workflow"], *self.settings["workflows"].values()]:
            for row in flow["statuses"]:
                known = self.statuses.setdefault(row["name"], {"id": str(10000 + len(self.statuses))})
                known.update(name=row["name"], category=row.get("category", "indeterminate"))
        return self.statuses.setdefault(name, {"id": str(10000 + len(self.statuses)), "name": name,
                                               "category": "indeterminate"})

    def transitions(self, issue):
        """What is legal from where the issue stands."""
        return [row for row in self.workflow(issue.kind)["transitions"]
                if not row.get("from") or issue.fields["status"] in row["from"]]

    def may(self, permission, project="*"):
        return not any(fnmatch.fnmatchcase(f"{project}.{permission}", rule) for rule in self.settings["denied"])

    # ---- the index ----

    def index_now(self, issue, lag_ms=None):
        """Makes what the issue is now findable, after the lag."""
        lag = self.settings["search_lag_ms"] if lag_ms is None else lag_ms
        row = self.index.setdefault(issue.id, collections.deque(maxlen=500))
        row.append((time.monotonic() + lag / 1000, None if issue.deleted else issue.picture()))

    def found_in_index(self):
        """What a search sees at this moment, by id."""
        now = time.monotonic()
        for issue_id, row in list(self.index.items()):
            while len(row) > 1 and row[1][0] <= now:
                row.popleft()
            if row[0][0] <= now:
                if row[0][1] is not None:
                    yield row[0][1]
                elif len(row) == 1:
                    del self.index[issue_id]

    # ---- changes ----

    def _event(self, name, issue, author, type_name=None, **more):
        self.on_event({"webhookEvent": name, "type_name": type_name, "issue": issue, "user": author, "at": self.clock(),
                       **more})
        self.change.tell()

    def _touch(self, issue):
        issue.updated = self.now()
        self.index_now(issue)

    def _record(self, issue, author, items):
        """Writes a group of changes into the history."""
        self._touch(issue)
        entry = {"id": self.next("history"), "author": author.name, "created": issue.updated, "items": items}
        issue.history.append(entry)
        del issue.history[:-HISTORY_KEPT]
        return entry

    def create(self, author, project, kind, values, parent=None, properties=()):
        if len(self.issues) >= ISSUES_KEPT:
            raise JiraError(400, "There are too many issues here.")
        self.last_number[project] += 1
        issue = Issue(self.next("issue"), f"{project}-{self.last_number[project]}", kind)
        issue.fields = {"summary": "", "description": Text(), "priority": self._middle(), "labels": [],
                        "assignee": None, "reporter": author.name, "resolution": None, **values}
        issue.fields["status"] = self.workflow(kind)["statuses"][0]["name"]
        issue.parent = parent.id if parent else None
        issue.creator = author.name
        issue.properties.update(properties)
        issue.created = self.now()
        issue.updated = issue.created
        self.issues[issue.id] = issue
        self.keys[issue.key] = issue.id
        self.index_now(issue)
        self._event("jira:issue_created", issue, author, "issue_created")
        return issue

    def _middle(self):
        names = self.settings["priorities"]
        return "Medium" if "Medium" in names else names[len(names) // 2] if names else None

    def edit(self, issue, author, values):
        """Sets what differs; nothing happens where nothing does. Returns the history's entry or None."""
        items = []
        for field, value in values.items():
            old = issue.fields.get(field) if field != "issuetype" else issue.kind
            if value == old:
                continue
            items.append(self._item(field, old, value))
            if field == "issuetype":
                issue.kind = value
            else:
                issue.fields[field] = value
        if not items:
            return None
        entry = self._record(issue, author, items)
        only = {item["fieldId"] for item in items}
        self._event("jira:issue_updated", issue, author, "issue_assigned" if only == {"assignee"} else "issue_updated",
                    changelog=entry)
        return entry

    def _item(self, field, old, new):
        custom = field in self.settings["custom_fields"]

        def pair(value):
            if value is None or isinstance(value, Text):
                return None, value.wiki if value else None
            if field == "labels":
                return "", " ".join(value)
            if field == "priority":
                return self.priority_id(value), value
            if field in ("assignee", "reporter"):
                return self.users[value].account, self.users[value].displayed
            if field == "issuetype":
                return self.type_id(value), value
            return None, str(value)
        (a, a_text), (b, b_text) = pair(old), pair(new)
        return {"field": self.field_name(field) if custom else field, "fieldtype": "custom" if custom else "jira",
                "fieldId": field, "from": a, "fromString": a_text, "to": b, "toString": b_text}

    def transit(self, issue, author, row, values=None, status=None):
        """Moves along one transition, or to a `status` whatever the workflow says."""
        to = self.status(status or row["to"])
        old = self.status(issue.fields["status"])
        items = [self._item(field, issue.fields.get(field), value) for field, value in (values or {}).items()
                 if issue.fields.get(field) != value]
        issue.fields.update(values or {})
        done = "Done" if to["category"] == "done" else None
        if issue.fields["resolution"] != done:
            items.append({"field": "resolution", "fieldtype": "jira", "fieldId": "resolution",
                          "from": "10000" if issue.fields["resolution"] else None,
                          "fromString": issue.fields["resolution"], "to": "10000" if done else None, "toString": done})
            issue.fields["resolution"] = done
        items.append({"field": "status", "fieldtype": "jira", "fieldId": "status", "from": old["id"],
                      "fromString": old["name"], "to": to["id"], "toString": to["name"]})
        issue.fields["status"] = to["name"]
        entry = self._record(issue, author, items)
        self._event("jira:issue_updated", issue, author, "issue_generic", changelog=entry)
        return entry

    def comment(self, issue, author, text, properties=(), visibility=None, internal=False):
        """`visibility` {type, value}: for a role or group only; `internal`: a service desk's word for that."""
        comment = {"id": self.next("comment"), "author": author.name, "body": text, "created": 0, "updated": 0,
                   "updateAuthor": author.name, "properties": dict(properties), "visibility": visibility,
                   "internal": bool(internal)}
        self._touch(issue)
        comment["created"] = comment["updated"] = issue.updated
        issue.comments[comment["id"]] = comment
        while len(issue.comments) > COMMENTS_KEPT:
            issue.comments.popitem(last=False)
        self._event("comment_created", issue, author, "issue_commented", comment=comment)
        return comment

    def edit_comment(self, issue, author, comment, text):
        self._touch(issue)
        comment.update(body=text, updated=issue.updated, updateAuthor=author.name)
        self._event("comment_updated", issue, author, "issue_comment_edited", comment=comment)

    def delete_comment(self, issue, author, comment):
        del issue.comments[comment["id"]]
        self._touch(issue)
        self._event("comment_deleted", issue, author, "issue_comment_deleted", comment=comment)

    def move(self, issue, author, project):
        """To another project: a new key, the same id; the old key goes on leading here."""
        old, old_key = issue.project, issue.key
        self.last_number[project] += 1
        issue.old_keys.append(old_key)
        issue.key = f"{project}-{self.last_number[project]}"
        self.keys[issue.key] = issue.id
        names = self.settings["projects"]
        items = [{"field": "project", "fieldtype": "jira", "fieldId": "project", "from": self.project_id(old),
                  "fromString": names[old], "to": self.project_id(project), "toString": names[project]},
                 {"field": "Key", "fieldtype": "jira", "from": None, "fromString": old_key, "to": None,
                  "toString": issue.key}]
        entry = self._record(issue, author, items)
        self._event("jira:issue_updated", issue, author, "issue_moved", changelog=entry)

    def delete(self, issue, author):
        for child in self.subtasks(issue):
            self.delete(child, author)
        issue.deleted = True
        issue.updated = self.now()
        del self.issues[issue.id]
        self.keys = {key: issue_id for key, issue_id in self.keys.items() if issue_id != issue.id}
        self.index_now(issue)
        self._event("jira:issue_deleted", issue, author, "issue_deleted")

    def subtasks(self, issue):
        return [each for each in self.issues.values() if each.parent == issue.id]

    def link(self, issue, author, link, new):
        """Upserts a remote link; a new one is a line of the history, a changed one is not."""
        issue.links[link["globalId"] or link["id"]] = link
        if not new:
            self.change.tell()
            return
        self._link_history(issue, author, (None, None), told(link))

    def unlink(self, issue, author, link):
        issue.links.pop(link["globalId"] or link["id"])
        self._link_history(issue, author, told(link), (None, None))

    def _link_history(self, issue, author, old, new):
        entry = self._record(issue, author, [{
            "field": "RemoteIssueLink", "fieldtype": "jira", "from": old[0], "fromString": old[1], "to": new[0],
            "toString": new[1]}])
        self._event("jira:issue_updated", issue, author, "issue_updated", changelog=entry)

    # ---- by hand ----

    def by_hand(self, spec):
        """An issue as a person makes one in the browser: names in place of objects, no screens in the way."""
        author = self.user(spec.get("user", "alice"))
        values = self.plain_values(spec.get("fields", {}))
        values.update(self.plain_values({"summary": values.get("summary") or spec.get("summary", "An issue")}))
        for field in ("labels", "priority", "description"):
            if field in spec:
                values.update(self.plain_values({field: spec[field]}))
        kind = spec.get("type", "Task")
        project = self.project_of(spec.get("project", "PAY"))
        if project is None or kind not in self.settings["issue_types"] or author is None:
            raise ValueError("no such project, issue type or user")
        return self.create(author, project, kind, values, self.issue(spec["parent"]) if spec.get("parent") else None)

    def plain_values(self, fields):
        """Values from what a person gives: names and plain text."""
        values = {}
        for field, value in fields.items():
            if field not in SYSTEM_FIELDS and field not in self.settings["custom_fields"]:
                raise ValueError(f"no field {field!r}")
            if field in ("priority", "issuetype"):
                value = {"name": value}
            elif field in ("assignee", "reporter") and value is not None:
                value = {"name": value}
            elif self.settings["custom_fields"].get(field, {}).get("type") == "option" and isinstance(value, str):
                value = {"value": value}
            values[field] = self.value(field, value, 2)
            if field == "summary" and not values[field]:
                raise ValueError("You must specify a summary of the issue.")
        return values


def told(link):
    """A remote link as the history tells it."""
    return link["id"], f'This issue links to "{link["object"]["title"]}"'
