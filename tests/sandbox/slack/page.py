"""What the page in the browser needs: its three files, one person's picture of the workspace, and changes live."""

import asyncio
import json
from pathlib import Path

from aiohttp import web

from .workspace import BOT_USER

FILES = {"/": ("index.html", "text/html"), "/page.js": ("page.js", "text/javascript"),
         "/page.css": ("page.css", "text/css")}
SHOWN = 200                 # messages of a channel that the page shows
FOLDER = Path(__file__).parent / "page"


class Page:
    def __init__(self, ws, hub):
        self.ws = ws
        self.hub = hub
        self.beside = None

    def watch(self, change):
        """Tells the page of another service's changes as well, over the one connection that browsers can spare."""
        self.beside = change
        change.watchers.append(self.ws.change)

    def routes(self, app):
        for path in FILES:
            app.router.add_get(path, self.file)
        app.router.add_get("/page/view", self.view)
        app.router.add_get("/page/live", self.live)

    async def file(self, request):
        name, kind = FILES[request.path]
        # The page shows text of others: nothing but its own three files may run or load.
        return web.Response(body=(FOLDER / name).read_bytes(), content_type=kind, charset="utf-8", headers={
            "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'",
            "Cache-Control": "no-store"})

    async def view(self, request):
        """All that one person sees with one channel open."""
        user = self.ws.user(request.query.get("user")) or self.ws.users["U0ALICE"]
        channel = self.ws.channel(request.query.get("channel"))
        if channel is None or channel.private and user["id"] not in channel.members:
            channel = self.ws.channels["C0INCIDENTS"]
        return web.json_response({
            "version": self.ws.change.version, "connected": len(self.hub.usable()), "bot": BOT_USER,
            "me": user["id"],
            "users": {u["id"]: {"name": u["name"], "real_name": u["real_name"], "tz": u["tz"], "bot": u["is_bot"]}
                      for u in self.ws.users.values()},
            "groups": {g["id"]: g["handle"] for g in self.ws.groups.values()},
            "channels": [self._in_list(c, user) for c in self.ws.channels.values() if user["id"] in c.members
                         or not c.private],
            "channel": self._open(channel, user),
            "views": [self.ws.views[view_id] for view_id in self.ws.stacks[user["id"]] if view_id in self.ws.views],
            "home": self.ws.homes.get(user["id"]), "shortcuts": self.ws.shortcuts,
        })

    def _in_list(self, channel, user):
        read = float(self.ws.last_read[user["id"]].get(channel.id, "0"))
        unread = sum(1 for m in channel.messages.values() if float(m["ts"]) > read and m["user"] != user["id"]
                     and not str(m.get("subtype", "")).startswith("channel_"))
        return {"id": channel.id, "name": channel.name or "sitrep", "im": bool(channel.im_user),
                "private": channel.private, "archived": channel.archived, "unread": unread,
                "member": user["id"] in channel.members}

    def _open(self, channel, user):
        messages = [self.ws.show_message(channel, m) for m in list(channel.messages.values())[-SHOWN:]]
        for message in messages:
            message["chosen"] = channel.messages[message["ts"]].get("chosen")
        private = [{**e, "ephemeral": True} for e in self.ws.ephemerals
                   if e["user"] == user["id"] and e["channel"] == channel.id]
        return {"id": channel.id, "name": channel.name or "sitrep", "im": bool(channel.im_user),
                "archived": channel.archived, "topic": channel.topic["value"], "purpose": channel.purpose["value"],
                "members": len(channel.members), "bookmarks": channel.bookmarks, "pins": channel.pins,
                "messages": sorted(messages + private[-50:], key=lambda m: float(m["ts"]))}

    async def live(self, request):
        """Server-sent events: the versions (ours, the other's) after each change, at most some ten a second."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        try:
            while True:
                versions = [self.ws.change.version, self.beside.version if self.beside else 0]
                await response.write(f"data: {json.dumps(versions)}\n\n".encode())
                await self.ws.change.next(15)
                await asyncio.sleep(0.08)
        except (ConnectionError, asyncio.CancelledError):
            pass
        return response
