"""What the page in the browser needs of Jira: its files and a picture of the tickets."""

from pathlib import Path

from aiohttp import web

from .errors import JiraError
from .show import flat

FILES = {"/jira.js": "text/javascript", "/jira.css": "text/css"}
SHOWN = 300
FOLDER = Path(__file__).parent / "page"


class Page:
    def __init__(self, site):
        self.site = site

    def routes(self, app):
        for path in FILES:
            app.router.add_get(path, self.file)
        app.router.add_get("/jira/browse/{key}", self.browse)
        app.router.add_get("/page/jira", self.view)

    async def file(self, request):
        return web.Response(body=(FOLDER / request.path[1:]).read_bytes(), content_type=FILES[request.path],
                            charset="utf-8", headers={"Cache-Control": "no-store"})

    async def browse(self, request):
        """The address of a ticket, as Jira's own: the page, with the ticket open."""
        raise web.HTTPFound(f"/?jira={request.match_info['key']}")

    async def view(self, request):
        site = self.site
        rows = sorted(site.issues.values(), key=lambda issue: issue.updated, reverse=True)
        try:
            opened = flat(site, site.issue(request.query.get("issue")))
            opened["parent_key"] = site.issues[opened["parent"]].key if opened["parent"] in site.issues else None
        except JiraError:
            opened = None
        for flow in [site.settings["workflow"], *site.settings["workflows"].values()]:
            for row in flow["statuses"]:
                site.status(row["name"])
        return web.json_response({
            "version": site.change.version, "total": len(rows),
            "users": {user.name: {"displayed": user.displayed, "app": user.name == "sitrep"}
                      for user in site.users.values()},
            "projects": site.settings["projects"], "types": list(site.settings["issue_types"]),
            "priorities": site.settings["priorities"],
            "custom": {field: row["name"] for field, row in site.settings["custom_fields"].items()},
            "categories": {name: row["category"] for name, row in site.statuses.items()},
            "issues": [{"id": i.id, "key": i.key, "type": i.kind, "updated": i.updated, "comments": len(i.comments),
                        **{field: i.fields[field] for field in ("summary", "status", "priority", "labels", "assignee",
                                                                "reporter")},
                        "parent": site.issues[i.parent].key if i.parent in site.issues else None}
                       for i in rows[:SHOWN]],
            "issue": opened})
