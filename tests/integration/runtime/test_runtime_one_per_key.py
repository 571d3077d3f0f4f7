"""A message with a key starts one instance of a process at a time; the next begins when that one has ended."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from runtime_kit import doc, el, end, esp, flow, io, line, msg, props, user
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from test_runtime_statements import sent

from app.runtime import kept, releases, rendezvous
from app.runtime import service as runtime
from app.runtime.errors import MessageRepeated, NobodyWaiting
from app.runtime.messages import WITHOUT_END
from app.runtime.models import BufferedMessage, Instance, Release
from app.runtime.modifying import Changes, End, modify
from app.runtime.moving.elements import ElementMap
from app.runtime.moving.execution import move
from app.store.chores import chore_of
from app.store.database import db

AREA = 77
HOUR = timedelta(hours=1)
KEYED = (
    '<bpmn:message id="M" name="stop"><bpmn:extensionElements>'
    '<zeebe:subscription correlationKey="=k"/></bpmn:extensionElements></bpmn:message>'
    '<bpmn:message id="M0" name="begin"/>'
    '<bpmn:message id="M1" name="begin"><bpmn:extensionElements>'
    '<zeebe:subscription correlationKey="=k"/></bpmn:extensionElements></bpmn:message>'
)


def begun_by_message(pid: str = "q", body: str = "") -> bytes:
    inner = body or user("work") + end() + flow("s", "work", "e")
    return doc(el("startEvent", "s", io((), [("given", "=text"), ("k", "=k")]), msg("M0")) + inner, KEYED, pid)


WORK = begun_by_message()


def publish(*diagrams: bytes) -> Release:
    files = {f"{n}.bpmn": xml for n, xml in enumerate(diagrams)}
    release = runtime.publish_release(files, area_key=AREA, by=1, allow_undeclared=True)
    db.session.commit()
    return release


def tell(said: str, key: str = "A", ttl: timedelta | None = HOUR, **more: Any) -> int:
    """How many instances the message reached at once."""
    given = {"text": said, "k": key}
    reached = runtime.publish_message("begin", key, given, **{"area_key": AREA, "ttl": ttl, **more})
    db.session.commit()
    return len(reached)


def active(pid: str = "q") -> list[str]:
    """With which messages the instances that are active have begun, in their order."""
    query = select(Instance).where(Instance.process_id == pid, Instance.status == "ACTIVE").order_by(Instance.key)
    return [str(runtime.plain_variables(row.key)["given"]) for row in db.session.execute(query).scalars()]


def waiting() -> list[BufferedMessage]:
    db.session.expire_all()
    return list(db.session.execute(select(BufferedMessage).order_by(BufferedMessage.key)).scalars())


def done(world: Any, element_id: str = "work", nth: int = 0) -> None:
    world.do(element_id, nth)
    db.session.commit()


# ------------------------------------------------------------------------------------------------ the rule
def test_one_at_a_time_the_oldest_first(world: Any) -> None:
    publish(WORK)
    assert [tell(str(n)) for n in range(4)] == [1, 0, 0, 0]
    for n in range(4):
        assert active() == [str(n)]
        assert len(waiting()) == 3 - n
        done(world)
    assert active() == []
    assert [row.correlation_key for row in db.session.query(Instance)] == [None] * 4, (
        "an instance that has ended holds nothing"
    )
    assert tell("again") == 1


def test_another_key_no_key_and_another_area_do_not_wait(world: Any) -> None:
    publish(WORK)
    runtime.publish_release({"0.bpmn": WORK}, area_key=AREA + 1, by=1, allow_undeclared=True)
    assert [tell("a"), tell("b", "B"), tell("c", ""), tell("d", ""), tell("e", area_key=AREA + 1), tell("f")] == [
        1
    ] * 5 + [0]
    assert active() == ["a", "b", "c", "d", "e"]


def test_what_has_no_time_to_live_is_given_up(world: Any, time: Any) -> None:
    publish(WORK)
    tell("first")
    assert tell("dropped", ttl=None) == 0
    with pytest.raises(NobodyWaiting):
        runtime.correlate_message("begin", "A", {"text": "x"}, area_key=AREA)
    assert waiting() == []
    tell("short", ttl=timedelta(minutes=1))
    tell("long")
    time.later(minutes=5)
    done(world)
    assert active() == ["long"]
    done(world)
    assert active() == []
    assert runtime.correlate_message("begin", "A", {"text": "x", "k": "A"}, area_key=AREA)[0].started


def test_whatever_the_version(world: Any) -> None:
    publish(WORK)
    tell("on the first")
    publish(WORK.replace(b"work", b"later"))
    assert tell("on the second") == 0
    done(world)
    assert (active(), world.tasks()) == (["on the second"], ["later"])


def test_other_processes_start_with_it_at_once(world: Any) -> None:
    publish(WORK, begun_by_message("r", user("beside") + end() + flow("s", "beside", "e")))
    assert tell("1") == 2
    done(world)
    assert tell("2") == 1, "one of the two is free"
    assert (active(), active("r")) == (["2"], ["1"])
    done(world)
    assert active("r") == ["1"]
    done(world, "beside")
    assert (active(), active("r")) == ([], ["2"])
    assert waiting() == []


def test_an_instance_that_waits_for_the_same_message_takes_it(world: Any) -> None:
    """Messages of one key gathered in one instance: the first begins it, the others go into it."""
    gather = user("work") + esp("es", msg("M1"), False) + end() + flow("s", "work", "e")
    publish(begun_by_message(body=gather))
    assert [tell("1"), tell("2"), tell("3")] == [1, 1, 1]
    assert world.tasks() == ["es_u", "es_u", "work"]
    assert len(active()) == 1
    assert waiting() == []


def test_one_that_waits_for_its_turn_goes_to_who_begins_to_wait(world: Any) -> None:
    body = user("work") + el("intermediateCatchEvent", "more", inner=msg("M1")) + user("last") + end()
    publish(begun_by_message(body=body + flow("s", "work", "more", "last", "e")))
    assert [tell("1"), tell("2")] == [1, 0]
    done(world)
    assert world.tasks() == ["last"], "it took the second, which therefore starts nothing"
    assert waiting() == []
    done(world, "last")
    assert active() == []


def test_who_else_waits_takes_it_and_it_still_starts_the_next(world: Any) -> None:
    catch = doc(el("intermediateCatchEvent", "m", inner=msg("M1")) + user("heard") + line("m", "heard"), KEYED)
    publish(WORK, catch)
    tell("1")
    runtime.start("p", {"k": "A"}, area_key=AREA, by=1)
    assert tell("2") == 1
    assert world.tasks() == ["heard", "work"]
    tell("3")
    runtime.start("p", {"k": "A"}, area_key=AREA, by=1)
    db.session.commit()
    assert world.tasks() == ["heard", "heard", "work"]
    assert [row.taken_by for row in waiting()] == [["p"], ["p"]]
    for said in ("2", "3"):
        done(world)
        assert active() == [said]
    assert waiting() == []


def test_a_message_id_counts_once_also_while_it_waits(world: Any) -> None:
    publish(WORK)
    tell("1", message_id="1")
    tell("2", message_id="2")
    for _ in range(2):
        with pytest.raises(MessageRepeated):
            tell("2", message_id="2")
        db.session.rollback()
        done(world)
    assert active() == []
    assert [row.held_for for row in waiting()] == [None, None]


# ------------------------------------------------------------------------------------------------ how an instance ends
def cancelled() -> None:
    runtime.cancel_instance(db.session.query(Instance).filter_by(status="ACTIVE").one().key, by=1)


def test_a_cancelled_instance_makes_way(world: Any) -> None:
    publish(WORK)
    tell("1")
    tell("2")
    cancelled()
    db.session.commit()
    assert active() == ["2"]


def test_one_that_has_moved_to_another_version_still_holds_the_next_up(world: Any) -> None:
    publish(WORK)
    tell("1")
    tell("2")
    publish(WORK.replace(b"work", b"later"))
    target = releases.find_definition(AREA, "q")
    moved = move(world.find("work").instance_key, target, ElementMap("q", {"work": "later"}))
    assert moved.plan.can_move
    db.session.commit()
    assert (tell("3"), active()) == (0, ["1"])
    key = db.session.query(Instance).one().key
    runtime.cancel_instance(key, by=1)
    db.session.commit()
    assert active() == ["2"]


def test_one_whose_tokens_are_all_ended_makes_way(world: Any) -> None:
    publish(WORK)
    tell("1")
    tell("2")
    task = world.find("work")
    modify(task.instance_key, Changes(end=[End(task_id=task.task_id)]))
    db.session.commit()
    assert active() == ["2"]


def test_one_that_passes_through_makes_way_in_its_turn(world: Any) -> None:
    """Five follow one another in one transaction."""
    body = (
        el("exclusiveGateway", "g", default="out") + user("work") + end("e") + flow("s", "g") + flow("g", "e", id="out")
    )
    publish(begun_by_message(body=body + flow("g", "work", cond='=given = "slow"') + flow("work", "e")))
    tell("slow")
    for n in range(4):
        tell(str(n))
    tell("slow")
    done(world)
    assert active() == ["slow"]
    assert db.session.query(Instance).count() == 6


def test_more_than_a_turn_starts_are_started_by_the_worker(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_FOLLOWERS", 2)
    body = (
        el("exclusiveGateway", "g", default="out") + user("work") + end("e") + flow("s", "g") + flow("g", "e", id="out")
    )
    publish(begun_by_message(body=body + flow("g", "work", cond='=given = "slow"') + flow("work", "e")))
    tell("slow")
    for n in range(6):
        tell(str(n))
    done(world)
    assert len(waiting()) == 4
    assert kept.follow_ended() == 1, "and those that follow it in the same turn"
    assert len(waiting()) == 1
    assert kept.follow_ended() == 1
    assert kept.follow_ended() == 0
    assert waiting() == []


def test_what_waits_goes_with_its_case(world: Any) -> None:
    send = el(
        "intermediateThrowEvent", "t", io([("text", '="again"'), ("correlationKey", '="A"'), ("k", '="A"')]), msg("M0")
    )
    publish(doc(user("a") + send + line("a", "t"), KEYED), WORK)
    for _ in range(2):
        runtime.start("p", {}, area_key=AREA, by=1, case_key=9)
        world.do("a")
    tell("of no case")
    assert len(waiting()) == kept.held_count() == 2
    runtime.forget_case(9)
    db.session.commit()
    assert active() == ["of no case"]
    assert waiting() == []


def test_an_instance_that_the_version_before_has_ended_is_followed_by_the_workers_chore(world: Any) -> None:
    """It knows nothing of keys, and starts nothing."""
    publish(WORK)
    tell("1")
    tell("2")
    tell("elsewhere", "B")
    tell("still waits", "B")
    db.session.execute(
        update(Instance).where(Instance.key == world.find("work").instance_key).values(status="COMPLETED")
    )
    db.session.commit()
    world.open.pop(next(iter(world.open)))
    assert active() == ["elsewhere"]
    assert kept.follow_ended() == 1
    assert sorted(active()) == ["2", "elsewhere"]
    assert kept.follow_ended() == 0


def test_the_chore_is_every_workers_once_a_minute(world: Any) -> None:
    chore = chore_of(kept.follow_ended)
    assert chore is not None
    assert chore.every == timedelta(minutes=1)


def test_one_that_cannot_be_started_does_not_keep_the_others_waiting(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(WORK)
    for key in ("A", "B"):
        tell("1", key)
        tell("2", key)
    db.session.execute(update(Instance).values(status="COMPLETED"))
    db.session.commit()
    start = kept.start_next

    def fails(area_key: int, process_id: str, key: str) -> bool:
        if key == "A":
            raise RuntimeError("no")
        return start(area_key, process_id, key)

    monkeypatch.setattr(kept, "start_next", fails)
    assert kept.follow_ended() == 1
    assert active() == ["2"]
    monkeypatch.setattr(kept, "start_next", start)
    assert kept.follow_ended() == 1
    assert len(active()) == 2


def test_a_process_that_other_messages_start_now_keeps_nothing_waiting(world: Any) -> None:
    publish(WORK)
    tell("1")
    tell("2")
    publish(doc(user("other") + line("other"), KEYED, "q"))
    done(world)
    assert active() == []
    (row,) = waiting()
    assert row.held_for is None, "as one that nobody has waited for: for what is left of its time"
    publish(WORK)
    assert active() == ["2"]


def test_the_database_itself_refuses_a_second(world: Any) -> None:
    publish(WORK)
    tell("1")
    tell("2", "B")
    with pytest.raises(IntegrityError):
        db.session.execute(update(Instance).values(correlation_key="A"))
    db.session.rollback()


# ------------------------------------------------------------------------------------------------ sent by diagrams
def sender(properties: str = "") -> bytes:
    given = io([("text", "=said"), ("correlationKey", '="A"'), ("k", '="A"')])
    return doc(user("a") + el("intermediateThrowEvent", "t", given + properties, msg("M0")) + line("a", "t"), KEYED)


def send(world: Any, said: str) -> None:
    runtime.start("p", {"said": said}, area_key=AREA, by=1)
    done(world, "a")


def test_what_a_diagram_sends_waits_for_as_long_as_it_takes(world: Any, time: Any) -> None:
    catch = doc(el("intermediateCatchEvent", "m", inner=msg("M1")) + user("heard") + line("m", "heard"), KEYED, "c")
    publish(sender(), WORK, catch)
    for said in ("1", "2", "3"):
        send(world, said)
    assert active() == ["1"]
    assert [row.expires_at for row in waiting()] == [WITHOUT_END] * 2
    time.later(days=400)
    runtime.start("c", {"k": "A"}, area_key=AREA, by=1)
    db.session.commit()
    assert world.tasks() == ["work"], "nobody but the process that it starts takes a message so old"
    for said in ("2", "3"):
        done(world)
        assert active() == [said]
    assert waiting() == []


def test_a_time_to_live_that_the_diagram_sets_holds(world: Any, time: Any) -> None:
    publish(sender(props(timeToLive="PT10M")), WORK)
    send(world, "1")
    send(world, "2")
    time.later(minutes=11)
    done(world)
    assert active() == []


def test_what_nobody_has_waited_for_is_still_given_up_after_an_hour(world: Any, time: Any) -> None:
    publish(sender())
    send(world, "1")
    time.later(minutes=61)
    publish(WORK)
    assert active() == []


def test_releases_of_before_start_at_once_as_they_were_drawn_to(world: Any) -> None:
    """A case that runs on one is not to wait for weeks for what it has always been given at once."""
    publish(sender(), WORK)
    db.session.execute(update(Release).values(one_per_key=None))
    db.session.commit()
    releases._publication.cache_clear()
    for said in ("1", "2"):
        send(world, said)
    assert active() == ["1", "2"]
    assert tell("3") == 1, "they hold nobody up"
    assert tell("4") == 0
    publish(sender(), WORK.replace(b"work", b"later"))
    send(world, "5")
    assert active() == ["1", "2", "3"], "a release of now waits"
    releases._publication.cache_clear()


# ------------------------------------------------------------------------------------------------ published later
def test_a_process_that_is_published_later_takes_one_after_the_other(world: Any, time: Any) -> None:
    publish(sender())
    send(world, "1")
    send(world, "2")
    tell("3")
    tell("x", "X")
    publish(sender(), WORK)
    assert sorted(active()) == ["1", "x"]
    time.later(minutes=61)
    done(world)
    assert sorted(active()) == ["2", "x"], "what a diagram has sent is not lost"
    done(world, nth=1)
    assert active() == ["x"], "what came from outside had its hour"
    assert waiting()[0].held_for == ["q"]


def test_a_version_that_is_published_meanwhile_gives_it_no_other_turn(world: Any) -> None:
    publish(WORK)
    tell("1")
    tell("2")
    publish(WORK.replace(b"work", b"later"))
    assert active() == ["1"]
    assert [row.held_for for row in waiting()] == [["q"]]
    done(world)
    assert active() == ["2"]


# ------------------------------------------------------------------------------------------------ what it costs
def test_only_what_a_key_has_started_pays_for_it(world: Any) -> None:
    """One question at its start and one at its end, on PostgreSQL each after a lock."""
    publish(WORK)
    for key in ("", "A"):
        tell("first of all", key)
        done(world)
    cost: dict[str, tuple[int, int]] = {}
    for key in ("", "A"):
        with sent() as begun:
            tell("x", key)
        with sent() as ended:
            done(world)
        cost[key] = len(begun), len(ended)
    more = 2 if db.engine.dialect.name == "postgresql" else 1
    assert cost["A"] == tuple(each + more for each in cost[""])


# ------------------------------------------------------------------------------------------------ at once
def at_once(app: Flask, first: Callable[[], object], second: Callable[[], object]) -> None:
    """The second begins when the first has done everything but commit."""
    failed: list[BaseException] = []

    def run() -> None:
        with app.app_context():
            try:
                second()
                db.session.commit()
            except BaseException as error:
                failed.append(error)
            finally:
                db.session.remove()

    first()
    thread = threading.Thread(target=run)
    thread.start()
    thread.join(0.3)
    db.session.commit()
    thread.join(60)
    assert not thread.is_alive()
    assert failed == []
    db.session.expire_all()


def say(said: str) -> Callable[[], object]:
    return lambda: runtime.publish_message("begin", "A", {"text": said, "k": "A"}, area_key=AREA, ttl=HOUR)


def test_two_publishers_at_once_start_one(app: Flask, world: Any) -> None:
    publish(WORK)
    at_once(app, say("1"), say("2"))
    assert (active(), len(waiting())) == (["1"], 1)


def test_one_with_an_id_and_one_without_do_not_wait_for_one_another(
    app: Flask, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one with an id comes just as the other, which has seen that an instance is active, is about to be kept."""
    publish(WORK)
    tell("1")
    others: list[threading.Thread] = []
    failed: list[BaseException] = []
    to_keep = rendezvous.to_keep

    def with_an_id() -> None:
        with app.app_context():
            try:
                tell("3", message_id="m")
            except BaseException as error:
                failed.append(error)
            finally:
                db.session.remove()

    def meanwhile(area_key: int, name: str, key: str) -> bool:
        if not others:
            others.append(threading.Thread(target=with_an_id))
            others[0].start()
            others[0].join(0.3)
        return to_keep(area_key, name, key)

    monkeypatch.setattr(rendezvous, "to_keep", meanwhile)
    tell("2")
    others[0].join(60)
    assert failed == []
    assert (active(), [row.payload["text"] for row in waiting()]) == (["1"], ["2", "3"])


