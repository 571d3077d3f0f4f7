"""Measuring and printing: percentiles of durations, tables, and the machine they were taken on."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The value below which a share of the values lies (nearest rank)."""
    return sorted_values[min(len(sorted_values) - 1, max(0, round(share * len(sorted_values) + 0.5) - 1))]


def timed(work: Callable[[], object]) -> float:
    """How long something took, in milliseconds."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def timed_both(work: Callable[[], object]) -> tuple[float, float]:
    """How long something took, and the processor time of this thread in it, in milliseconds. The second is the same on a busy machine."""
    began, cpu = time.perf_counter(), time.thread_time()
    work()
    return (time.perf_counter() - began) * 1000, (time.thread_time() - cpu) * 1000


def median(values: Iterable[float]) -> str:
    """The middle value, for a table."""
    return f"{percentile(sorted(values), 0.5):.1f}"


def row(name: str, durations: Iterable[float], *more: str) -> tuple[str, ...]:
    """A row of a table: how many, p50, p95, p99 in milliseconds, and whatever else."""
    values = sorted(durations)
    if not values:
        return (name, "0", "–", "–", "–", *more)
    return (name, f"{len(values):,}", *(f"{percentile(values, share):.1f}" for share in (0.5, 0.95, 0.99)), *more)


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as Markdown."""
    lines = [f"### {title}", "", "| " + " | ".join(heads) + " |", "|" + "|".join("---" for _ in heads) + "|"]
    lines += ["| " + " | ".join(cells) + " |" for cells in rows]
    return "\n".join(lines) + "\n"


DURATIONS = ("What", "Times", "p50 ms", "p95 ms", "p99 ms")


def machine() -> str:
    """One line on the machine, and how busy it is with other things."""
    model = "unknown processor"
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores ({model}), Python {platform.python_version()}, {platform.system()} {platform.release()}; "
        f"load average {load:.1f} before the run"
    )


def resident_mb(pid: int) -> float:
    """The resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
