"""Structured logs: one JSON object a line, with the request id. Never what people typed: messages and keys only."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from flask import has_request_context

from app.tracing import request_id

# What every record has; the rest was given with `extra`.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class JsonLines(logging.Formatter):
    """One JSON object a line. Exceptions are told by type and place: their text and SQL parameters may hold personal data."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
        }
        line.update((name, value) for name, value in vars(record).items() if name not in _OWN)
        if (request := request_id()) is not None or has_request_context():
            line["request_id"] = request or ""
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = record.exc_info[0].__name__
            frames, trace = [], record.exc_info[2]
            while trace is not None:
                frames.append(f"{trace.tb_frame.f_code.co_filename.rsplit('/', 2)[-1]}:{trace.tb_lineno}")
                trace = trace.tb_next
            line["at"] = frames[-6:]
        return json.dumps(line, default=repr)


def configure(level: str) -> None:
    """Send every log line to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # authlib writes tokens and codes into its debug lines: never, at whatever level the operator asks for.
    for noisy in ("weasyprint", "fontTools", "waitress.queue", "alembic", "authlib"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
