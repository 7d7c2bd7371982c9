"""The service's own server: heads have limits, and slow clients are closed."""

import asyncio
import socket
import threading
import time
from contextlib import contextmanager

import pytest

uvicorn = pytest.importorskip("uvicorn")
connections = pytest.importorskip("course_cloud.serving.connections")
BEGIN = b"GET /x HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
ASKED = BEGIN + b"\r\n"


async def app(scope, receive, send):
    """Read the body, wait as long as the path says, and answer with megabytes if it says so."""
    if scope["type"] == "http":
        while (await receive()).get("more_body"):
            pass
        await asyncio.sleep(1.2 if scope["path"] == "/slow" else 0)
        body = bytes(10**7 if scope["path"] == "/large" else 1)
        start = {"type": "http.response.start", "status": 200, "headers": []}
        await send(start | {"headers": [(b"content-length", b"%d" % len(body))]})
        for at in range(0, len(body), 10**5):
            part = body[at : at + 10**5]
            more = at + 10**5 < len(body)
            await send({"type": "http.response.body", "body": part, "more_body": more})


@pytest.fixture(scope="module")
def served():
    """Return a server and its port. It serves `app` with half a second of patience."""
    with socket.create_server(("127.0.0.1", 0)) as listening, pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "SECONDS", 0.5)
        config = uvicorn.Config(
            app, http=connections.Connection, ws="none", lifespan="off", log_level="critical"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        yield server, listening.getsockname()[1]
        server.should_exit = True
        thread.join()


@pytest.fixture
def port(served):
    return served[1]


@contextmanager
def connected(port):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        yield client


def answer_to(port, *sent):
    """Return the first line of the answer; empty when the connection is closed without one."""
    with connected(port) as client:
        try:
            for part in sent:
                client.sendall(part)
                time.sleep(0.02)
            return client.recv(1000).partition(b"\r\n")[0].decode()
        except ConnectionError:
            return ""


def all_of(client):
    """Return what comes until the connection is closed."""
    got = b""
    try:
        while part := client.recv(10**6):
            got += part
    except ConnectionError:
        pass
    return got


OK, BAD = "HTTP/1.1 200 OK", "HTTP/1.1 400 Bad Request"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ([ASKED], OK),
        ([BEGIN, b"\r\n"], OK),
        ([POST, b"123456789"], OK),
        ([BEGIN + b"a: b\r\n" * 99 + b"\r\n"], OK),
        ([BEGIN + b"a: b\r\n" * 100 + b"\r\n"], BAD),
        ([BEGIN + b"a: " + b"b" * 16_000 + b"\r\n\r\n"], OK),
        ([BEGIN + b"a: " + b"b" * 16_400 + b"\r\n\r\n"], BAD),
        ([BEGIN + (b"a" * 200 + b": b\r\n") * 90 + b"\r\n"], BAD),
        ([b"GET /" + b"x" * 17_000 + b" HTTP/1.1\r\n\r\n"], BAD),
        ([BEGIN + b"a: ", b"b" * 10_000, b"b" * 10_000], BAD),
        ([b"GET /" + b"x" * 10_000, b"x" * 10_000], BAD),
        ([BEGIN + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 101], BAD),
        ([BEGIN + b"Transfer-Encoding: chunked\r\n\r\n1;", *[b"a" * 10_000] * 2], BAD),
        ([b"GARBAGE\r\n\r\n"], BAD),
    ],
)
def test_a_head_is_answered_up_to_its_limits(port, sent, status):
    assert answer_to(port, *sent) == status


def test_a_refusal_says_the_limits(port):
    with connected(port) as client:
        client.sendall(BEGIN + b"a: b\r\n" * 101)
        assert client.recv(1000).endswith(b" may have 100 headers and 16,384 bytes.")


def test_a_flood_of_headers_is_closed_at_its_beginning(port):
    with connected(port) as client:
        client.sendall(BEGIN)
        taken = sent_until_closed(client, [b"a: b\r\n" * 100_000] * 100)
    assert taken < 30  # of 100; what the system buffers


def test_requests_are_not_piled_up(port):
    with connected(port) as client:
        client.sendall(ASKED * 10)
        got = b""
        while got.count(b"200 OK") < 10:
            got += client.recv(10_000)
    with connected(port) as client:
        client.sendall(ASKED * 1000)
        assert all_of(client).count(b"400 Bad Request") == 1


def sent_until_closed(client, drops):
    """Send a byte now and then, and return how many the service took."""
    for n, drop in enumerate(drops):
        try:
            client.sendall(drop)
        except ConnectionError:
            return n
        time.sleep(0.05)
    raise AssertionError("The connection is still open.")


@pytest.mark.parametrize("sent", [b"", b"G", BEGIN, POST, POST + b"12345678", ASKED])
def test_a_connection_without_a_whole_request_is_closed(port, sent):
    start = time.monotonic()
    with connected(port) as client:
        client.sendall(sent)
        while client.recv(1000):
            pass
    assert 0.4 < time.monotonic() - start < 2


@pytest.mark.parametrize("sent", [b"GET /", BEGIN, POST.replace(b"9", b"900")])
def test_a_byte_now_and_then_wins_no_time(port, sent):
    with connected(port) as client:
        client.sendall(sent)
        assert 5 < sent_until_closed(client, [b"a"] * 100) < 40


def test_a_slow_app_is_waited_for(port):
    assert answer_to(port, ASKED.replace(b"/x", b"/slow")) == OK


def test_a_client_that_does_not_read_its_answer_is_closed(served):
    server, port = served
    with connected(port) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(ASKED.replace(b"/x", b"/large"))
        time.sleep(0.2)
        assert len(server.server_state.connections) == 1
        time.sleep(1.2)
        assert not server.server_state.connections


def test_a_connection_is_used_again(port):
    with connected(port) as client:
        for _ in range(8):
            client.sendall(ASKED)
            got = b""
            while not got.endswith(b"\0"):
                got += client.recv(1000)
            assert got.startswith(OK.encode())
            time.sleep(0.15)  # together longer than one request may take
