"""The HTTP port of the real binary among peers that mean it ill, by raw sockets; chat goes on meanwhile.

What a request must look like, and lengths that contradict one another, are in tests/unit/test_http_refusals.c and
tests/scenario/test_http_hostile.py; this is what a peer can do besides."""

import os
import socket
import struct
import time

import pytest

from jira_steps import free_port
from sandbox import eventually
from steps import clean, said, seconds

DEADLINE = 1  # s: http.deadline
CONNECTIONS = 64
PER_IP = 40
TOKEN = "a-token-of-the-pipeline-0123456789"
API = "/api/tools/oncall"
NOTE = '{"tool": "incident_append_event", "arguments": {"incident_id": "INC-1", "text": "hidden"}}'
TOKENS = """
roles:
  responder: [incident.read, incident.write, incident.execute, tools.oncall.read, tools.oncall.write]
bindings:
  "slack:*": responder
  "unix:*": responder
tokens:
  ci: {secret: env:SITREP_TOKEN_CI, role: responder}
"""
LIMITS = {"http.deadline": f"{DEADLINE}s", "http.connections": str(CONNECTIONS), "http.connections_per_ip": str(PER_IP),
          "http.body_max": "65536"}


@pytest.fixture
def served(make_bot, sandbox):
    bot = make_bot(env={"SITREP_TOKEN_CI": TOKEN}, settings={**LIMITS, "http.listen": f"127.0.0.1:{free_port()}"})
    bot.policy("rbac.yml", TOKENS).start()
    assert sandbox.command("declare sev2 checkout is failing")["acked"]
    yield bot
    eventually(lambda: statuses(ask(bot, get(close=True))) == [200], timeout=seconds(5))
    chat_works(sandbox)
    assert bot.running and not bot.rows("SELECT 1 FROM timeline WHERE text LIKE '%hidden%'")
    clean(bot)


def chat_works(sandbox):
    """Slack gives three seconds; what is done at the port must not be felt there."""
    began = time.monotonic()
    assert "INC-1" in said(sandbox.command("list"))
    assert time.monotonic() - began < seconds(3)


# ---- by raw sockets ----

def get(path="/healthz", *more, close=False):
    return "".join(f"{line}\r\n" for line in (f"GET {path} HTTP/1.1", "Host: x", *(["Connection: close"] if close else []), *more)) + "\r\n"


def note(*more, token=f"Authorization: Bearer {TOKEN}"):
    lines = (f"POST {API} HTTP/1.1", "Host: x", *([token] if token else []), "Content-Type: application/json",
             f"Content-Length: {len(NOTE)}", *more)
    return "".join(f"{line}\r\n" for line in lines) + "\r\n" + NOTE


def peer(bot, timeout=None, address="127.0.0.1"):
    host, port = bot.settings["http.listen"].rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=timeout or seconds(10), source_address=(address, 0))


def send(s, text):
    try:
        s.sendall(text if isinstance(text, bytes) else text.encode("latin-1"))
        return True
    except OSError:
        return False  # closed already


def read(s):
    """All that comes until the other side closes."""
    heard = b""
    try:
        while piece := s.recv(65536):
            heard += piece
    except ConnectionResetError:
        pass
    return heard


def ask(bot, text, **how):
    """What is answered by somebody who says all at once, and that he is done."""
    with peer(bot, **how) as s:
        if send(s, text):
            try:
                s.shutdown(socket.SHUT_WR)
            except OSError:
                pass
        return read(s)


def statuses(heard):
    return [int(line.split()[1]) for line in heard.replace(b"HTTP/1.", b"\nHTTP/1.").split(b"\n")
            if line.startswith((b"HTTP/1.1 ", b"HTTP/1.0 "))]


# ---- requests within requests ----

