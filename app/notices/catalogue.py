"""The e-mails that Convenor sends. Every sentence is neutral: it may be read by anybody who sees the screen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Template(StrEnum):
    TASK_ASSIGNED = "task-assigned"
    TASK_REMINDER = "task-reminder"
    TASK_LATE = "task-late"
    TASK_HANDED_OVER = "task-handed-over"
    DECISION_NEEDED = "decision-needed"
    AGENDA_ISSUED = "agenda-issued"
    MEETING_MOVED = "meeting-moved"
    MEETING_CANCELLED = "meeting-cancelled"
    MEETING_CANCELLED_HELD = "meeting-cancelled-held"
    ANOTHER_REPRESENTATIVE = "another-representative"
    SHARING_CHANGED = "sharing-changed"
    CASE_CHANGED = "case-changed"
    CASE_ADDED_TO = "case-added-to"
    ACTION_LIST = "action-list"
    MINUTES_CIRCULATED = "minutes-circulated"
    DOCUMENT_READY = "document-ready"
    SIGN_LINK = "sign-link"
    MENDING_PROPOSED = "mending-proposed"
    MENDING_DECIDED = "mending-decided"
    MENDING_STOPPED = "mending-stopped"
    MOVE_STOPPED = "move-stopped"
    MOVE_BACK_STOPPED = "move-back-stopped"
    BATCH_STOPPED = "batch-stopped"


class Due(StrEnum):
    """What the date of a notice means."""

    DO_BY = "Do this by"
    WAS_DUE = "It was due by"
    DECIDE_BY = "Decide by"
    NEW_DATE = "The new date is"
    MEETING = "The meeting is on"
    MEETING_WAS = "It was to be on"
    SIGN_BY = "Sign before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How one template reads.

    :param subject: the subject line; the day is added to it when there is one.
    :param what: the sentence used when the sender gives none.
    :param why: who must act, or why the person gets this.
    :param link: the words of the link.
    :param sign_in: whether the link asks for sign-in; a one-time link does not.
    """

    subject: str
    what: str
    why: str
    due: Due
    link: str
    sign_in: bool = True


