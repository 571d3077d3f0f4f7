"""Named points at which a test may end the process as a power cut would: at once, with nothing tidied up.

They stand on either side of every commit and of everything that reaches outside the database. The important ones have names of their own;
``….commit.before`` and ``….commit.after`` are at whatever a session commits, wherever in the code that is. Unless ``CONVENOR_ENV`` is
``test`` and ``CONVENOR_FAULT`` names a point, passing one costs one comparison and does nothing.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping

from sqlalchemy import event
from sqlalchemy.orm import Session

from app.settings import Env, Settings, SettingsError

VARIABLE = "CONVENOR_FAULT"

WEB = (
    "completion.before-step",
    "completion.after-step",
    "request.before-commit",
    "request.after-commit",
    "prompt.before-run",
    "prompt.before-commit",
    "prompt.after-commit",
    "web.commit.before",
    "web.commit.after",
)
WORKER = (
    "claim.before-commit",
    "claim.after-commit",
    "job.before-run",
    "batch.between",
    "job.before-commit",
    "job.after-commit",
    "notice.before-send",
    "notice.after-send",
    "document.after-draw",
    "seal.before-commit",
    "seal.after-commit",
    "worker.commit.before",
    "worker.commit.after",
)
POINTS = frozenset(WEB + WORKER)

_armed: str | None = None
_passes_left = 0
_signal = signal.SIGKILL


def arm(settings: Settings, environment: Mapping[str, str] = os.environ) -> None:
    """Arm the point that the environment names, in tests only: ``name``, ``name:n`` (the n-th time it is passed), or ``name:n:stop``
    (the process is stopped there until it is continued, instead of killed).

    :raises SettingsError: there is no such point.
    """
    global _armed, _passes_left, _signal
    _armed, _passes_left, _signal = None, 0, signal.SIGKILL
    asked = environment.get(VARIABLE, "")
    if settings.env is not Env.TEST or not asked:
        return
    name, _, rest = asked.partition(":")
    count, _, how = rest.partition(":")
    if name not in POINTS or not (count or "1").isdigit() or how not in ("", "stop"):
        raise SettingsError(f"{VARIABLE}: there is no fault point {asked}.", resource_id=VARIABLE)
    _armed, _passes_left = name, max(1, int(count or "1"))
    _signal = signal.SIGSTOP if how else signal.SIGKILL
    _, _, side = name.partition(".commit.")
    if side:
        event.listen(Session, f"{side}_commit", _commit)


def _commit(session: Session) -> None:
    """At every commit of a session; a savepoint is none."""
    if _armed is not None and not session.in_nested_transaction():
        point(_armed)


def point(name: str) -> None:
    """Pass a point; the process ends here if the point is armed and its turn has come."""
    if name == _armed:
        _reach()


def _reach() -> None:
    global _passes_left
    _passes_left -= 1
    if _passes_left == 0:
        os.kill(os.getpid(), _signal)