@pytest.mark.parametrize("who", ["the message", "the end"])
def test_a_message_and_the_end_of_the_instance_do_not_miss_each_other(app: Flask, world: Any, who: str) -> None:
    publish(WORK)
    tell("1")
    finish = lambda: world.do("work")  # noqa: E731
    at_once(app, *((say("2"), finish) if who == "the message" else (finish, say("2"))))
    assert (active(), waiting()) == (["2"], [])


def test_two_that_look_for_what_waits_start_it_once(app: Flask, world: Any) -> None:
    publish(WORK)
    tell("1")
    tell("2")
    db.session.execute(update(Instance).values(status="COMPLETED"))
    db.session.commit()
    at_once(app, lambda: kept.start_next(AREA, "q", "A"), lambda: kept.start_next(AREA, "q", "A"))
    assert (active(), waiting()) == (["2"], [])


@pytest.mark.parametrize("who", ["the release", "the end"])
def test_a_release_and_the_end_of_the_instance_do_not_miss_each_other(app: Flask, world: Any, who: str) -> None:
    publish(WORK)
    tell("1")
    tell("2")

    def newer() -> None:
        files = {"0.bpmn": WORK.replace(b"Event id", b"Event  id")}
        runtime.publish_release(files, area_key=AREA, by=1, allow_undeclared=True)

    finish = lambda: world.do("work")  # noqa: E731
    at_once(app, *((newer, finish) if who == "the release" else (finish, newer)))
    assert (active(), waiting()) == (["2"], [])


