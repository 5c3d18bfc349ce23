"""Jira as one service of the sandbox: its parts, its routes."""

from ..faults import Faults
from . import api_issue, api_meta, api_search, api_things  # noqa: F401 (they register)
from .control import KINDS, Control
from .page import Page
from .relay import Relay
from .rest import Api
from .site import Site
from .webhooks import Webhooks


class JiraService:
    name = "jira"

    def __init__(self, seed=None):
        self.site = Site(seed)
        self.faults = Faults(KINDS)
        self.api = Api(self.site, self.faults)
        self.hooks = Webhooks(self.site, self.api, self.faults)
        self.relay = self.hooks.relay = Relay(self.site, self.api, self.faults)
        self.control = Control(self.site, self.api, self.hooks, self.relay, self.faults)
        self.page = Page(self.site)

    def routes(self, app):
        app.router.add_route("*", "/jira/rest/{rest:.+}", self.api.handle)
        app.router.add_get("/jira/relay", self.relay.handle)
        self.control.routes(app)
        self.page.routes(app)

    async def start(self, host, base_url):
        self.api.base = base_url + "/jira"

    def ready(self):
        return {"jira_url": self.api.base + "/",
                "jira_relay_url": "ws" + self.api.base.removeprefix("http") + "/relay"}

    async def stop(self):
        await self.relay.stop()
        await self.hooks.stop()
