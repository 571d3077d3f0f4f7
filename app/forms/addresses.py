"""E-mail addresses, wherever one is typed."""

from __future__ import annotations

import re

# RFC 5321, 4.5.3.1: the longest address that mail can be sent to.
LONGEST_ADDRESS = 254
ADDRESS = re.compile(r"[^@\s,;:<>()\[\]\"]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}")
