"""Structured logs: one JSON object a line, with the request id. Never what people typed: messages and keys only."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog
from flask import g, has_request_context


def _request_id(_logger: Any, _name: str, event: dict[str, Any]) -> dict[str, Any]:
    if has_request_context():
        event["request_id"] = g.get("request_id", "")
    return event


def _no_values(_logger: Any, _name: str, event: dict[str, Any]) -> dict[str, Any]:
    """Exceptions are logged by type and place; their text and SQL parameters may hold personal data."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    if isinstance(info, BaseException):
        info = (type(info), info, info.__traceback__)
    if info and info[0] is not None:
        event["exception"] = info[0].__name__
        frames, trace = [], info[2]
        while trace is not None:
            frames.append(f"{trace.tb_frame.f_code.co_filename.rsplit('/', 2)[-1]}:{trace.tb_lineno}")
            trace = trace.tb_next
        event["at"] = frames[-6:]
    return event


def configure(level: str) -> None:
    """Send every log line to standard error as JSON."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _request_id,
        _no_values,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # authlib writes tokens and codes into its debug lines: never, at whatever level the operator asks for.
    for noisy in ("weasyprint", "fontTools", "waitress.queue", "alembic", "authlib"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
