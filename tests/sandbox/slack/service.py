"""Slack as one service of the sandbox: its parts, its routes."""

import json

from aiohttp import web

from ..faults import Faults
from . import api_chat, api_conversations, api_files, api_marks, api_people, api_views  # noqa: F401 (they register)
from .control import KINDS, Control
from .errors import SlackError
from .page import Page
from .people import People
from .socket_mode import Hub
from .web_api import Args, WebApi
from .workspace import Workspace


class SlackService:
    name = "slack"

    def __init__(self, seed=None):
        self.ws = Workspace(seed)
        self.faults = Faults(KINDS)
        self.hub = Hub(self.ws, self.faults)
        self.api = WebApi(self.ws, self.faults)
        self.api.hub = self.hub
        self.people = People(self.ws, self.api, self.hub)
        self.control = Control(self.ws, self.api, self.hub, self.faults, self.people)
        self.page = Page(self.ws, self.hub)

    def routes(self, app):
        app.router.add_route("*", "/api/{method:[A-Za-z0-9._-]+}", self.api.handle)
        app.router.add_post("/response/{id:.+}", self.respond)
        app.router.add_post("/upload/{id}", self.upload)
        app.router.add_get("/files/{id}", self.file)
        self.control.routes(app)
        self.page.routes(app)

    async def start(self, host, base_url):
        self.api.base_url = base_url
        await self.hub.start(host)

    def ready(self):
        return {"api_url": self.api.base_url + "/api/", "socket_url": self.hub.url}

    async def stop(self):
        await self.hub.stop()

    async def respond(self, request):
        """A response URL: answers `ok` as text, an error as JSON."""
        record = {"n": self.api.call_count, "method": "response_url", "at": 0, "args": {}, "ok": None, "error": None,
                  "faults": []}
        self.api.call_count += 1
        self.api.calls.append(record)
        body = await request.read()
        try:
            for fault in self.faults.matching("response_url"):
                record["faults"].append(fault.kind)
                if fault.kind == "status":
                    raise SlackError("fault", status=int(fault.get("status", 500)))
            try:
                said = json.loads(body.decode("utf-8"))
            except (ValueError, RecursionError):
                raise SlackError("invalid_payload", status=400) from None
            if not isinstance(said, dict):
                raise SlackError("invalid_payload", status=400)
            record["args"] = said if len(body) < 20000 else {}
            api_chat.respond(self.api, request.match_info["id"], Args(said))
            record["ok"] = True
            return web.Response(text="ok")
        except SlackError as error:
            record.update(ok=False, error=error.name)
            return web.json_response(error.answer(), status=error.status)
        finally:
            self.ws.change.tell()

    async def upload(self, request):
        body = await request.read()
        if request.content_type == "multipart/form-data":
            form = await request.post()
            field = next((item for item in form.values() if hasattr(item, "file")), None)
            body = field.file.read() if field else b""
        try:
            return web.Response(text=api_files.receive(self.ws, request.match_info["id"], body))
        except SlackError as error:
            return web.Response(status=error.status, text=error.name)

    async def file(self, request):
        file = self.ws.files.get(request.match_info["id"])
        if file is None or file["bytes"] is None:
            return web.Response(status=404, text="no such file")
        return web.Response(body=file["bytes"], content_type="text/plain", charset="utf-8")
