"""Words that occur nowhere else, typed into every text field of a case, and everywhere they must not turn up afterwards."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import zstandard
from sqlalchemy import inspect, text

from app.store.database import db, reading
from tests.support.pages import PageForm

WORD = "Wyvernquill"
SAID = (  # what the scenario itself types: names, addresses, dates of birth, phone numbers
    WORD,
    "Elin Marsh",
    "Ellie Marsh",
    "Darren Pole",
    "Poppy Marsh",
    "Quay Street",
    "Tannery Court",
    "Quayside Primary",
    "01632 960555",
    "01632 960123",
    "1991-04-12",
    "1987-11-02",
    "2017-06-30",
)
NEEDLES = tuple(word.lower().encode() for word in SAID)
_NUMERIC = frozenset({"numeric", "decimal", "tel"})


class Planter:
    """Adds the word, with a number of its own, to whatever stands in each text field of a page."""

    def __init__(self) -> None:
        self.count = 0
        self.fields: set[tuple[str, str]] = set()

    def __call__(self, form: PageForm) -> None:
        for name in form.shown:
            element = form.fields.get(name, [None])[0]
            if element is None or not _takes_text(element):
                continue
            typed = str(form.value(name) or "")
            if WORD not in typed:
                form.write(name, f"{typed} {self.word()}".strip())
            question = ".".join(part for part in name.split(".") if not part.isdigit())
            self.fields.add((str(form.element.get("data-form")), question))

    def word(self) -> str:
        """The word with the next number."""
        self.count += 1
        return f"{WORD}{self.count:04d}"

    def file(self, ending: str = "pdf") -> tuple[str, bytes]:
        """A file to upload, with the word in its name and content."""
        word = self.word()
        return f"{word}.{ending}", f"%PDF-1.4\n% {word}\n".encode()


def _takes_text(element: Any) -> bool:
    if element.tag == "textarea":
        return True
    kind, mode = element.get("type", "text"), element.get("inputmode", "")
    return element.tag == "input" and kind == "text" and mode not in _NUMERIC and element.get("readonly") is None


def found_in(content: bytes | str) -> list[str]:
    """The words that a content holds, in any case."""
    low = content.lower() if isinstance(content, bytes) else content.lower().encode()
    return [word for word, needle in zip(SAID, NEEDLES, strict=True) if needle in low]


def readings(value: Any) -> Iterator[bytes]:
    """A value of a column as bytes: as it is, and unpacked where it is compressed."""
    if value is None or isinstance(value, bool | int | float | datetime | date):
        if isinstance(value, datetime | date):
            yield value.isoformat().encode()
        return
    if isinstance(value, str):
        yield value.encode()
    elif isinstance(value, bytes | memoryview):
        raw = bytes(value)
        yield raw
        for unpack in (zstandard.ZstdDecompressor().decompress, zlib.decompress):
            try:
                yield unpack(raw)
            except (zstandard.ZstdError, zlib.error):
                continue
    else:
        yield json.dumps(value, default=str, ensure_ascii=False).encode()


def leaks_in_tables() -> list[str]:
    """Every column of every row that holds a planted word, by table and column. Needs an application context."""
    found: set[str] = set()
    db.session.rollback()
    with reading(), db.engine.connect() as connection:
        for table in inspect(connection).get_table_names():
            quoted = db.engine.dialect.identifier_preparer.quote(table)
            for row in connection.execute(text(f"SELECT * FROM {quoted}")).mappings():
                for column, value in row.items():
                    for content in readings(value):
                        found |= {f"{table}.{column}: {word}" for word in found_in(content)}
    return sorted(found)


def leaks_in_files(folders: Iterable[Path]) -> list[str]:
    """Every file under the folders that holds a planted word in its name or bytes."""
    found: list[str] = []
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            words = found_in(path.name)
            if path.is_file():
                words += found_in(path.read_bytes())
            found += [f"{path.relative_to(folder)}: {word}" for word in words]
    return found
