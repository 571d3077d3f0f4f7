"""The prelude of test processes in which completions have room for fewer statements than elsewhere.

What follows some of them comes in a job of its own there, as in large procedures. Only for processes of their own: whoever imports this is
one of them.
"""

from __future__ import annotations

from app.runtime import accepting
from tests.support import prelude  # noqa: F401

accepting.STATEMENTS = 8