CATALOGUE: dict[Template, Wording] = {
    Template.TASK_ASSIGNED: Wording(
        subject="You have a new task",
        what="A task needs an answer from you or your team.",
        why="You are one of the people who can do this task. Whoever opens it first can claim it.",
        due=Due.DO_BY,
        link="Open the task",
    ),
    Template.TASK_REMINDER: Wording(
        subject="Reminder: a task is waiting for you",
        what="A task is still waiting for an answer.",
        why="You hold this task, or you are one of the people who can do it. If it has been done, ignore this e-mail.",
        due=Due.DO_BY,
        link="Open the task",
    ),
    Template.TASK_LATE: Wording(
        subject="A task is late",
        what="A task has not been done in time.",
        why="You get this because you hold the task or because you answer for it when it is late. You must act now.",
        due=Due.WAS_DUE,
        link="Open the late task",
    ),
    Template.TASK_HANDED_OVER: Wording(
        subject="A task has been handed over to you",
        what="A colleague has handed a task over to you.",
        why="You hold this task now. The reason is shown with it.",
        due=Due.DO_BY,
        link="Open the task",
    ),
    Template.DECISION_NEEDED: Wording(
        subject="Your decision is needed",
        what="Somebody is waiting for your decision.",
        why="You are one of the people who may decide this. Nothing goes on until somebody does.",
        due=Due.DECIDE_BY,
        link="Read it and decide",
    ),
    Template.AGENDA_ISSUED: Wording(
        subject="A meeting agenda has been issued",
        what="The agenda of a meeting is ready, and research requests have gone out with it.",
        why="Your agency is invited to the meeting. Read the agenda and answer the research requests that are yours.",
        due=Due.MEETING,
        link="Open the agenda",
    ),
    Template.MEETING_MOVED: Wording(
        subject="A meeting has moved",
        what="The date of a meeting has changed. Other dates that hang on it may have moved too.",
        why="Your agency is invited to the meeting. Check the dates of your tasks.",
        due=Due.NEW_DATE,
        link="See the new dates",
    ),
    Template.MEETING_CANCELLED: Wording(
        subject="A meeting has been cancelled",
        what="A meeting will not take place. Its cases wait for another one, and requests sent for it are no longer needed.",
        why="Your agency was invited to the meeting. Destroy every paper of it that you hold.",
        due=Due.MEETING_WAS,
        link="See the meeting",
    ),
    Template.MEETING_CANCELLED_HELD: Wording(
        subject="A meeting has been cancelled: destroy nothing",
        what="A meeting will not take place, and a case of it is under a legal hold. Requests sent for it are no longer needed.",
        why="Your agency was invited to the meeting. Give every paper of it that you hold to the co-ordinator, who keeps it as evidence.",
        due=Due.MEETING_WAS,
        link="See the meeting",
    ),
    Template.ANOTHER_REPRESENTATIVE: Wording(
        subject="Somebody else must speak for your agency",
        what="A colleague of yours may not deal with one case of a meeting.",
        why="Your agency takes part in the meeting. Make sure that somebody else answers and speaks for it in this case.",
        due=Due.MEETING,
        link="See the meeting",
    ),
    Template.SHARING_CHANGED: Wording(
        subject="What may be shared has changed",
        what="What may be used and shared of a case has changed.",
        why="Your agency holds information of this case.",
        due=Due.DO_BY,
        link="Open the case",
    ),
    Template.CASE_CHANGED: Wording(
        subject="Read this before you act on a case",
        what="Something has happened in a case that changes what you may do next.",
        why="Your agency has the case, or you have a task in it. Look at the case before you contact anybody.",
        due=Due.DO_BY,
        link="Open the case",
    ),
    Template.CASE_ADDED_TO: Wording(
        subject="Something has been added to an earlier case",
        what="A risk checklist has been completed about people of an earlier case. It is not referred; it adds to that case.",
        why="You answer for the cases of the MARAC. Read it, and decide whether the earlier case needs anything.",
        due=Due.DO_BY,
        link="Read it",
    ),
    Template.ACTION_LIST: Wording(
        subject="Your agency has actions from a meeting",
        what="A meeting has agreed actions that your agency owns.",
        why="Your agency answers for these actions. Each shows its own date.",
        due=Due.DO_BY,
        link="See the actions",
    ),
    Template.MINUTES_CIRCULATED: Wording(
        subject="Meeting minutes are ready",
        what="The Chair has approved the minutes of a meeting.",
        why="Your agency keeps information from this meeting. You see only the part that is for your agency.",
        due=Due.DO_BY,
        link="Read the minutes",
    ),
    Template.DOCUMENT_READY: Wording(
        subject="A document is ready",
        what="A document that was asked for has been made.",
        why="You asked for it, or you are one of the people who may read it.",
        due=Due.DO_BY,
        link="Open the document",
    ),
    Template.SIGN_LINK: Wording(
        subject="Sign the confidentiality statement",
        what="You need to read and sign the confidentiality statement before a meeting begins.",
        why="The link works once, is for you only and shows nothing about any case. Do not forward it.",
        due=Due.SIGN_BY,
        link="Read and sign the statement",
        sign_in=False,
    ),
    Template.MENDING_PROPOSED: Wording(
        subject="A mending waits for your approval",
        what="An operator proposes how to mend a procedure that has stopped.",
        why="You are one of the process owners who may approve or refuse it. Nothing is changed until one of you does.",
        due=Due.DECIDE_BY,
        link="Read it and decide",
    ),
    Template.MENDING_DECIDED: Wording(
        subject="What you proposed has been decided",
        what="A process owner has decided on what you proposed.",
        why="You proposed it.",
        due=Due.DO_BY,
        link="See what was decided",
    ),
    Template.MENDING_STOPPED: Wording(
        subject="A mending waits to be taken over",
        what="Whoever answered for it may not do it any more, so it has stopped half way.",
        why="You are one of the people who may take it over. What is left is then done in your name.",
        due=Due.DO_BY,
        link="Look at it and take it over",
    ),
    Template.MOVE_STOPPED: Wording(
        subject="A move of running cases waits to be taken over",
        what="Whoever asked for running cases to move to another release may not do so any more, so the move has stopped half way.",
        why="You are one of the process owners who may take it over, on the command line or through the API, by the number that is "
        "the reference. What is left is then done in your name.",
        due=Due.DO_BY,
        link="Open Convenor",
    ),
    Template.MOVE_BACK_STOPPED: Wording(
        subject="Running cases have not moved back",
        what="Whoever asked for running cases to move back may not do so any more, so those that are left stay where they are.",
        why="You are one of the process owners who may ask for it again, on the command line or through the API, by the number that is "
        "the reference.",
        due=Due.DO_BY,
        link="Open Convenor",
    ),
    Template.BATCH_STOPPED: Wording(
        subject="An act on many waits to be taken over",
        what="Whoever asked for something to be done to many at once may not do it any more, so it has stopped half way.",
        why="You are one of the people who may take it over, through the API, by the number that is the reference. What is left is then "
        "done in your name.",
        due=Due.DO_BY,
        link="Open Convenor",
    ),
}
