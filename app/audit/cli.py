"""What ``convenor audit verify`` and ``convenor audit export`` do, within an application context. They print and give the exit code."""

from __future__ import annotations

from pathlib import Path

from app.audit.heads import export_head
from app.audit.verifying import verify as run


def verify(head_file: Path | None = None) -> int:
    """Verify and print; 0 when all is well, 1 when not."""
    report = run(head_file)
    for finding in report.findings:
        print(finding)
    print(
        f"{report.entries} entries in {report.seals} seals, {report.heads} exported heads, {report.unsealed} not sealed yet."
    )
    print("The audit is complete and unchanged." if report.sound else "The audit has been tampered with.")
    return 0 if report.sound else 1


def export() -> int:
    """Print the newest signed head as one line of JSON; 1 when nothing has been sealed yet."""
    line = export_head()
    if line is None:
        print("Nothing has been sealed yet.")
        return 1
    print(line)
    return 0