# The first is one that would be answered with 200 by whoever falls for it, and goes on to the second.
OUTER = '{"tool": "incident_followups_summary"}'
POST = f"POST {API} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer {TOKEN}\r\n"
CHUNKED = POST + "Transfer-Encoding: chunked\r\n\r\n"
CHUNK = f"{len(OUTER):x}\r\n{OUTER}\r\n0\r\n\r\n"
N = len(OUTER)
HIDING = {
    "both lengths": POST + f"Content-Length: {N}\r\nTransfer-Encoding: chunked\r\n\r\n{CHUNK}",
    "both lengths, the other one first": POST + f"Transfer-Encoding: chunked\r\nContent-Length: {len(CHUNK)}\r\n\r\n{CHUNK}",
    "two lengths": POST + f"Content-Length: {N}\r\nContent-Length: {N + 1}\r\n\r\n{OUTER}",
    "an encoding on a second line": POST + f"Transfer-Encoding:\r\n chunked\r\n\r\n{CHUNK}",
    "an encoding in two halves": POST + f"Transfer-Encoding: chu\r\n nked\r\n\r\n{CHUNK}",
    "an encoding after a form feed": POST + f"Transfer-Encoding: \x0cchunked\r\n\r\n{CHUNK}",
    "an encoding between quotes": POST + f'Transfer-Encoding: "chunked"\r\n\r\n{CHUNK}',
    "an encoding with a parameter": POST + f"Transfer-Encoding: chunked;q=1\r\n\r\n{CHUNK}",
    "HTTP/1.0 with chunks": CHUNKED.replace("HTTP/1.1", "HTTP/1.0") + CHUNK,
    "a length on a second line": POST + f"Content-Length:\r\n\t{N}\r\n\r\n{OUTER}",
    "a length in two halves": POST + f"Content-Length: {N // 10}\r\n {N % 10}\r\n\r\n{OUTER}",
    "a length with a unit": POST + f"Content-Length: {N} bytes\r\n\r\n{OUTER}",
    "a length with a tabulator in it": POST + f"Content-Length: {N // 10}\t{N % 10}\r\n\r\n{OUTER}",
    "a name with a NUL": POST + f"Content-Length\0: {N}\r\n\r\n{OUTER}",
    "a name with brackets": POST + f"(X): 1\r\nContent-Length: {N}\r\n\r\n{OUTER}",
    "no name": POST + f": 0\r\nContent-Length: {N}\r\n\r\n{OUTER}",
    "a lone CR in a header": POST + f"X: a\rContent-Length: {N}\r\n\r\n{OUTER}",
    "a chunk's size with a sign": CHUNKED + "+" + CHUNK,
    "a chunk's size with a blank before it": CHUNKED + " " + CHUNK,
    "a chunk's size of C": CHUNKED + "0x" + CHUNK,
    "a chunk's size of nothing": CHUNKED + "\r\n\r\n",
    "a chunk's size that wraps": CHUNKED + f"1{N:016x}\r\n{OUTER}\r\n0\r\n\r\n",
    "a chunk without its end": CHUNKED + f"{N:x}\r\n{OUTER}XX0\r\n\r\n",
    "a request line with two paths": POST.replace(API, f"{API} {API}", 1) + f"Content-Length: {N}\r\n\r\n{OUTER}",
    "a version in small letters": POST.replace("HTTP", "http", 1) + f"Content-Length: {N}\r\n\r\n{OUTER}",
    "HTTP/0.9": "GET /healthz\r\n",
    "HTTP/2 by prior knowledge": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\0\0\0\4\0\0\0\0\0",
    "TLS": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


def test_no_request_hides_in_another(served):
    """Whatever the proxy in front may have taken for a body: what stands in it is never done."""
    found = {name: statuses(ask(served, text + note())) for name, text in HIDING.items()}
    assert {name: said for name, said in found.items() if min(said, default=400) < 400} == {}  # none said: closed
    assert not served.rows("SELECT 1 FROM timeline WHERE text LIKE '%hidden%'")
    # Without a trick both are done, so the test would see it.
    for honest in (CHUNKED + CHUNK, POST + f"Content-Length: {N}\r\n\r\n{OUTER}"):
        assert statuses(ask(served, honest + note().replace("hidden", "gentle"))) == [200, 200]
    assert len(served.rows("SELECT 1 FROM timeline WHERE text LIKE '%gentle%'")) == 2


# ---- paths, methods, protocols ----

PATHS = ("/healthz/..", "/./healthz", "//healthz", "/healthz/", "/healthz;x", "/healthz%00", "/healthz%0d%0aX:y", "/healthz%2f", "/HEALTHZ",
         "/x/../healthz", "/x/%2e%2e/healthz", "/x/..%2fhealthz", "/x\\..\\healthz", "/%68ealthz/%2e", "/../../../../etc/passwd",
         "/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/%c0%ae%c0%ae/etc/passwd", "/%", "/%zz", "/" + "a/" * 4000, "http://x/healthz", "http://127.0.0.1:1/",
         "https://example.com/", "x:1", "*", "healthz", "?", "#", "/\x7f", "/\xff\xfe")
METHODS = ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "G\x00T", "X" * 8000, "{}")


