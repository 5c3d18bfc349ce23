"""A small stand-in for the bot: opens Socket Mode and acks, with the standard library and nothing else.

It exists to test the sandbox; it shares no code with either side.
"""

import base64
import json
import os
import socket
import struct
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
APP_TOKEN = "xapp-1-A0SITREP-1-abc"
BOT_TOKEN = "xoxb-1-1-abc"


def call(sandbox, method, token=BOT_TOKEN, form=None, raw=False, **args):
    """One Web API call; the answer's JSON, or (status, headers, bytes) with `raw`."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if form is not None:
        data = urllib.parse.urlencode(form).encode()
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    else:
        data = json.dumps(args).encode()
        headers["Content-Type"] = "application/json; charset=utf-8"
    request = urllib.request.Request(sandbox.api_url + method, data=data, headers=headers)
    try:
        with OPENER.open(request, timeout=20) as response:
            status, said, body = response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            status, said, body = error.code, error.headers, error.read()
    return (status, said, body) if raw else json.loads(body)


class FakeApp:
    """One connection. `answer(envelope)` gives the ack's payload, None for a bare ack, False for none."""

    def __init__(self, sandbox, answer=lambda envelope: None, query="", hello=True, url=None):
        self.answer = answer
        self.envelopes = []
        self.others = []            # hello, disconnect and whatever is no envelope
        self.pongs = []
        self.close_code = None
        self.ended = threading.Event()
        self.changed = threading.Condition()
        self.url = (url or call(sandbox, "apps.connections.open", APP_TOKEN)["url"]) + query
        self.status = self._connect()
        if self.status != 101:
            self.ended.set()
            return
        threading.Thread(target=self._run, daemon=True).start()
        if hello:
            self.wait_for(lambda: any(o.get("type") == "hello" for o in self.others))

    def _connect(self):
        parts = urllib.parse.urlsplit(self.url)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=20)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
                             f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                             "Sec-WebSocket-Version: 13\r\n\r\n").encode())
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.socket.recv(1)
            if not piece:
                return 0
            head += piece
        return int(head.split(b" ", 2)[1])

    def _read(self, size):
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            if not piece:
                raise ConnectionError("ended")
            data += piece
        return data

    def _run(self):
        try:
            while True:
                first, second = self._read(2)
                size = second & 0x7F
                if size == 126:
                    size = struct.unpack(">H", self._read(2))[0]
                elif size == 127:
                    size = struct.unpack(">Q", self._read(8))[0]
                self._on_frame(first & 0x0F, self._read(size))
        except (OSError, ConnectionError):
            pass
        with self.changed:
            self.ended.set()
            self.changed.notify_all()

    def _on_frame(self, opcode, payload):
        with self.changed:
            if opcode == 1:
                message = json.loads(payload)
                (self.envelopes if "envelope_id" in message else self.others).append(message)
            elif opcode == 8:
                self.close_code = int.from_bytes(payload[:2], "big")
                self.frame(8, payload[:2])
            elif opcode == 10:
                self.pongs.append(payload)
            self.changed.notify_all()
        if opcode == 1 and "envelope_id" in message:
            said = self.answer(message)
            if said is not False:
                self.ack(message["envelope_id"], said)

    def frame(self, opcode, payload, fin=True, masked=True):
        size = len(payload)
        mask = os.urandom(4)
        head = bytes(((0x80 if fin else 0) | opcode,))
        flag = 0x80 if masked else 0
        if size < 126:
            head += bytes((flag | size,))
        elif size < 65536:
            head += bytes((flag | 126,)) + struct.pack(">H", size)
        else:
            head += bytes((flag | 127,)) + struct.pack(">Q", size)
        if masked:
            payload = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self.socket.sendall(head + (mask if masked else b"") + payload)

    def ack(self, envelope_id, payload=None, fragments=1):
        said = {"envelope_id": envelope_id, **({"payload": payload} if payload is not None else {})}
        data = json.dumps(said).encode()
        size = -(-len(data) // fragments)
        pieces = [data[at:at + size] for at in range(0, len(data), size)]
        for at, piece in enumerate(pieces):
            self.frame(1 if at == 0 else 0, piece, at == len(pieces) - 1)

    def wait_for(self, check, timeout=8.0):
        deadline = time.monotonic() + timeout
        with self.changed:
            while not check():
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError("the fake app waited in vain")
                self.changed.wait(left)
        return True

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
