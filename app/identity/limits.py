"""How often somebody may sign in, search and upload. The figures are far above what anybody does by hand."""

from __future__ import annotations

from datetime import timedelta

from flask import request

from app.identity.person import Person
from app.store.limits import Limit, spend

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

# A whole agency may share one address, and begins to work at nine.
SIGN_IN = Limit(
    "sign-in", 300, MINUTE, "There were too many attempts to sign in from your network. Try again in a minute."
)
SEARCH = Limit("search", 200, MINUTE, "You have searched very often. Try again in a minute.")
UPLOADS = Limit("upload", 200, HOUR, "You have uploaded very many files. Try again within the hour.")
UPLOADED = Limit("uploaded", 500_000_000, HOUR, "You have uploaded more than 500 MB. Try again within the hour.")


def count_sign_in() -> None:
    """:raises TooMany: too many sign-ins from the address of the request."""
    spend(SIGN_IN, f"address:{request.remote_addr or ''}")


def count_search(person: Person) -> None:
    """:raises TooMany: the person has searched too often."""
    spend(SEARCH, f"user:{person.key}")


def count_upload(user_key: int, size: int) -> None:
    """:raises TooMany: too many files, or too much, within the hour."""
    spend(UPLOADS, f"user:{user_key}")
    spend(UPLOADED, f"user:{user_key}", size)