def test_paths_and_methods_lead_nowhere(served):
    for path in PATHS:
        heard = ask(served, get(path, close=True))
        assert all(status >= 400 for status in statuses(heard)), (path, heard)
        assert b"root:" not in heard and b"X:y" not in heard, path
    for method in METHODS:
        heard = ask(served, get(close=True).replace("GET", method, 1))
        assert all(status >= 400 for status in statuses(heard)), (method, heard)
    # A path may be written otherwise and still be the same, by the rules of URIs.
    assert statuses(ask(served, get("/%68ealthz?x=%00&y=" + "z" * 4000, close=True))) in ([200], [400])
    assert ask(served, get(close=True).replace("GET", "HEAD", 1)).endswith(b"\r\n\r\n")


def test_other_protocols_stay_http(served):
    """An upgrade is not taken up, and what follows is a request or nothing; only 100-continue is expected of us."""
    upgrade = get("/healthz", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    assert 101 not in statuses(ask(served, upgrade + "\x81\x85abcdhello"))
    assert 101 not in statuses(ask(served, get("/healthz", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAAA", close=True)))
    assert statuses(ask(served, note("Expect: 100-continue", "Connection: close").replace("hidden", "polite"))) in ([100, 200], [200])
    assert statuses(ask(served, note("Expect: the unexpected", token=None))) == [401]
    # Nobody who is refused anyhow is asked for his body first.
    with peer(served) as s:
        send(s, f"POST {API} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 65537\r\n\r\n")
        assert statuses(read(s)) == [413]


# ---- who may ----

TOKENLESS = ("", "Authorization:", "Authorization: Bearer", "Authorization: Bearer ", f"Authorization: Basic {TOKEN}",
             f"Authorization: {TOKEN}", f"Authorization: Bearer{TOKEN}", f"Authorization: Bearer {TOKEN[:-1]}", f"Authorization: Bearer {TOKEN}x",
             f"Authorization: Bearer {TOKEN.upper()}", f"Authorization: Bearer {TOKEN},", f'Authorization: Bearer "{TOKEN}"',
             f"Authorization: Bearer\r\n {TOKEN}x", f"Authorization: Bearer {'x' * 8000}", f"X-Authorization: Bearer {TOKEN}",
             f"Proxy-Authorization: Bearer {TOKEN}", f"Cookie: Authorization=Bearer {TOKEN}", "Authorization: Bearer *",
             "Authorization: Bearer SITREP_TOKEN_CI", "Authorization: Bearer ci")


def test_nobody_gets_in_without_the_token(served):
    for token in TOKENLESS:
        found = statuses(ask(served, note(token=token)))
        assert found in ([401], [400], [431]), (token, found)
    in_path = note(token=None).replace(API, f"{API}?Authorization=Bearer%20{TOKEN}&access_token={TOKEN}")
    assert statuses(ask(served, in_path)) == [401]
    assert TOKEN not in served.log()


# ---- peers that take their time ----

def drips(bot, count):
    """Peers that say a byte now and then: in the first line, in a header, in a body, between two requests; or that do not read."""
    starts = (b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ",
              f"POST {API} HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n".encode(),
              f"POST {API} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode(),
              get().encode() + b"GET /hea")
    made = []
    for n in range(count):
        s = peer(bot)
        send(s, starts[n % len(starts)])
        s.setblocking(False)
        made.append(s)
    return made


def alive(s, byte=b"1"):
    """Says one more; False: the other side has let go."""
    try:
        s.send(byte)
        return True
    except BlockingIOError:
        return True
    except OSError:
        return False


def test_slow_peers_cost_their_own_time_only(served, sandbox):
    """Each is let go soon after the deadline, however it goes on; whoever asks meanwhile is answered at once, here and in chat."""
    slow, longest, began = drips(served, 30), 0, time.monotonic()
    ended = 0
    while slow and time.monotonic() - began < seconds(10):
        left = [s for s in slow if alive(s)]
        for s in set(slow) - set(left):
            s.close()
            ended = time.monotonic() - began
        slow = left
        asked = time.monotonic()
        assert statuses(ask(served, get(close=True))) == [200]
        longest = max(longest, time.monotonic() - asked)
        chat_works(sandbox)
        time.sleep(0.02)
    assert not slow and longest < seconds(0.5), (len(slow), longest)
    # The deadline, one more for whoever had asked before, and the second that a refusal lingers.
    assert ended < seconds(2 * DEADLINE + 2), ended


def test_who_asks_without_end_and_reads_nothing_is_let_go(served):
    """Pipelined by the thousand: answered in turn as long as they are read, and then no more."""
    with peer(served) as s:
        assert send(s, get() * 300)
        heard = b""
        while statuses(heard) != [200] * 300:
            piece = s.recv(65536)
            assert piece, len(statuses(heard))
            heard += piece
    deaf = peer(served)
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.setblocking(False)
    began = time.monotonic()
    while alive(deaf, get().encode() * 100) and time.monotonic() - began < seconds(20):
        time.sleep(0.01)
    took = time.monotonic() - began
    deaf.close()
    assert took < seconds(2 * DEADLINE + 4), took


# ---- floods ----

def descriptors(bot):
    return len(os.listdir(f"/proc/{bot.process.pid}/fd"))


def flood(bot, count, ending):
    """As many connections as can be had; what each of them says depends on its number."""
    made = []
    for n in range(count):
        try:
            s = peer(bot, timeout=seconds(1))
        except OSError:
            continue
        s.setblocking(False)
        if ending == "reset":
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if n % 3:
            try:
                s.send((get() if n % 3 == 1 else f"POST {API} HTTP/1.1\r\n").encode())
            except OSError:
                pass
        made.append(s)
    return made


@pytest.mark.parametrize("ending", ["reset", "close", "wait"])
def test_a_flood_of_connections_passes(served, sandbox, ending):
    """More than it takes, twice over: chat does not feel it, and then everybody is served and nothing is left."""
    before = descriptors(served)
    for _ in range(2):
        made = flood(served, 3 * CONNECTIONS, ending)
        chat_works(sandbox)
        # One address takes no more than its share.
        assert statuses(ask(served, get(close=True), address="127.0.0.2")) == [200]
        assert descriptors(served) <= before + PER_IP + 8
        if ending == "wait":
            time.sleep(seconds(DEADLINE / 4))
        for s in made:
            s.close()
    eventually(lambda: statuses(ask(served, get(close=True))) == [200], timeout=seconds(DEADLINE + 3))
    eventually(lambda: descriptors(served) <= before + 1, timeout=seconds(2 * DEADLINE + 4))
