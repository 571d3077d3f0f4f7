"""The words of a diagram's file, which its instances' saved states refer to instead of repeating them.

A state is full of names that the diagram gives: elements, variables, outcomes. The file belongs to the release and never changes, so
that what was saved with its words is read with them for as long as the release exists.
"""

from __future__ import annotations

import re
from functools import cached_property

import zstandard

from app.runtime.errors import UnreadableState

# How words are found belongs to what has been saved: it never changes. Another way gets another mark.
_WORD = re.compile(rb"[A-Za-z][A-Za-z0-9_]{3,}")
_MARK = b"\x01"
_LEVEL = 6


class Words:
    """The words of one file; none for a diagram that has no file.

    :param xml: the file.
    """

    def __init__(self, xml: bytes = b"") -> None:
        self._text = b'","'.join(sorted(set(_WORD.findall(xml))))

    @cached_property
    def _dictionary(self) -> zstandard.ZstdCompressionDict:
        made = zstandard.ZstdCompressionDict(self._text, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
        made.precompute_compress(level=_LEVEL)
        return made

    def compress(self, data: bytes) -> bytes:
        """Short, and marked with how."""
        if not self._text:
            return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(data)
        return _MARK + zstandard.ZstdCompressor(level=_LEVEL, dict_data=self._dictionary, write_checksum=True).compress(
            data
        )

    def decompress(self, blob: bytes) -> bytes:
        """What was compressed, with these words or with none.

        :raises UnreadableState: it was compressed with the words of another file, or is damaged.
        """
        try:
            if blob[:1] == _MARK:
                return zstandard.ZstdDecompressor(dict_data=self._dictionary).decompress(blob[1:])
            return zstandard.ZstdDecompressor().decompress(blob)
        except zstandard.ZstdError:
            raise UnreadableState(
                "The saved state of this instance does not fit its diagram, or is damaged. Restore it from a backup."
            ) from None
