"""A small stand-in for the bot on Jira's side: receives webhooks over HTTP, and events from the relay."""

import base64
import hashlib
import hmac
import http.server
import json
import threading
import time

from fake_app import FakeApp


class Receiver:
    """An HTTP server that keeps what it is sent. `answers` are the statuses to give, in order, then 200."""

    def __init__(self, answers=(), pause=0.0):
        self.answers = list(answers)
        self.pause = pause
        self.got = []               # (headers, raw body)
        self.lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with outer.lock:
                    outer.got.append((dict(self.headers), body))
                    status = outer.answers.pop(0) if outer.answers else 200
                time.sleep(outer.pause)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/webhooks/jira"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def bodies(self):
        with self.lock:
            return [json.loads(body) for _, body in self.got]

    def events(self):
        return [body["webhookEvent"] for body in self.bodies()]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def signature(secret, body):
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class RelayClient(FakeApp):
    """One connection to the relay. `status_of(event)` is what events are answered with; None leaves them unanswered."""

    def __init__(self, jira, status_of=lambda event: 204, token="t", start=True, binary=True):
        self.status_of = status_of
        self.binary = binary
        self.events = []
        super().__init__(None, url=jira.relay_url, hello=False)
        if start and self.status == 101:
            self.say({"type": "start", "version": 1, "data": {"token": token}})

    def say(self, message):
        self.frame(2 if self.binary else 1, json.dumps(message).encode())

    def _on_frame(self, opcode, payload):
        event = None
        with self.changed:
            if opcode == 1:
                message = json.loads(payload)
                if message["type"] == "event":
                    event = message["data"]
                    self.events.append(event)
                else:
                    self.others.append(message)
            elif opcode == 8:
                self.close_code = int.from_bytes(payload[:2], "big")
            elif opcode == 10:
                self.pongs.append(payload)
            self.changed.notify_all()
        if event is not None:
            status = self.status_of(event)
            if status is not None:
                self.say({"type": "event", "version": 1, "data": {
                    "id": event["id"], "status": status, "headers": {}, "body": ""}})

    def started(self):
        return self.wait_for(lambda: any(one["type"] == "start" for one in self.others))

    def bodies(self):
        return [json.loads(base64.b64decode(event["body"])) for event in self.events]
