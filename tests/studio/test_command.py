"""The command: where it answers, who needs a token, and what it says when it cannot."""

import re
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from tests.conftest import ROOT


def start(*flags, command=("-m", "tfrelight.studio")):
    return subprocess.Popen(
        [sys.executable, *command, *flags],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(*flags):
    """Exit status and what it says of an error."""
    with start(*flags) as process:
        _, text = process.communicate(timeout=120)
        return process.returncode, text


def test_it_says_where_it_is_and_ends_when_told():
    with start("--port=0") as process:
        try:
            line = process.stdout.readline()
            address = re.search(r"http://127\.0\.0\.1:\d+/(?= )", line).group()
            page = httpx.get(address, timeout=60)
            assert page.status_code == 200 and "tfrelight studio" in page.text
            assert httpx.get(address, headers={"Host": "elsewhere"}).status_code == 421
        finally:
            process.terminate()
        assert process.wait(60) in (0, -15)
        assert process.stderr.read() == ""


def test_ctrl_c_does_not_wait_for_what_is_worked_on():
    code = (
        "import runpy, sys, time; from tfrelight.relighting import pipeline\n"
        "sys.argv = ['studio', '--port=0']; pipeline.loaded = lambda *_: time.sleep(600)\n"
        "runpy.run_module('tfrelight.studio', run_name='__main__', alter_sys=True)"
    )
    with start(command=["-c", code]) as process:
        try:
            port = int(re.search(r":(\d+)/ ", process.stdout.readline()).group(1))
            with socket.create_connection(("127.0.0.1", port)) as waiting:
                head = "POST /photos HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n"
                waiting.sendall(head.encode() + b"photo")
                httpx.get(f"http://127.0.0.1:{port}/", timeout=60)
                process.send_signal(signal.SIGINT)
                assert process.wait(60) == 0
        finally:
            process.kill()
        assert process.stderr.read() == ""


def test_bound_elsewhere_it_makes_a_token():
    with start("--port=0", "--host=0.0.0.0") as process:
        try:
            line = process.stdout.readline()
            port, token = re.search(r":(\d+)/\?token=([\w-]{30,}) ", line).groups()
            url = f"http://127.0.0.1:{port}/"
            assert httpx.get(url, timeout=60).status_code == 401
            assert httpx.get(url, params={"token": token}).status_code == 303
        finally:
            process.terminate()


def test_a_port_in_use_is_said():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        status, text = ended(f"--port={taken.getsockname()[1]}")
    assert status == 1 and text.count("\n") == 1
    assert "in use" in text and "--port" in text


@pytest.mark.parametrize(
    "flags,says",
    [
        (("--port=99999",), "99999"),
        (("--server=localhost:1", "--model=compact-128"), "--server"),
        (("--max_photos=0",), "max_photos"),
        (("--host=0.0.0.0", "--token="), "--token"),
    ],
)
def test_wrong_flags_are_said_in_a_line(flags, says):
    status, text = ended(*flags)
    assert status in (1, 2) and text.count("\n") == 1 and says in text


def test_without_its_extra_it_says_which():
    code = (
        "import sys, runpy; sys.modules['uvicorn'] = None; sys.argv = ['studio']\n"
        "runpy.run_module('tfrelight.studio', run_name='__main__', alter_sys=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1 and 'pip install "tfrelight[studio]"' in done.stderr


def test_a_server_that_does_not_answer_is_said():
    pytest.importorskip("grpc")
    photo = (ROOT / "docs" / "astronaut.jpg").read_bytes()
    with start("--port=0", "--server=localhost:1") as process:
        try:
            address = re.search(r"http://\S+", process.stdout.readline()).group()
            answer = httpx.post(f"{address}photos?whole_image=1", content=photo, timeout=120)
        finally:
            process.terminate()
    assert answer.status_code == 502
    assert "localhost:1" in answer.json()["error"] and "--server" in answer.json()["error"]
