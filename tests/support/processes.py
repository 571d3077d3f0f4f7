"""Real ``convenor`` processes for tests: started, stopped, killed.

They are forked from a helper process that has the code loaded already, so that a start costs a fraction of a second. The helper makes no
application and no connection of its own, so nothing is shared with what it forks; it serves every test that wants the same code loaded, and
ends with the tests.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LOADED = (
    "app.factory",
    "app.cli.main",
    "app.cli.serve_commands",
    "app.documents.render",
    "app.cli.web_server",
    "app.demo.seed",
)


@dataclass
class Process:
    """A running ``convenor`` process."""

    nest: Nest
    pid: int
    log: Path

    def poll(self) -> int | None:
        """None while it runs; then its exit code, negative for the signal that ended it."""
        return self.nest.ask({"do": "poll", "pid": self.pid})["code"]

    def wait(self, seconds: float = 60) -> int:
        """Wait for its end.

        :raises AssertionError: it still runs after this long.
        """
        end = time.monotonic() + seconds
        while (code := self.poll()) is None:
            assert time.monotonic() < end, f"process {self.pid} does not end:\n{self.log.read_text()[-3000:]}"
            time.sleep(0.01)
        return code

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.poll() is None:
            self.send(signal.SIGCONT)
            self.send(signal.SIGKILL)
            self.wait()

    def stop(self) -> int:
        """Ask it to end, and wait."""
        self.send(signal.SIGTERM)
        return self.wait()


class Nest:
    """Where processes are forked from.

    :param prelude: a module that every process imports before it starts (for instance to register a document of the test).
    """

    def __init__(self, folder: Path, prelude: str = "") -> None:
        self.folder = folder
        self._started: list[Process] = []
        self._helper = _helper_with(prelude, frozenset(i for i in os.environ.items() if i[0].startswith("CONVENOR_")))

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._helper.stdin is not None
        assert self._helper.stdout is not None
        self._helper.stdin.write(json.dumps(request) + "\n")
        self._helper.stdin.flush()
        line = self._helper.stdout.readline()
        assert line, "the helper process has ended"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def convenor(self, *arguments: str, **environment: str) -> Process:
        """Start a command with this environment added."""
        log = self.folder / f"process-{len(self._started)}.log"
        answer = self.ask({"do": "start", "arguments": arguments, "environment": environment, "log": str(log)})
        process = Process(self, answer["pid"], log)
        self._started.append(process)
        return process

    def close(self) -> None:
        """End everything that is still running."""
        for process in self._started:
            process.kill()


@cache
def _helper_with(prelude: str, _environment: frozenset[tuple[str, str]]) -> subprocess.Popen[str]:
    """The helper process that has this loaded: preludes read the environment."""
    helper = subprocess.Popen(
        [sys.executable, "-m", "tests.support.processes", prelude],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(_end, helper)
    return helper


def _end(helper: subprocess.Popen[str]) -> None:
    assert helper.stdin is not None
    helper.stdin.close()
    helper.wait(timeout=30)


def _start(request: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        sys.stdout = os.fdopen(1, "w")
        sys.stderr = os.fdopen(2, "w")
        os.environ.update(request["environment"])
        from app.cli.main import main

        code = main(request["arguments"])
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        os._exit(code)


def _helper(prelude: str) -> None:
    import importlib

    for name in (*LOADED, prelude):
        if name:
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # neither the helper nor what it forks looks through it again
    codes: dict[int, int] = {}
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "start":
            sys.stdout.flush()
            answer: dict[str, Any] = {"pid": _start(request)}
            codes.pop(answer["pid"], None)  # numbers are used again
        else:
            pid = request["pid"]
            if pid not in codes:
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    codes[pid] = os.waitstatus_to_exitcode(status)
            answer = {"code": codes.get(pid)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _helper(sys.argv[1])
