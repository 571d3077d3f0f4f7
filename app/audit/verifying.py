"""Verifying: is every entry there, in its place and unchanged, and does the chain reach every head that was ever exported?"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select

from app.audit.chain import GENESIS, Keys, link_after, signed_by
from app.audit.heads import Head, read_heads
from app.audit.models import AuditEntry, AuditSeal
from app.audit.state import state
from app.store.database import db

MOST_FINDINGS = 100
_FOREIGN = "No seal at all bears our signature: is CONVENOR_AUDIT_KEY the key of this database?"


@dataclass(slots=True)
class Report:
    """What verifying found.

    :param entries: sealed entries read.
    :param unsealed: entries not sealed yet; a few seconds' worth is normal.
    :param findings: what is wrong, one sentence each; empty when all is well.
    """

    entries: int = 0
    seals: int = 0
    heads: int = 0
    unsealed: int = 0
    findings: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.findings

    def add(self, finding: str) -> None:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(finding)


def verify(head_file: Path | None = None) -> Report:
    """Verify the whole chain, and that it reaches the heads in a file or, when none is named, in the installation's own folder.

    :raises Invalid: the head file cannot be read.
    """
    keys = state().keys
    report = Report()
    seals = list(db.session.execute(select(AuditSeal).order_by(AuditSeal.number)).scalars())
    links = _entries(keys, report, {seal.last for seal in seals})
    _seals(keys, seals, links, report)
    if head_file is not None:
        _heads(keys, read_heads(head_file), seals, report)
    else:
        for file in sorted(state().heads.glob("*.jsonl")):
            _heads(keys, read_heads(file, own=True), seals, report)
    report.unsealed = int(
        db.session.execute(select(func.count()).select_from(AuditEntry).where(AuditEntry.sequence.is_(None))).scalar()
        or 0
    )
    return report


def _entries(keys: Keys, report: Report, wanted: set[int]) -> dict[int, str]:
    """Read the entries in order, compare each with its link; the recorded links at the ends of batches."""
    expected, previous = 1, GENESIS
    links: dict[int, str] = {}
    query = select(AuditEntry).where(AuditEntry.sequence.is_not(None)).order_by(AuditEntry.sequence)
    for entry in db.session.execute(query.execution_options(yield_per=1000)).scalars():
        place = entry.sequence or 0
        if place != expected:
            gap = f"Entry {expected} is" if place == expected + 1 else f"Entries {expected} to {place - 1} are"
            report.add(f"{gap} missing.")
        # After a gap the entry cannot be checked against what went before; the gap itself has been reported.
        elif entry.link != link_after(keys, previous, entry, place):
            report.add(f"Entry {place} (key {entry.key}) has been changed.")
        expected, previous = place + 1, entry.link or ""
        if place in wanted:
            links[place] = previous
        report.entries += 1
        db.session.expunge(entry)
    links[0] = GENESIS
    links.setdefault(expected - 1, previous)
    return links


def _seals(keys: Keys, seals: list[AuditSeal], links: dict[int, str], report: Report) -> None:
    number, last, root, foreign = 0, 0, GENESIS, 0
    for seal in seals:
        report.seals += 1
        if seal.number != number + 1 or seal.first != last + 1 or seal.previous != root:
            report.add(f"Seal {seal.number} does not follow the seal before it: a seal is missing or has been changed.")
        if not signed_by(keys, seal):
            foreign += 1
            report.add(f"Seal {seal.number} has been changed, or was made with another key.")
        if links.get(seal.last) is None:
            report.add(f"Entry {seal.last} is missing: the end of the batch of seal {seal.number}.")
        elif links[seal.last] != seal.root:
            report.add(f"The entries up to {seal.last} do not give what seal {seal.number} sealed.")
        number, last, root = seal.number, seal.last, seal.root
    if seals and foreign == len(seals):
        report.findings.insert(0, _FOREIGN)
    reached = max(links)
    if reached > last:
        report.add(f"Entries {last + 1} to {reached} claim to be sealed, and no seal covers them.")


def _heads(keys: Keys, heads: list[Head], seals: list[AuditSeal], report: Report) -> None:
    by_number = {seal.number: seal for seal in seals}
    end = seals[-1].last if seals else 0
    cut_off: Head | None = None
    for head in heads:
        report.heads += 1
        if not head.genuine(keys):
            report.add(f"The exported head {head.number} does not bear our signature.")
            continue
        seal = by_number.get(head.number)
        if seal is None:
            cut_off = head if cut_off is None or head.last > cut_off.last else cut_off
        elif (seal.last, seal.root) != (head.last, head.root):
            report.add(f"Seal {head.number} is not the one that was exported: the chain has been rewritten.")
    if cut_off is not None:
        report.add(
            f"The chain has been cut off: it ends at entry {end}, and an exported head reaches entry {cut_off.last} "
            f"(seal {cut_off.number})."
        )
