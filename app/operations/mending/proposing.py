"""Asking for an act, and saying yes or no to it.

Trying again needs nobody: nothing is changed. To correct a variable, to skip an element or to move a token changes what a
procedure does, so a process owner who is somebody else must approve it; it is then done in the transaction of the approval.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from app import audit
from app.access import decide
from app.access.errors import HIDDEN
from app.access.facts import AreaFacts
from app.access.permissions import Permission
from app.audit.reasons import LONGEST_REASON, TOO_LONG
from app.errors import Conflict, Invalid, NotFound
from app.identity.person import Person
from app.operations.mending import notifying
from app.operations.mending.answering import may_answer
from app.operations.mending.doing import begin, do, finish, leave
from app.operations.mending.finding import is_barred
from app.operations.mending.history import Told, barred, label, seal, told_of
from app.operations.mending.models import NEEDS_APPROVAL, Act, ItemState, Mending, MendingItem, MendingState
from app.operations.mending.typed import Sent, typed
from app.runtime import mending as engine
from app.runtime.mending import Choices, MendingRefused
from app.runtime.models import Incident, IncidentState, Instance
from app.store.clock import business_now
from app.store.database import db, new_key

AT_MOST = 500


def _read(reason: str) -> str:
    reason = reason.strip()
    if len(reason) > LONGEST_REASON:
        raise Invalid(TOO_LONG)
    return reason


def retry(person: Person, incident_keys: Sequence[int]) -> Mending:
    """Try again: one at once, many as a job.

    :raises NotFound, NotAllowed, Conflict, Invalid: not theirs, over already, or too many.
    """
    rows = _incidents(person, incident_keys, Permission.INCIDENT_RETRY)
    mending = _new(person, Act.RETRY, rows)
    for row in rows:
        _item(mending, row, None, Told(""))
    return _go(mending, by=person.key)


def retry_unattended(incident_key: int) -> bool:
    """Try one again for whoever runs the service; whether it went on. The record names nobody: it was done at the server.

    :raises NotFound, Conflict: no such incident, or it is over.
    """
    row = engine.find_incident(incident_key)
    mending = _new(None, Act.RETRY, [row])
    item = _item(mending, row, None, Told(""))
    _go(mending, by=None)
    return item.state == ItemState.DONE


def propose(
    person: Person,
    act: Act,
    incident_keys: Sequence[int],
    *,
    reason: str,
    variable: str | None = None,
    value: str | Sent | None = None,
    target: str | None = None,
) -> Mending:
    """Ask a process owner to approve an act upon one incident, or upon many of the same cause.

    :param value: what the variable is to be, as typed or sent; read by its declared type.
    :raises NotFound, NotAllowed, Conflict: not theirs, or over already.
    :raises Invalid: no reason, another cause among them, or a value of another type.
    :raises MendingRefused: mending may not do that.
    """
    if act not in NEEDS_APPROVAL:
        raise Invalid("Trying again needs nobody's approval.", resource_id=str(act))
    reason = _read(reason)
    if not reason:
        raise Invalid("Say why, so that whoever approves it and whoever reads the record understands.")
    rows = _incidents(person, incident_keys, Permission.INCIDENT_MEND)
    if len({(row.process_id, row.element_id, row.kind) for row in rows}) > 1:
        raise Invalid("Choose incidents of the same cause at the same element.")
    asked: list[tuple[Incident, int, object, MendingRefused | None]] = []
    for row in rows:
        offered = engine.choices(row.key)
        try:
            asked.append((row, offered.revision, _check(act, row, offered, variable, value, target), None))
        except MendingRefused as error:
            asked.append((row, offered.revision, None, error))
    refusals = [error for *_, error in asked if error is not None]
    if len(refusals) == len(asked):
        raise refusals[0]
    mending = _new(person, act, rows, variable=variable, target=target)
    for row, revision, read, refusal in asked:
        item = _item(mending, row, revision, Told(reason, read))
        if refusal is not None:
            item.state, item.message = ItemState.REFUSED, refusal.message[:400]
    audit.record("incident.propose", actor=person, subject=f"mending:{mending.key}", detail=f"{act} {reason}")
    notifying.proposed(mending)
    return mending


def approve(person: Person, mending_key: int) -> Mending:
    """Approve and do it: one at once in this transaction, many as a job. When the procedure has moved on since, nothing is
    done and the proposal says so. Whoever calls has asked for a fresh sign-in.

    :raises NotFound: no such proposal.
    :raises NotAllowed: not a process owner of the area, or their own proposal.
    :raises Conflict: it has been decided already.
    """
    mending = find(person, mending_key, lock=True)
    _may_decide(person, mending)
    _decide(mending, person, MendingState.RUNNING)
    audit.record("incident.approve", actor=person, subject=f"mending:{mending.key}")
    done = _go(mending, by=person.key)
    notifying.decided(done)
    return done


def refuse(person: Person, mending_key: int, reason: str) -> Mending:
    """Refuse a proposal; whoever made it may take it back in the same way.

    :raises NotFound, NotAllowed, Conflict: as for :func:`approve`.
    :raises Invalid: the reason is too long.
    """
    reason = _read(reason)
    mending = find(person, mending_key, lock=True)
    if mending.proposed_by != person.key:
        _may_decide(person, mending)
    _decide(mending, person, MendingState.REFUSED)
    mending.ended_at = mending.decided_at
    audit.record("incident.refuse", actor=person, subject=f"mending:{mending.key}", detail=reason)
    notifying.decided(mending)
    return mending


def resume(person: Person, mending_key: int) -> Mending:
    """Take over an act that was suspended because whoever answered for it may not do it any more. What is left is done in the person's
    name. Whoever calls has asked for a fresh sign-in.

    :raises NotFound: no such act. :raises NotAllowed: it takes somebody who might have asked for it, or approved it.
    :raises Conflict: it was not suspended.
    """
    mending = _suspended(person, mending_key)
    mending.decided_by, mending.decided_at = person.key, business_now()
    audit.record("incident.take-over", actor=person, subject=f"mending:{mending.key}")
    begin(mending)
    return mending


def call_off(person: Person, mending_key: int) -> Mending:
    """Leave the rest of a suspended act undone. Its incidents stay, to be mended otherwise.

    :raises NotFound, NotAllowed, Conflict: as for :func:`resume`.
    """
    mending = _suspended(person, mending_key)
    audit.record("incident.call-off", actor=person, subject=f"mending:{mending.key}")
    leave(mending)
    return mending


def _suspended(person: Person, mending_key: int) -> Mending:
    mending = find(person, mending_key, lock=True)
    permission = Permission.INCIDENT_RETRY if mending.act == Act.RETRY else Permission.INCIDENT_APPROVE
    decide.require(person, permission, _facts(mending), resource_id=str(mending.key))
    if mending.state != MendingState.SUSPENDED:
        raise Conflict("This was not suspended.", resource_id=str(mending.key))
    return mending


def may_resume(person: Person, mending: Mending) -> bool:
    """Whether the person may take an act over now."""
    return mending.state == MendingState.SUSPENDED and may_answer(person, mending)


def find(person: Person, mending_key: int, *, lock: bool = False) -> Mending:
    """An act of the person's area, or of any for somebody of the system.

    :param lock: nobody else decides on it until this transaction ends.
    :raises NotFound: no such act that they may know of.
    """
    row = db.session.get(Mending, mending_key, populate_existing=True, with_for_update=True if lock else None)
    if row is None or not decide.allowed(person, Permission.INCIDENT_READ, AreaFacts(row.area_key or person.area_key)):
        raise NotFound(HIDDEN, resource_id=str(mending_key))
    if db.session.execute(select(Mending.key).where(Mending.key == row.key, barred(person))).first() is not None:
        raise NotFound(HIDDEN, resource_id=str(mending_key))
    return row


def items_of(mending_key: int) -> list[MendingItem]:
    """The incidents of an act."""
    query = select(MendingItem).where(MendingItem.mending_key == mending_key).order_by(MendingItem.incident_key)
    return list(db.session.execute(query).scalars())


def may_decide(person: Person, mending: Mending) -> bool:
    """Whether the person may approve or refuse a proposal now."""
    return mending.state == MendingState.PROPOSED and decide.allowed(
        person, Permission.INCIDENT_APPROVE, _facts(mending)
    )


def first_told(mending: Mending) -> Told:
    """The reason and the value of an act: the same for all its incidents."""
    items = items_of(mending.key)
    return next((t for item in items if (t := told_of(item)).readable), told_of(items[0]) if items else Told(""))


# ---------------------------------------------------------------------------------------------------
def _facts(mending: Mending) -> AreaFacts:
    return AreaFacts(mending.area_key, author=mending.proposed_by)


def _may_decide(person: Person, mending: Mending) -> None:
    decide.require(person, Permission.INCIDENT_APPROVE, _facts(mending), resource_id=str(mending.key))


def _decide(mending: Mending, person: Person, state: MendingState) -> None:
    if mending.state != MendingState.PROPOSED:
        raise Conflict("This has been decided already.", resource_id=str(mending.key))
    mending.state, mending.decided_by, mending.decided_at = state, person.key, business_now()


def _incidents(person: Person, keys: Sequence[int], permission: Permission) -> list[Incident]:
    wanted = sorted(set(keys))
    if not wanted:
        raise Invalid("Choose at least one incident.")
    if len(wanted) > AT_MOST:
        raise Invalid(f"Choose at most {AT_MOST} incidents at once.")
    rows = list(db.session.execute(select(Incident).where(Incident.key.in_(wanted)).order_by(Incident.key)).scalars())
    for row in rows:
        facts = AreaFacts(row.area_key if row.area_key is not None else person.area_key)
        about = db.session.get(Instance, row.instance_key) if row.instance_key is not None else None
        if not decide.allowed(person, Permission.INCIDENT_READ, facts) or (about and is_barred(person, about.case_key)):
            raise NotFound(HIDDEN, resource_id=str(row.key))
        decide.require(person, permission, facts, resource_id=str(row.key))
    if len(rows) < len(wanted):
        raise NotFound(HIDDEN, resource_id=str(next(iter(set(wanted) - {row.key for row in rows}))))
    over = next((row for row in rows if row.state != IncidentState.ACTIVE), None)
    if over is not None:
        raise Conflict("This incident has been resolved already.", resource_id=str(over.key))
    if len({row.area_key for row in rows}) > 1:
        raise Invalid("Choose incidents of one area.")
    return rows


def _new(
    person: Person | None, act: Act, rows: list[Incident], *, variable: str | None = None, target: str | None = None
) -> Mending:
    first = rows[0]
    same = len({(row.process_id, row.element_id) for row in rows}) == 1
    mending = Mending(
        key=new_key(),
        area_key=first.area_key,
        act=act,
        state=MendingState.RUNNING if act is Act.RETRY else MendingState.PROPOSED,
        process_id=first.process_id if same else "",
        element_id=first.element_id if same else "",
        variable=variable[:120] if variable and act is Act.CORRECT else None,
        target=target[:120] if target and act is Act.MOVE else None,
        proposed_by=person.key if person is not None else None,
        proposed_at=business_now(),
        total=len(rows),
    )
    db.session.add(mending)
    db.session.flush()
    return mending


def _item(mending: Mending, row: Incident, revision: int | None, told: Told) -> MendingItem:
    instance = db.session.get(Instance, row.instance_key) if row.instance_key is not None else None
    dossier = (instance.case_key or instance.meeting_key) if instance is not None else None
    item = MendingItem(
        mending_key=mending.key,
        incident_key=row.key,
        instance_key=row.instance_key,
        dossier_key=dossier,
        revision=revision,
        told=seal(label(mending.key, row.key), dossier, told),
        state=ItemState.WAITING,
    )
    db.session.add(item)
    return item


def _check(
    act: Act, row: Incident, offered: Choices, variable: str | None, value: str | Sent | None, target: str | None
) -> object:
    """What is asked for can be done as things stand; the value in its declared type.

    :raises MendingRefused: it cannot.
    """
    if act is Act.CORRECT:
        variable = variable or ""
        if variable in offered.reserved:
            raise MendingRefused(
                f"{offered.reserved[variable]} It cannot be corrected by mending.", resource_id=variable
            )
        if variable not in offered.variables:
            raise Invalid("Choose a variable that the stopped element sees.", resource_id=variable)
        if value is None:
            raise Invalid("Say which value the variable is to have.", resource_id=variable)
        return typed(variable, offered.variables[variable], value)
    if act is Act.SKIP and offered.not_skipped is not None:
        raise MendingRefused(f"{row.element_id} cannot be skipped. {offered.not_skipped}", resource_id=row.element_id)
    if act is Act.MOVE:
        if offered.not_moved:
            raise MendingRefused(offered.not_moved, resource_id=row.element_id)
        if target not in {one.element_id for one in offered.targets}:
            raise MendingRefused("The token cannot be moved to that element.", resource_id=target)
    return None


def _go(mending: Mending, *, by: int | None) -> Mending:
    """Do it now when there is one incident, else as a job."""
    waiting = [item for item in items_of(mending.key) if item.state == ItemState.WAITING]
    if len(waiting) != 1:
        begin(mending)
        return mending
    do(mending, waiting[0], by=by)
    finish(mending)
    if waiting[0].state in (ItemState.STALE, ItemState.REFUSED) and mending.act != Act.RETRY:
        mending.state = MendingState.STALE
    return mending
