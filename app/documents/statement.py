"""The confidentiality statement that the Chair reads and everyone signs, by version (London DSA App E; Hillingdon ISA App 2).

A version that was ever read stays here word for word: a signed sheet prints the text that was signed.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The statement's wording. ``points`` are read out in order; ``signing`` stands above the signatures."""

    version: str
    opening: str
    points: tuple[str, ...]
    signing: str


_FIRST = Statement(
    version="1",
    opening=(
        "Before we begin, I remind everyone here, in the room or joining from elsewhere, of the information sharing agreement that"
        " this MARAC works under. If you cannot keep to any part of this statement, tell me now and say why. I will decide whether"
        " you may stay."
    ),
    points=(
        "We meet for one reason: to share what we need to make, change and carry out plans that keep victims of domestic abuse at"
        " high risk, and the children and others around them, safe from further harm. Use what you hear for nothing else.",
        "The MARAC does not act for any agency. Each agency stays responsible for what it does, for what it does not do, and for"
        " what it chooses to share.",
        "Share what is relevant and no more than is needed. Say what is fact, what is opinion and where it comes from.",
        "What is said here is confidential. Do not pass it to anyone outside the agencies that have signed the agreement unless the"
        " partners at this meeting have agreed to it.",
        "We speak about everyone we discuss fairly and with respect. Nobody is treated worse because of race, sex, gender"
        " reassignment, sexual orientation, disability, age, religion or belief, or anything else about them.",
        "Leave every paper copy in the room. The co-ordinator destroys them. Keep the minutes and your actions secure, and only for"
        " as long as your agency's retention schedule says.",
        "If you join from elsewhere, make sure that nobody can overhear you or see your screen, and that no smart speaker or other"
        " listening device is on near you.",
        "If you know anyone we are to discuss, or have any other conflict of interest, tell me before the case begins.",
    ),
    signing="By signing I confirm that I have heard and understood this statement and will keep to it.",
)

_STATEMENTS = {statement.version: statement for statement in (_FIRST,)}


def current_statement() -> Statement:
    """The version that is read from now on."""
    return _FIRST


def statement(version: str) -> Statement:
    """The wording of a version.

    :raises NotFound: there never was such a version.
    """
    found = _STATEMENTS.get(version)
    if found is None:
        raise NotFound("There is no such version of the confidentiality statement.", resource_id=version)
    return found
