"""The web server: waitress, with an end that drains.

Waitress itself gives what is in hand five seconds and drops what waits. Here nobody new is let in, and whoever is in has an answer before
the process ends.
"""

from __future__ import annotations

import contextlib
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, create_server

from app.cli.request_bodies import READ_AT_MOST, Channel

if TYPE_CHECKING:
    from flask import Flask

THREADS = 8
_LOOK_AGAIN = 0.02
_SEND_SECONDS = 5
_RECEIVE_SECONDS = 10  # for a request of which a part has come already; it may be a file over a slow line


class WebServer:
    """Listens from the beginning, serves while :meth:`run` runs.

    :param bind, port: where; a name may stand for several addresses.
    :param most: bytes of a request's body that the application takes; a larger one it is told of and never given.
    :raises OSError: somebody else listens there.
    """

    def __init__(self, app: Flask, bind: str, port: int, *, most: int, threads: int = THREADS) -> None:
        self._sockets: dict[int, Any] = {}
        self._server = create_server(
            app,
            map=self._sockets,
            host=bind,
            port=port,
            threads=threads,
            ident="Convenor",
            max_request_body_size=READ_AT_MOST,
        )
        for each in self._listening():
            each.channel_class = partial(Channel, most)
        self._dispatcher = self._server.task_dispatcher

    def run(self) -> None:
        """Serve until a signal's handler raises ``SystemExit``, or the keyboard interrupts."""
        adj = self._server.adj
        with contextlib.suppress(SystemExit, KeyboardInterrupt):
            wasyncore.loop(timeout=adj.asyncore_loop_timeout, map=self._sockets, use_poll=adj.asyncore_use_poll)

    def drain(self, seconds: float) -> bool:
        """Let nobody new in; receive what is on its way, finish the requests in hand and those that wait for a thread, send what
        they answer, and close.

        :returns: False when there was not enough time for all of them.
        """
        for each in self._listening():
            wasyncore.dispatcher.close(each)  # its trigger stays: threads that end tell of it
        end = time.monotonic() + seconds
        self._receive(min(end, time.monotonic() + _RECEIVE_SECONDS))
        while (busy := self._busy()) and time.monotonic() < end:
            time.sleep(_LOOK_AGAIN)
        self._dispatcher.shutdown(timeout=0 if busy else _SEND_SECONDS)
        self._send_answers()
        wasyncore.close_all(self._sockets, ignore_all=True)
        return not busy

    def _listening(self) -> list[BaseWSGIServer]:
        return [each for each in self._sockets.values() if isinstance(each, BaseWSGIServer)]

    def _receive(self, end: float) -> None:
        """The rest of the requests of which a part has come."""
        while time.monotonic() < end and any(
            isinstance(each, HTTPChannel) and each.request is not None for each in list(self._sockets.values())
        ):
            wasyncore.loop(timeout=_LOOK_AGAIN, map=self._sockets, count=1)

    def _busy(self) -> bool:
        with self._dispatcher.lock:
            return bool(self._dispatcher.queue or self._dispatcher.active_count)

    def _send_answers(self) -> None:
        """What the requests answer may not have been sent yet when they are done."""
        end = time.monotonic() + _SEND_SECONDS
        while time.monotonic() < end and any(
            isinstance(each, HTTPChannel) and each.total_outbufs_len for each in list(self._sockets.values())
        ):
            wasyncore.loop(timeout=0.05, map=self._sockets, count=1)
