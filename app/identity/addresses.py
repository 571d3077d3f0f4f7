"""Local addresses to return to after signing in. Nobody may send a person elsewhere through Convenor."""

from __future__ import annotations

from urllib.parse import urlsplit

HOME = "/"
_NEVER = ("/sign-in", "/sign-out")


def safe_next(address: str | None) -> str:
    """The address when it is a path of this server, else the home page.

    Refused: other hosts, ``//host``, backslashes and control characters (browsers read them as slashes or drop them), and the
    sign-in and sign-out pages themselves.
    """
    if not address or not address.startswith("/") or address.startswith("//") or len(address) > 2000:
        return HOME
    if "\\" in address or any(ord(character) <= 32 or ord(character) == 127 for character in address):
        return HOME
    try:
        parts = urlsplit(address)
    except ValueError:
        return HOME
    if parts.scheme or parts.netloc or any(parts.path == page or parts.path.startswith(page + "/") for page in _NEVER):
        return HOME
    return address
