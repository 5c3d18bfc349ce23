"""How the API shows things: as Cloud (v3) or as Data Center (v2)."""

from .fields import SYSTEM_FIELDS
from .settings import CATEGORIES


class Show:
    """`version` 3: Cloud, documents and account ids; 2: Data Center, wiki text and names."""

    def __init__(self, site, base, version, caller, wiki=None):
        self.site, self.base, self.version, self.caller = site, base, version, caller
        self.wiki = version == 2 if wiki is None else wiki      # webhooks of Cloud carry wiki text
        self.api = f"{base}/rest/api/{2 if self.wiki else version}"

    def text(self, text):
        if self.wiki:
            return text.wiki or None
        return text.adf() if text else None

    def user(self, name):
        user = self.site.users.get(name)
        if user is None:
            return None
        faces = {size: f"{self.base}/secure/useravatar?size={size}" for size in ("16x16", "24x24", "32x32", "48x48")}
        zone = self.site.settings["zone"] if user.name == "sitrep" else user.zone
        if self.version == 3:
            shown = {"self": f"{self.api}/user?accountId={user.account}", "accountId": user.account,
                     "avatarUrls": faces, "displayName": user.displayed, "active": True, "timeZone": zone,
                     "accountType": "atlassian"}
            if self.site.settings["emails"] or user is self.caller:
                shown["emailAddress"] = user.email
            return shown
        return {"self": f"{self.api}/user?username={user.name}", "name": user.name, "key": user.key,
                "emailAddress": user.email, "avatarUrls": faces, "displayName": user.displayed, "active": True,
                "deleted": False, "timeZone": zone, "locale": "en_US"}

    def project(self, key, full=False):
        number = self.site.project_id(key)
        shown = {"self": f"{self.api}/project/{number}", "id": number, "key": key,
                 "name": self.site.settings["projects"][key], "projectTypeKey": "software"}
        if self.version == 3:
            shown.update(simplified=False, style="classic", isPrivate=False)
        if full:
            shown.update(description="", lead=self.user("alice"), components=[], versions=[], roles={},
                         assigneeType="UNASSIGNED",
                         issueTypes=[self.kind(kind) for kind in self.site.settings["issue_types"]])
        return shown

    def kind(self, kind):
        number = self.site.type_id(kind)
        shown = {"self": f"{self.api}/issuetype/{number}", "id": number, "description": "",
                 "iconUrl": f"{self.base}/images/icons/issuetype.svg", "name": kind,
                 "subtask": self.site.is_subtask(kind)}
        if self.version == 3:
            shown.update(hierarchyLevel=-1 if shown["subtask"] else 0, untranslatedName=kind)
        return shown

    def priority(self, name):
        if name is None:
            return None
        number = self.site.priority_id(name) if name in self.site.settings["priorities"] else "10999"
        return {"self": f"{self.api}/priority/{number}", "iconUrl": f"{self.base}/images/icons/priority.svg",
                "name": name, "id": number}

    def status(self, name):
        row = self.site.status(name)
        number, category, colour = CATEGORIES[row["category"]]
        return {"self": f"{self.api}/status/{row['id']}", "description": "",
                "iconUrl": f"{self.base}/images/status.png",
                "name": name, "id": row["id"],
                "statusCategory": {"self": f"{self.api}/statuscategory/{number}", "id": number, "key": row["category"],
                                   "colorName": colour, "name": category}}

    def transition(self, row):
        return {"id": str(row["id"]), "name": row["name"], "to": self.status(row["to"]),
                "hasScreen": bool(row.get("requires")),
                "isGlobal": not row.get("from"), "isInitial": False, "isAvailable": True, "isConditional": False,
                "isLooped": False}

    def comment(self, issue, comment, properties=False):
        number = f"{self.api}/issue/{issue.id}/comment/{comment['id']}"
        shown = {"self": number, "id": comment["id"], "author": self.user(comment["author"]),
                 "body": comment["body"].wiki if self.wiki else comment["body"].adf(),
                 "updateAuthor": self.user(comment["updateAuthor"]), "created": self.stamp(comment["created"]),
                 "updated": self.stamp(comment["updated"])}
        if self.version == 3:
            shown["jsdPublic"] = not comment["internal"]
        if comment["visibility"]:
            shown["visibility"] = comment["visibility"]
        if properties:
            shown["properties"] = [{"key": key, "value": value} for key, value in comment["properties"].items()]
        return shown

    def comments(self, issue):
        every = [self.comment(issue, comment) for comment in issue.comments.values()]
        return {"comments": every, "maxResults": len(every), "total": len(every), "startAt": 0}

    def stamp(self, ms):
        return self.site.stamp(ms, self.caller)

    def history(self, entry):
        return {"id": entry["id"], "author": self.user(entry["author"]), "created": self.stamp(entry["created"]),
                "items": [self.item(item) for item in entry["items"]]}

    def item(self, item):
        """Data Center names people by key, and old histories there have no fieldId."""
        if self.version == 3 or item["field"] not in ("assignee", "reporter"):
            return dict(item)
        key = {user.account: user.key for user in self.site.users.values()}
        return {**item, "from": key.get(item["from"]), "to": key.get(item["to"])}

    def small(self, issue):
        return {"id": issue.id, "key": issue.key, "self": f"{self.api}/issue/{issue.id}", "fields": {
            "summary": issue.fields["summary"], "status": self.status(issue.fields["status"]),
            "priority": self.priority(issue.fields["priority"]), "issuetype": self.kind(issue.kind)}}

    def field(self, issue, field):
        fields = issue.fields
        if field in ("summary", "labels"):
            return fields[field]
        if field == "description":
            return self.text(fields[field])
        if field in ("priority", "status"):
            return getattr(self, field)(fields[field])
        if field in ("assignee", "reporter"):
            return self.user(fields[field])
        value = fields.get(field)
        return {"value": value, "id": "10001"} if value is not None \
            and self.site.settings["custom_fields"].get(field, {}).get("type") == "option" else value

    def fields(self, issue):
        """Every field, by id, as a function that shows it."""
        simple = {field: lambda field=field: self.field(issue, field)
                  for field in [*SYSTEM_FIELDS, "status", *self.site.settings["custom_fields"]]}
        done = issue.fields["resolution"]
        site = self.site
        return {
            **simple,
            "project": lambda: self.project(issue.project), "issuetype": lambda: self.kind(issue.kind),
            "created": lambda: self.stamp(issue.created), "updated": lambda: self.stamp(issue.updated),
            "creator": lambda: self.user(issue.creator),
            "resolution": lambda: done and {"self": f"{self.api}/resolution/10000", "id": "10000", "name": done,
                                            "description": ""},
            "resolutiondate": lambda: self._resolved(issue) if done else None,
            "comment": lambda: self.comments(issue),
            "subtasks": lambda: [self.small(each) for each in site.subtasks(issue)],
            "parent": lambda: self.small(site.issues[issue.parent]) if issue.parent in site.issues else None,
            "issuelinks": lambda: [], "attachment": lambda: [], "duedate": lambda: None, "components": lambda: [],
            "watches": lambda: {"watchCount": 0, "isWatching": False}, "votes": lambda: {"votes": 0, "hasVoted": False},
        }

    def _resolved(self, issue):
        changed = [entry["created"] for entry in issue.history
                   if any(item["field"] == "resolution" for item in entry["items"])]
        return self.stamp(changed[-1]) if changed else None

    def issue(self, issue, wanted=("*all",), expand=(), properties=()):
        every = self.fields(issue)
        names = set()
        for name in wanted or ("*all",):
            if name in ("*all", "*navigable"):
                names |= set(every) - ({"comment"} if name == "*navigable" else set())
            elif name.startswith("-"):
                names = (names or set(every)) - {name[1:]}
            elif name in every:
                names.add(name)
        shown = {"expand": "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations",
                 "id": issue.id, "self": f"{self.api}/issue/{issue.id}", "key": issue.key,
                 "fields": {name: every[name]() for name in every if name in names}}
        if shown["fields"].get("parent", True) is None:
            del shown["fields"]["parent"]
        if "renderedFields" in expand:
            shown["renderedFields"] = {name: (issue.fields["description"].wiki if name == "description" else None)
                                       for name in shown["fields"]}
        if "names" in expand:
            shown["names"] = {name: SYSTEM_FIELDS[name][0] if name in SYSTEM_FIELDS else
                              self.site.settings["custom_fields"].get(name, {"name": name.capitalize()})["name"]
                              for name in shown["fields"]}
        if "transitions" in expand:
            shown["transitions"] = [self.transition(row) for row in self.site.transitions(issue)]
        if "changelog" in expand:
            histories = [self.history(entry) for entry in issue.history]
            if self.version == 3:
                histories = histories[::-1][:100]       # Cloud: the newest first, and not all
            shown["changelog"] = {"startAt": 0, "maxResults": len(histories), "total": len(issue.history),
                                  "histories": histories}
        if properties:
            shown["properties"] = {key: value for key, value in issue.properties.items()
                                   if "*all" in properties or key in properties}
        return shown


def flat(site, issue):
    """An issue in plain words, for tests and the page."""
    return {"id": issue.id, "key": issue.key, "old_keys": issue.old_keys, "project": issue.project, "type": issue.kind,
            **{key: value for key, value in issue.fields.items() if key != "description"},
            "description": issue.fields["description"].wiki, "parent": issue.parent,
            "subtasks": [each.key for each in site.subtasks(issue)], "creator": issue.creator,
            "created": issue.created, "updated": issue.updated, "properties": issue.properties,
            "comments": [{**comment, "body": None, "text": comment["body"].wiki}
                         for comment in issue.comments.values()],
            "links": list(issue.links.values()), "history": issue.history, "deleted": issue.deleted,
            "transitions": [{"id": row["id"], "name": row["name"], "to": row["to"]} for row in site.transitions(issue)]}
