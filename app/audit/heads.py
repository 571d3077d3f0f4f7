"""Signed heads of the chain, kept outside the database: whoever cuts the end off the chain cannot cut it off these too."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import func, select

from app.audit.chain import Keys, canonical_time, signature
from app.audit.models import AuditSeal
from app.errors import Invalid
from app.store.appending import append, whole_lines
from app.store.clock import wall_now
from app.store.database import db, reading


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain at one moment, as exported: one line of JSON."""

    number: int
    first: int
    last: int
    previous: str
    root: str
    wall_at: str
    signature: str

    def line(self) -> str:
        return orjson.dumps(asdict(self)).decode()

    def genuine(self, keys: Keys) -> bool:
        """Whether the signature is ours."""
        fields = asdict(self)
        return bool(fields.pop("signature") == signature(keys, **fields))


def head_of(seal: AuditSeal) -> Head:
    """The head that a seal exports."""
    return Head(
        seal.number, seal.first, seal.last, seal.previous, seal.root, canonical_time(seal.wall_at), seal.signature
    )


def export_head() -> str | None:
    """The newest head as one line of JSON; None when nothing has been sealed yet."""
    seal = db.session.execute(select(AuditSeal).order_by(AuditSeal.number.desc()).limit(1)).scalar_one_or_none()
    return head_of(seal).line() if seal is not None else None


def read_heads(file: Path, *, own: bool = False) -> list[Head]:
    """The heads in an exported file, in its order.

    :param own: the file is one that we add to; half a line at its end was never finished and is passed over.
    :raises Invalid: the file cannot be read, or a line is no head.
    """
    heads: list[Head] = []
    try:
        lines = whole_lines(file) if own else file.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        raise Invalid("The head file cannot be read.", resource_id=str(file)) from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            fields: dict[str, Any] = orjson.loads(line)
            heads.append(Head(**fields))
        except (orjson.JSONDecodeError, TypeError):
            raise Invalid(f"Line {number} of the head file is no signed head.", resource_id=str(file)) from None
    if not heads and not own:
        raise Invalid("The head file holds no signed head.", resource_id=str(file))
    return heads


def write_heads(folder: Path) -> int:
    """Append the heads of all seals that the folder does not have yet, one file for each month; how many were appended.

    Only committed seals are read. Appending one twice, after a crash, changes nothing for who verifies.
    """
    newest = _last_exported(folder)
    with reading():
        seals = db.session.execute(
            select(AuditSeal).where(AuditSeal.number > newest).order_by(AuditSeal.number)
        ).scalars()
        heads = [head_of(seal) for seal in seals]
        db.session.rollback()
    if not heads:
        return 0
    for month in dict.fromkeys(head.wall_at[:7] for head in heads):
        append(folder / f"{month}.jsonl", [head.line() for head in heads if head.wall_at[:7] == month])
    return len(heads)


def set_aside(folder: Path) -> int:
    """After a restore: move the heads that the restored chain does not reach into a folder of their own; how many there were.

    They prove what was sealed after the backup was made. The chain goes on from the backup and would contradict them.
    """
    newest = db.session.execute(select(func.max(AuditSeal.number))).scalar() or 0
    moved = 0
    for file in sorted(folder.glob("*.jsonl")) if folder.is_dir() else []:
        heads = read_heads(file, own=True)
        beyond = [head for head in heads if head.number > newest]
        if not beyond:
            continue
        aside = folder / f"set-aside-{wall_now():%Y%m%dT%H%M%S}"
        aside.mkdir(mode=0o700, exist_ok=True)
        (aside / file.name).write_text("".join(head.line() + "\n" for head in beyond))
        kept = [head for head in heads if head.number <= newest]
        part = file.with_suffix(".part")
        part.write_text("".join(head.line() + "\n" for head in kept))
        part.chmod(0o600)
        part.replace(file) if kept else file.unlink()
        part.unlink(missing_ok=True)
        moved += len(beyond)
    return moved


def _last_exported(folder: Path) -> int:
    files = sorted(folder.glob("*.jsonl")) if folder.is_dir() else []
    for file in reversed(files):
        with file.open("rb") as opened:
            opened.seek(0, os.SEEK_END)
            opened.seek(max(0, opened.tell() - 4096))
            lines = opened.read().splitlines()
        for line in reversed(lines):
            try:
                return int(orjson.loads(line)["number"])
            except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
                continue
    return 0
