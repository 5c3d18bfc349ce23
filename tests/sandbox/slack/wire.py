"""The WebSocket protocol (RFC 6455), server side, frame by frame.

Written out rather than taken from a library because the tests need what libraries hide: whether the client
fragmented a message, half-sent frames, broken text, and a socket that stays open and says nothing.
"""

import base64
import hashlib
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class ProtocolError(Exception):
    def __init__(self, code, reason):
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Frame(NamedTuple):
    fin: bool
    opcode: int
    payload: bytes


def encode(opcode, payload=b"", fin=True, rsv=0):
    if isinstance(payload, str):
        payload = payload.encode("utf-8")
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    size = len(payload)
    if size < 126:
        head = bytes((first, size))
    elif size < 65536:
        head = bytes((first, 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, 127)) + size.to_bytes(8, "big")
    return head + payload


async def read_frame(reader, limit):
    """The next frame of a client; raises ProtocolError or asyncio.IncompleteReadError."""
    first, second = await reader.readexactly(2)
    fin, opcode, size = bool(first & 0x80), first & 0x0F, second & 0x7F
    if first & 0x70:
        raise ProtocolError(1002, "reserved bits are set")
    if not second & 0x80:
        raise ProtocolError(1002, "a client's frames must be masked")
    if opcode >= 8 and (size > 125 or not fin):
        raise ProtocolError(1002, "a control frame is short and whole")
    if opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
        raise ProtocolError(1002, "unknown opcode")
    if size == 126:
        size = int.from_bytes(await reader.readexactly(2), "big")
    elif size == 127:
        size = int.from_bytes(await reader.readexactly(8), "big")
    if size > limit:
        raise ProtocolError(1009, "frame too large")
    mask = await reader.readexactly(4)
    masked = await reader.readexactly(size)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return Frame(fin, opcode, (int.from_bytes(masked, "big") ^ key).to_bytes(size, "big"))


async def read_upgrade(reader):
    """The client's HTTP request: (path, query, headers with lower-case names)."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ", 2)
    if method != "GET":
        raise ValueError("only GET upgrades")
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    parts = urlsplit(target)
    return parts.path, dict(parse_qsl(parts.query)), headers


def upgrade_answer(key):
    accept = base64.b64encode(hashlib.sha1(key.encode() + MAGIC).digest()).decode()
    return ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n").encode()
