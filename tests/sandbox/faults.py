"""Faults that a test switches on: which calls they hit, how often, and how they wreck an HTTP answer.

A fault is a JSON object: `kind`, the selectors `method` (a glob), `channel`, `nth`, `count`, `probability`, and
the parameters of its kind. Nothing in here knows which service is being played.
"""

import asyncio
import fnmatch
import itertools
import json
import random
import socket
import struct

from aiohttp import web

# Kinds that take the place of the answer; the request itself is not carried out.
INSTEAD = {"status", "error", "lost_request", "garbage_body", "oversized_body", "deep_json", "not_utf8",
           "truncated_json", "duplicate_keys"}
# Kinds that let the request do its work and then spoil the answer (`after: true` moves one of INSTEAD here).
AFTER = {"lost_answer", "slow_drip"}
BEFORE = {"delay_ms"}
HTTP_KINDS = INSTEAD | AFTER | BEFORE


class Fault:
    def __init__(self, number, spec):
        self.id = f"F{number}"
        self.spec = spec
        self.kind = spec["kind"]
        self.seen = 0
        self.hits = 0

    def get(self, key, default=None):
        return self.spec.get(key, default)

    @property
    def after(self):
        return self.kind in AFTER or bool(self.get("after"))

    @property
    def spent(self):
        count = self.get("count", 1 if self.get("nth") else None)
        return count is not None and self.hits >= count

    def show(self):
        return {"id": self.id, **self.spec, "seen": self.seen, "hits": self.hits}


class Faults:
    """The faults now switched on, in the order they were made."""

    def __init__(self, kinds):
        self.kinds = kinds
        self.active = {}
        self.numbers = itertools.count(1)
        self.dice = random.Random(1)

    def add(self, spec):
        if spec.get("kind") not in self.kinds:
            raise ValueError(f"no fault {spec.get('kind')!r}; there are: {', '.join(sorted(self.kinds))}")
        fault = Fault(next(self.numbers), spec)
        self.active[fault.id] = fault
        return fault

    def remove(self, fault_id=None):
        gone = [fault_id] if fault_id else list(self.active)
        return [self.active.pop(name) for name in gone if name in self.active]

    def of_kind(self, kind):
        return [fault for fault in self.active.values() if fault.kind == kind]

    def take(self, kind):
        """The first fault of this kind that applies now; counts the hit."""
        for fault in self.of_kind(kind):
            if self._applies(fault):
                return fault
        return None

    def matching(self, method, channels=()):
        """Faults on HTTP answers that hit this call; counts their hits."""
        return [fault for fault in list(self.active.values())
                if fault.kind in HTTP_KINDS
                and fnmatch.fnmatchcase(method, fault.get("method", "*"))
                and (not fault.get("channel") or fault.get("channel").lstrip("#") in channels)
                and self._applies(fault)]

    def hitting(self, kinds, **facts):
        """Faults of these kinds whose selectors fit `facts` (each a string or several, matched as globs)."""
        return [fault for fault in list(self.active.values())
                if fault.kind in kinds and all(_fits(fault.get(key), value) for key, value in facts.items())
                and self._applies(fault)]

    def _applies(self, fault):
        if fault.spent:
            return False
        fault.seen += 1
        if fault.get("nth") and fault.seen < fault.get("nth"):
            return False
        if self.dice.random() >= fault.get("probability", 1.0):
            return False
        fault.hits += 1
        return True


def _fits(wanted, value):
    values = [value] if isinstance(value, str) else value
    return wanted is None or any(fnmatch.fnmatchcase(one, str(wanted)) for one in values)


def reset_connection(transport):
    """Ends the TCP connection with a reset rather than an orderly close."""
    raw = transport.get_extra_info("socket") if transport else None
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if transport is not None:
        transport.abort()


def _raw(answer_body, status=200, content_type="application/json; charset=utf-8", length=None):
    head = (f"HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\n"
            f"content-length: {len(answer_body) if length is None else length}\r\n\r\n")
    return head.encode() + answer_body


def broken_body(fault, answer):
    """The bytes that stand in for the JSON of `answer`."""
    good = json.dumps(answer).encode()
    size = int(fault.get("bytes", 0))
    if fault.kind == "garbage_body":
        return fault.get("text", "<html><body>upstream is having a moment</body></html>").encode()
    if fault.kind == "oversized_body":
        return good[:-1] + b',"padding":"' + b"x" * (size or 32 << 20) + b'"}'
    if fault.kind == "deep_json":
        depth = int(fault.get("depth", 100_000))
        return b'{"ok":true,"deep":' + b"[" * depth + b"]" * depth + b"}"
    if fault.kind == "not_utf8":
        return b'{"ok":true,"text":"\xff\xfe\xc3\x28","ts":"\x80"}'
    if fault.kind == "truncated_json":
        return good[:size or max(1, len(good) // 2)]
    return b'{"ok":true,"ok":false,"error":"twice","ts":"1.1","ts":"2.2","ok":true}'  # duplicate_keys


async def spoil(request, fault, answer, headers, status=200):
    """Answers `request` the way `fault` says. `answer` is what would have been said, None for no body at all."""
    good = b"" if answer is None else json.dumps(answer).encode()
    said_status = status
    kind = fault.kind
    transport = request.transport
    if kind == "status":
        status = int(fault.get("status", 500))
        extra = dict(headers)
        if fault.get("retry_after") is not None:
            extra["Retry-After"] = str(fault.get("retry_after"))
        if status == 429:
            return web.json_response({"ok": False, "error": fault.get("error", "ratelimited")}, status=429,
                                     headers=extra)
        return web.Response(status=status, text=fault.get("text", "upstream error"), headers=extra)
    if kind == "error":
        said = {"ok": False, "error": fault.get("error", "fatal_error")}
        said.update({key: fault.get(key) for key in ("needed", "provided", "response_metadata") if fault.get(key)})
        return web.json_response(said, headers=headers)
    if kind == "lost_request":
        reset_connection(transport)
        return web.Response()
    if kind == "lost_answer":
        keep = int(fault.get("bytes", 0))
        if keep and transport is not None:
            transport.write(_raw(good, said_status)[:keep])
            transport.close()
        else:
            reset_connection(transport)
        return web.Response()
    if kind == "slow_drip":
        whole = _raw(good, said_status)
        step, pause = int(fault.get("bytes", 1)), float(fault.get("every_ms", 100)) / 1000
        for at in range(0, len(whole), step):
            if transport is None or transport.is_closing():
                break
            transport.write(whole[at:at + step])
            await asyncio.sleep(pause)
        if transport is not None:
            transport.close()
        return web.Response()
    return web.Response(body=broken_body(fault, answer), content_type="application/json", headers=headers)