@pytest.mark.parametrize("when", ["before", "after"])
def test_whoever_is_killed_at_the_commit_has_started_the_next_or_ended_nothing(world: Any, when: str) -> None:
    publish(WORK)
    tell("1")
    tell("2")
    db.session.remove()
    child = os.fork()
    if not child:
        try:
            db.engine.dispose(close=False)
            world.do("work")
            if when == "after":
                db.session.commit()
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert active() == (["1"] if when == "before" else ["2"])
    if when == "before":
        done(world)
    assert (active(), waiting()) == (["2"], [])
    assert db.session.query(Instance).count() == 2


# ------------------------------------------------------------------------------------------------ any history
@pytest.mark.parametrize("seed", range(3))
def test_any_history_starts_each_message_once_and_in_its_turn(world: Any, time: Any, seed: int) -> None:
    """Against the rule in a few lines: by key what is active, and what waits with its end of time."""
    dice = random.Random(seed)
    publish(sender(), WORK)
    now: dict[str, str] = {}
    queue: dict[str, list[tuple[str, float]]] = {"A": [], "B": []}
    free: list[str] = []
    minutes = 0.0
    for n in range(40):
        said, key = str(n), dice.choice("AB")
        act = dice.choice(["tell", "tell", "send", "free", "end", "end", "later", "publish"])
        if act == "tell" or (act == "send" and key == "B"):
            lives = dice.choice([0, 30, 600])
            tell(said, key, timedelta(minutes=lives))
            if key not in now:
                now[key] = said
            elif lives:
                queue[key].append((said, minutes + lives))
        elif act == "send":
            send(world, said)
            if key not in now:
                now[key] = said
            else:
                queue[key].append((said, float("inf")))
        elif act == "free":
            tell(said, "")
            free.append(said)
        elif act == "later":
            time.later(minutes=20)
            minutes += 20
        elif act == "publish":
            publish(sender(), WORK.replace(b'id="D"', f'id="D{n}"'.encode()))
        elif now or free:
            ended = dice.choice([*now.values(), *free])
            tasks = {str(runtime.plain_variables(task.instance_key)["given"]): task for task in world.open.values()}
            if dice.random() < 0.5:
                runtime.complete_task(tasks[ended].instance_key, tasks[ended].task_id, {}, by=1)
            else:
                runtime.cancel_instance(tasks[ended].instance_key, by=1)
            db.session.commit()
            if ended in free:
                free.remove(ended)
                continue
            of = next(key for key, value in now.items() if value == ended)
            del now[of]
            queue[of] = [each for each in queue[of] if each[1] > minutes]
            if queue[of]:
                now[of] = queue[of].pop(0)[0]
        assert sorted(active()) == sorted([*now.values(), *free]), (seed, n, act)
    assert kept.follow_ended() == 0
