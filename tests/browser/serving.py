"""The demo as it is served to a browser: one process on a free port over its own data folder, stopped by its own process id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tests.support.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Served:
    """`convenor serve` in the demo's environment."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.log = data.parent / "serve.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CONVENOR_")}
        return {
            **kept,
            "CONVENOR_ENV": "demo",
            "CONVENOR_DATA": str(self.data),
            "CONVENOR_PORT": str(self.port),
        }

    def command(self, *words: str) -> list[str]:
        return [str(Path(sys.executable).with_name("convenor")), *words]

    def start(self) -> None:
        """Serve, and wait until it is ready."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command("serve"), cwd=ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )
        wait_for(self._ready, "the server is ready")

    def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the server has ended: {self.log.read_text()[-2000:]}"
        try:
            with urlopen(f"{self.base}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def stop(self) -> None:
        """End it as an operator would."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def advance(self, duration: str) -> None:
        """Move the demo's business time with the command that a newcomer uses."""
        done = subprocess.run(
            self.command("demo", "advance", duration), cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
