"""The browser's evaluator and ours agree where it matters: over the expressions of the forms.

Needs node, and form-js's own evaluator, which `scripts/setup.sh browser` installs in this folder.
"""

from __future__ import annotations

import shutil

import pytest
from feel_differential import DATA, contexts, form_expressions, generated, ours, same, theirs

from app.feel import compile_expression

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")

# Where the two differ although nothing is wrong with the expression, what we give, and what the browser gives.
KNOWN = [
    ('"x" between "A" and "z"', True, False),
    ("1 / 3 * 3 = 1", False, True),
]
# Where they differ because FEEL has no answer: ours is null with a reason, the browser's is true, false or a list.
KNOWN_WITHOUT_ANSWER = [
    ('n != "3"', None, True),
    ('some i in list satisfies i = "1"', None, False),
    ('every i in list satisfies i > "1"', None, False),
]


def test_the_expressions_of_the_forms_give_the_same_in_the_browser() -> None:
    cases = [(text, context) for text in form_expressions() for context in contexts(text, 25)]
    assert cases
    different = [
        (text, context, ours(text, context), their)
        for (text, context), their in zip(cases, theirs(cases), strict=True)
        if not same(ours(text, context), their)
    ]
    assert different == []


def test_generated_expressions_differ_only_where_ours_gives_a_reason() -> None:
    texts = generated(400)
    different = [
        text
        for text, their in zip(texts, theirs([(text, DATA) for text in texts]), strict=True)
        if not same(ours(text, DATA), their)
    ]
    unexplained = [text for text in different if not compile_expression(text).diagnose(DATA).notes]
    assert all(" between " in text for text in unexplained), unexplained
    assert len(different) < len(texts) / 4


@pytest.mark.parametrize(("text", "mine", "browsers"), KNOWN + KNOWN_WITHOUT_ANSWER)
def test_the_known_differences_are_still_there(text: str, mine: object, browsers: object) -> None:
    assert ours(text, DATA) == mine
    assert theirs([(text, DATA)]) == [browsers]
