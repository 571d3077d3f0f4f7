"""States that were saved by earlier versions are read, brought up step by step, and go on; those of a later one are refused."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
import zstandard
from runtime_kit import Clock, Play, doc, line, user

from app.runtime import codec
from app.runtime.dialect.parser import parse_release
from app.runtime.engine.host import PlainHost
from app.runtime.engine.workflow import Accepted
from app.runtime.errors import UnreadableState

# One file for each version that has ever been written; a new version adds one and never changes an older.
SAVED = sorted(Path(__file__).parent.glob("state-*.json"))


def compress(state: list[Any]) -> bytes:
    return zstandard.ZstdCompressor().compress(orjson.dumps(state))


def test_there_is_a_saved_state_of_every_version_and_a_step_from_each_to_the_next() -> None:
    assert [json.loads(path.read_text())["version"] for path in SAVED] == list(range(1, codec.VERSION + 1))
    assert sorted(codec.UPGRADES) == list(range(1, codec.VERSION))


@pytest.mark.parametrize("path", SAVED, ids=lambda path: path.stem)
def test_a_state_that_was_saved_then_is_read_now_and_comes_to_its_end(path: Path) -> None:
    saved = json.loads(path.read_text())
    release = parse_release({f"{i}.bpmn": text.encode() for i, text in enumerate(saved["diagrams"])})
    clock = Clock()
    host = PlainHost(clock, operations={"none": lambda inputs: {}})
    play = Play.__new__(Play)
    play.release, play.pid, play.clock, play.host = release, "p", clock, host
    play.wf = codec.loads(base64.b64decode(saved["state"]), release, "p", host)
    assert play.names() == ["a", "m", "m", "x", "y"]
    assert play.vars == {"k": "1", "n": 3.25, "d": "2026-01-31"}
    assert play.due == "2026-01-07T09:00:00+00:00"
    assert play.incidents == ["There is no operation named none."]
    assert codec.read(codec.dumps(play.wf), play.release, "p")[0] == codec.VERSION
    accepted = [Accepted(19, 5, 1767603600000, {"n": Decimal("4.5"), "k": None}, {"item": "7"})]
    assert play.wf.accepted == (accepted if saved["version"] > 2 else [])

    play.reload()
    assert play.wf.accepted == (accepted if saved["version"] > 2 else [])
    play.wf.retry(next(iter(play.wf.incidents)))
    assert play.wf.message("stop", "1")
    play.later(days=9)
    assert play.names() == ["a", "h_u", "late", "m", "m", "x", "y"]
    for name in ("a", "h_u", "late", "x", "y"):
        play.do(name)
    play.do("m", v=8)
    play.do("m", v=9)
    assert play.clean
    assert play.vars["all"] == [7, 8, 9]


def test_an_earlier_state_is_brought_up_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps are those of a time to come: each version so far has had its own."""
    play = Play(doc(user("a") + line("a")), {"n": 1})
    old = codec.state_of(play.wf)
    seen: list[int] = []

    def renamed(state: list[Any]) -> list[Any]:
        seen.append(state[0])
        scopes = [
            [i, parent, {f"{name}{name}": value for name, value in values.items()}] for i, parent, values in state[6]
        ]
        return [*state[:6], scopes, *state[7:]]

    steps = {**codec.UPGRADES, codec.VERSION: renamed, codec.VERSION + 1: renamed}
    monkeypatch.setattr(codec, "UPGRADES", steps)
    monkeypatch.setattr(codec, "VERSION", codec.VERSION + 2)
    assert codec.root_variables(compress(old), play.release, "p") == {"nnnn": 1}
    assert seen == [old[0], old[0] + 1]
    play.wf = codec.loads(compress(old), play.release, "p", play.host)
    assert codec.read(codec.dumps(play.wf), play.release, "p")[0] == codec.VERSION
    assert play.names() == ["a"]


def test_a_later_state_is_refused_with_the_side_to_upgrade() -> None:
    play = Play(doc(user("a") + line("a")))
    state = [codec.VERSION + 1, *codec.state_of(play.wf)[1:]]
    with pytest.raises(UnreadableState, match="Upgrade the server"):
        codec.read(compress(state), play.release, "p")
