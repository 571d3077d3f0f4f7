"""Bodies of requests that are too large: read to their end and let go, so that the application refuses them in its own words.

A server that refuses a body before it has been sent closes the connection under whoever is still sending, and that is what a browser shows.
Nothing of such a body is kept, neither in memory nor on disk.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from waitress.buffers import OverflowableBuffer
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.receiver import ChunkedReceiver, FixedStreamReceiver
from waitress.utilities import BadRequest

READ_AT_MOST = 1_000_000_000  # bytes: what is larger is answered without being read
LONGEST_LINE = 1_000  # bytes, of a chunk's size and what may stand after it
LONGEST_TRAILER = 60_000  # bytes, of the headers after a body


class Kept(OverflowableBuffer):  # type: ignore[misc]
    """A body up to a length; of a longer one nothing but how long it is."""

    def __init__(self, overflow: int, most: int) -> None:
        super().__init__(overflow)
        self._most = most
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, data: bytes) -> None:
        self._length += len(data)
        if self._length <= self._most:
            super().append(data)
        else:
            self.close()
            self.buf, self.strbuf = None, b""


class Chunks(ChunkedReceiver):  # type: ignore[misc]
    """A body in chunks. A line between them that does not end is refused: what waits for its end is searched again with whatever comes."""

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        if len(self.control_line) > LONGEST_LINE or len(self.trailer) > LONGEST_TRAILER:
            self.error = BadRequest("A line between chunks is too long")
            self.completed = True
        return consumed


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """Reads a request. The length of its body is told as it is, so that the application refuses what is too large.

    :param most: bytes of a body that the application takes.
    """

    body_rcv: Any = None

    def __init__(self, adj: Any, *, most: int) -> None:
        super().__init__(adj)
        self._most = most

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        if self.chunked:
            self.body_rcv = Chunks(Kept(self.adj.inbuf_overflow, self._most))
        elif self.content_length > self._most:
            if self.expect_continue or self.content_length > READ_AT_MOST:
                self._answer_now()
            else:
                self.body_rcv = FixedStreamReceiver(self.content_length, Kept(self.adj.inbuf_overflow, 0))

    def _answer_now(self) -> None:
        """The body is not waited for, and nothing that follows is taken for another request."""
        self.body_rcv = None
        self.content_length = 0
        self.expect_continue = False
        self.headers["CONNECTION"] = "close"


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection whose requests bring that many bytes at most."""

    def __init__(self, most: int, *given: Any, **more: Any) -> None:
        self.parser_class = partial(Parser, most=most)
        super().__init__(*given, **more)
