"""The process around the services: arguments, one HTTP server, the ready line, signals.

A service is an object with
    name                 short name, the key of its part of the ready line if it adds one
    routes(app)          adds its HTTP routes to the shared aiohttp application
    async start(host, base_url)   opens what else it needs (base_url has no trailing slash)
    ready() -> dict      what it adds to the ready line
    async stop()         closes what start() opened
"""

import argparse
import asyncio
import ipaddress
import json
import signal
import sys

from aiohttp import web

from .jira import JiraService
from .slack import SlackService

BODY_LIMIT = 8 << 20


def services(seed):
    """Every outside system this process plays."""
    slack, jira = SlackService(seed.get("slack", seed)), JiraService(seed.get("jira"))
    slack.page.watch(jira.site.change)
    return [slack, jira]


def loopback(text):
    if not ipaddress.ip_address(text).is_loopback:
        raise argparse.ArgumentTypeError("the sandbox listens on loopback only")
    return text


def arguments(argv):
    parser = argparse.ArgumentParser(prog="sandbox", description="A local Slack and Jira to run the bot against.")
    parser.add_argument("--port", type=int, default=0, help="HTTP port, 0 for any free one")
    parser.add_argument("--host", type=loopback, default="127.0.0.1", help="a loopback address")
    parser.add_argument("--seed", help="JSON file with further users, channels and user groups")
    return parser.parse_args(argv)


@web.middleware
async def own_page_only(request, handler):
    """Pages of other origins, open in the same browser, have no business here."""
    origin = request.headers.get("Origin")
    if origin and origin != f"http://{request.host}":
        return web.Response(status=403, text="another origin")
    try:
        name = request.url.host or ""
        # Nobody can have a name that ends in .test, but by a resolver that tests have put there.
        if name != "localhost" and not name.endswith(".test") and not ipaddress.ip_address(name).is_loopback:
            raise ValueError
    except ValueError:
        return web.Response(status=403, text="another host")
    return await handler(request)


async def run(options, seed):
    ends = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ends.set)

    app = web.Application(client_max_size=BODY_LIMIT, middlewares=[own_page_only])
    parts = services(seed)
    for part in parts:
        part.routes(app)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, options.host, options.port, reuse_address=True, shutdown_timeout=0.1)
    await site.start()
    port = runner.addresses[0][1]
    host = f"[{options.host}]" if ":" in options.host else options.host
    base = f"http://{host}:{port}"
    ready = {"page": base + "/", "control": base + "/control"}
    for part in parts:
        await part.start(options.host, base)
        ready.update(part.ready())
    print(json.dumps(ready), flush=True)

    await ends.wait()
    # Nothing here is worth waiting for: every state of the sandbox is in memory and goes with it.
    for part in parts:
        await part.stop()
    try:
        await asyncio.wait_for(runner.cleanup(), 0.5)
    except asyncio.TimeoutError:
        pass


def main(argv=None):
    options = arguments(argv)
    seed = {}
    if options.seed:
        try:
            with open(options.seed, encoding="utf-8") as file:
                seed = json.load(file)
        except (OSError, ValueError) as why:
            print(f"sandbox: cannot read the seed {options.seed}: {why}", file=sys.stderr)
            return 2
    try:
        asyncio.run(run(options, seed))
    except OSError as why:
        print(f"sandbox: {why}", file=sys.stderr)
        return 1
    return 0
