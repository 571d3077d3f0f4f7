"""Everything, printed as tables: `make bench`, or `python -m bench inside outside …` for some of it."""

from __future__ import annotations

import os
import sys
from types import ModuleType

os.environ.setdefault("CONVENOR_ENV", "test")

from bench import databases, figures, growing, inside, jobs, many, memory, outside, sizes, starting

PARTS: dict[str, ModuleType] = {
    "start": starting,
    "memory": memory,
    "sizes": sizes,
    "inside": inside,
    "growing": growing,
    "many": many,
    "outside": outside,
    "jobs": jobs,
}


def main(wanted: list[str]) -> int:
    """Run the parts that are wanted, all when none is named."""
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        print(f"There is no part {unknown[0]}: choose from {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    print(f"Machine: {figures.machine()}.\n", flush=True)
    for name in wanted or PARTS:
        with databases.each() as found:
            for database, installation in found:
                for table in PARTS[name].run(database, installation):
                    print(table, flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
