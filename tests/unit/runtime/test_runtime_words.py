"""Saved states refer to the words of their diagram's file."""

from __future__ import annotations

import pytest
import zstandard
from runtime_kit import Play, doc, line, user

from app.runtime import codec
from app.runtime.errors import UnreadableState
from app.runtime.words import Words

FILE = (
    b'<a id="ReferToMarac" name="Refer to MARAC"><b x="=riskTicks &gt;= 14 and consentStatus = REFUSED_BY_VICTIM"/></a>'
)
DATA = b'{"riskTicks":14,"consentStatus":"REFUSED_BY_VICTIM","at":"ReferToMarac"}'
SAVED = "0128b52ffd2448cd0000587b223a31343a6174223a7d04006cc8f486ef5285c85bb902085dbdab"


def test_what_the_file_says_is_not_repeated() -> None:
    words = Words(FILE)
    blob = words.compress(DATA)
    assert words.decompress(blob) == DATA
    assert len(blob) < len(Words().compress(DATA)) - 20
    assert b"riskTicks" not in blob


def test_the_same_words_are_found_for_ever() -> None:
    """What is saved now must be read in years: a change of how words are found needs another mark."""
    saved = bytes.fromhex(SAVED)
    assert Words(FILE).decompress(saved) == DATA


def test_what_was_saved_without_words_is_read() -> None:
    assert Words(FILE).decompress(zstandard.ZstdCompressor(level=3).compress(DATA)) == DATA
    assert Words(FILE).decompress(Words().compress(DATA)) == DATA


@pytest.mark.parametrize("blob", [b"", b"\x01", b"\x01\x28\xb5", b"nonsense", Words(FILE + b"another").compress(DATA)])
def test_other_words_and_damage_are_refused(blob: bytes) -> None:
    with pytest.raises(UnreadableState, match="Restore it from a backup"):
        Words(FILE).decompress(blob)


def test_a_process_and_those_beside_it_use_their_file() -> None:
    play = Play(doc(user("anElementWithALongName") + line("anElementWithALongName")), {"n": 1})
    assert play.release.processes["p"].words.decompress(codec.dumps(play.wf)).startswith(b"[")
    assert codec.dumps(play.wf)[:1] == b"\x01"
