"""Reading tokens one after the other, and joining words to the names that are known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches

from app.feel.errors import FeelLimitError, FeelSyntaxError
from app.feel.lexer import END, NAME, OPERATOR, QUOTES, STRING, Token, stray, tokens, unescape, words

MAX_NESTING = 60
_NAME_ENDS = frozenset(",:(){}[]<>=") | {"<=", ">=", "!=", ".."}
KnownNames = dict[str, list[tuple[tuple[str, ...], str]]]  # first word -> (words, name), longest first


class TokenReader:
    """A cursor over the tokens of one text, with the names of more than one word that may stand in it."""

    builtin_names: KnownNames = {}

    def __init__(self, text: str, names: Iterable[str] = ()) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.last = len(self.tokens) - 1
        self.index = 0
        self.token: Token = self.tokens[0]
        self.depth = 0
        self.in_interval = False
        self.input_used = False
        self.known: KnownNames = {}
        for name in names:
            self.know(name)

    # ------------------------------------------------------------------------------------------- cursor
    def advance(self, count: int = 1) -> None:
        self.index = min(self.index + count, self.last)
        self.token = self.tokens[self.index]

    def rewind(self, index: int) -> None:
        self.index = index
        self.token = self.tokens[index]

    def peek(self, count: int) -> Token:
        return self.tokens[min(self.index + count, self.last)]

    def at(self, *operators: str) -> bool:
        return self.token[0] == OPERATOR and self.token[1] in operators

    def skip(self, operator: str) -> bool:
        """Pass over the operator when it is next."""
        if self.token[0] == OPERATOR and self.token[1] == operator:
            self.advance()
            return True
        return False

    def expect(self, operator: str, expected: str = "") -> None:
        if not self.skip(operator):
            raise self.unexpected(expected or f"“{operator}”")

    def expect_word(self, word: str) -> None:
        if self.token[0] != NAME or self.token[1] != word:
            raise self.unexpected(f"the word “{word}”")
        self.advance()

    def expect_end(self) -> None:
        if self.token[0] != END:
            raise self.unexpected("an operator or the end")

    def unexpected(self, expected: str = "") -> FeelSyntaxError:
        kind, text, position = self.token
        if text in QUOTES:
            return stray(self.text, position, text)
        phrase = self._misspelt() if kind == NAME else ""
        if phrase:
            return FeelSyntaxError(self.text, position, f"“{text}”", reason=phrase)
        found = "the end" if kind == END else "a text" if kind == STRING else f"“{text}”"
        return FeelSyntaxError(self.text, position, found, expected)

    def _misspelt(self) -> str:
        """When several words stand where a name of several words was probably meant: which one."""
        first = last = self.index
        while first > 0 and self.tokens[first - 1][0] == NAME:
            first -= 1
        while self.tokens[last + 1][0] == NAME:
            last += 1
        written = [text for _, text, _ in self.tokens[first : last + 1]]
        names = [n for source in (self.known, self.builtin_names) for entries in source.values() for _, n in entries]
        for start in range(len(written) - 1):
            close = get_close_matches(" ".join(written[start:]), names, n=1, cutoff=0.8)
            if close:
                return f"there is nothing called “{' '.join(written[start:])}”. Did you mean “{close[0]}”?"
        return ""

    def enter(self) -> None:
        """One level deeper. Raises FeelLimitError when there are too many."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise FeelLimitError(f"An expression may be nested at most {MAX_NESTING} levels deep.")

    @contextmanager
    def brackets(self) -> Iterator[None]:
        """Inside brackets an opening square bracket is a filter again, whatever encloses them."""
        outer, self.in_interval = self.in_interval, False
        yield
        self.in_interval = outer

    # ------------------------------------------------------------------------------------------- names
    def know(self, name: str) -> None:
        """From here on the words of this name, one after the other, are this name."""
        parts = words(name)
        if len(parts) > 1 or (parts and parts[0] != name):
            entries = self.known.setdefault(parts[0], [])
            if (parts, name) not in entries:
                entries.append((parts, name))
                entries.sort(key=lambda entry: -len(entry[0]))

    def name(self) -> str:
        """The longest known name at this place, or else the single word."""
        kind, text, _ = self.token
        if kind != NAME:
            raise self.unexpected("a name")
        for source in (self.known, self.builtin_names):
            if text in source:
                for parts, name in source[text]:
                    if self._follows(parts):
                        self.advance(len(parts))
                        return name
        self.advance()
        return text

    def begins_known_name(self) -> bool:
        """Whether the words from here on are the whole of a known name, which may begin with a reserved word."""
        return any(self._follows(parts) for parts, _ in self.known.get(self.token[1], ()))

    def _follows(self, parts: tuple[str, ...]) -> bool:
        return all(self.peek(offset)[1] == part for offset, part in enumerate(parts))

    def declared_name(self) -> str:
        """A name where one is introduced (entry, parameter, loop variable): everything up to a delimiter."""
        kind, text, _ = self.token
        if kind == STRING:
            self.advance()
            return unescape(text[1:-1])
        if kind != NAME:
            raise self.unexpected("a name")
        parts: list[str] = []
        end = -1
        while True:
            kind, text, position = self.token
            if kind in (END, STRING) or (kind == OPERATOR and text in _NAME_ENDS):
                break
            if parts and kind == NAME and text == "in":
                break
            if parts and position > end:
                parts.append(" ")
            parts.append(text)
            end = position + len(text)
            self.advance()
        return "".join(parts)
