"""How what we hold looks in the contract: keys as numeric strings, user names for people."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, select

from app.api.attributes import TENANT
from app.cases.models import Case
from app.identity.models import User
from app.runtime import releases
from app.runtime import service as runtime
from app.runtime.models import FileKind, Incident, Instance, ProcessDefinition
from app.store.database import db
from app.store.keys import part_key
from app.work.models import ItemState, WorkItem

ITEM_STATES = {ItemState.OPEN: "CREATED", ItemState.COMPLETED: "COMPLETED", ItemState.CANCELLED: "CANCELED"}
# Our kinds of incident in the words of the contract; what it has no word for is UNKNOWN.
ERROR_TYPES = {
    "EXPRESSION": "EXTRACT_VALUE_ERROR",
    "CONDITION": "CONDITION_ERROR",
    "TIMER": "EXTRACT_VALUE_ERROR",
    "VARIABLE": "IO_MAPPING_ERROR",
    "OPERATION": "JOB_NO_RETRIES",
    "DECISION": "DECISION_EVALUATION_ERROR",
    "ERROR": "UNHANDLED_ERROR_EVENT",
    "CALL": "CALLED_ELEMENT_ERROR",
    "LOOP": "EXTRACT_VALUE_ERROR",
    "ASSIGNMENT": "EXTRACT_VALUE_ERROR",
    "CORRELATION": "EXTRACT_VALUE_ERROR",
    "FORM": "FORM_NOT_FOUND",
    "ROLE": "RESOURCE_NOT_FOUND",
    "NOTICE": "JOB_NO_RETRIES",
    "DOCUMENT": "JOB_NO_RETRIES",
    "JOB": "JOB_NO_RETRIES",
}
NO_KEY = "-1"  # what the engine of the contract writes where there is nothing that a key could name
NO_PROCESS = "convenor"  # whose incident it is when it is no procedure's: a notice that was not sent, a job that failed
# Every word of the contract.
ERROR_WORDS = (
    *dict.fromkeys(ERROR_TYPES.values()),
    "AD_HOC_SUB_PROCESS_NO_RETRIES",
    "CALLED_DECISION_ERROR",
    "EXECUTION_LISTENER_NO_RETRIES",
    "FORM_NOT_FOUND",
    "MESSAGE_SIZE_EXCEEDED",
    "RESOURCE_NOT_FOUND",
    "SECRET_RESOLUTION_ERROR",
    "TASK_LISTENER_NO_RETRIES",
    "UNKNOWN",
    "UNSPECIFIED",
)


def element_key(instance_key: int, task_id: int) -> str:
    """The key of an element in an instance: tasks are numbered within their instance."""
    return part_key(instance_key, task_id)


@lru_cache(maxsize=512)
def form_keys(release_key: int) -> dict[str, str]:
    """The keys of a release's forms by form id. A release never changes."""
    return {str(row.ids[0]): str(row.key) for row in releases.files_of(release_key) if row.kind == FileKind.FORM}


_USERNAMES = select(User.key, User.username).where(User.key.in_(bindparam("keys", expanding=True)))


def usernames(keys: Iterable[int | None]) -> dict[int, str]:
    """User names by key, in one statement."""
    wanted = {key for key in keys if key is not None}
    if not wanted:
        return {}
    return {key: name for key, name in db.session.execute(_USERNAMES, {"keys": list(wanted)})}


def references(case_keys: Iterable[int | None]) -> dict[int, str]:
    """The references of cases by key, in one statement: their business ids. The caller has checked that the person may know of them."""
    wanted = {key for key in case_keys if key is not None}
    if not wanted:
        return {}
    return {
        key: reference
        for key, reference in db.session.execute(select(Case.key, Case.reference).where(Case.key.in_(wanted)))
    }


def definition(row: ProcessDefinition) -> dict[str, Any]:
    return {
        "name": row.name,
        "resourceName": row.resource,
        "version": row.version,
        "versionTag": None,
        "processDefinitionId": row.process_id,
        "tenantId": TENANT,
        "processDefinitionKey": str(row.key),
        "hasStartForm": False,
        "state": "ACTIVE",
    }


def instance(row: Instance, of: ProcessDefinition, known: dict[int, str]) -> dict[str, Any]:
    """:param known: references of cases."""
    return {
        "processDefinitionId": row.process_id,
        "processDefinitionName": of.name,
        "processDefinitionVersion": of.version,
        "processDefinitionVersionTag": None,
        "startDate": row.started_at,
        "endDate": row.ended_at,
        "state": row.status,
        "suspendedDate": None,
        "hasIncident": row.has_incident,
        "tenantId": TENANT,
        "processInstanceKey": str(row.key),
        "processDefinitionKey": str(row.definition_key),
        "parentProcessInstanceKey": None,
        "parentElementInstanceKey": None,
        "rootProcessInstanceKey": str(row.key),
        "tags": [],
        "businessId": known.get(row.case_key or 0),
    }


def user_task(item: WorkItem, of: ProcessDefinition, people: dict[int, str], known: dict[int, str]) -> dict[str, Any]:
    """:param people: user names of the assignee and the candidates. :param known: references of cases."""
    return {
        "name": item.name,
        "state": ITEM_STATES[ItemState(item.state)],
        "assignee": people.get(item.assignee or 0),
        "elementId": item.element_id,
        "candidateGroups": [str(role) for role in item.roles],
        "candidateUsers": [people[key] for key in item.candidate_users if key in people],
        "processDefinitionId": item.process_id,
        "creationDate": item.created_at,
        "completionDate": item.completed_at,
        "followUpDate": item.follow_up_at,
        "dueDate": item.due_at,
        "tenantId": TENANT,
        "externalFormReference": None,
        "processDefinitionVersion": of.version,
        "customHeaders": {},
        "userTaskKey": str(item.key),
        "elementInstanceKey": element_key(item.instance_key, item.task_id),
        "processName": of.name,
        "processDefinitionKey": str(of.key),
        "processInstanceKey": str(item.instance_key),
        "rootProcessInstanceKey": str(item.instance_key),
        "businessId": known.get(item.case_key or 0),
        "formKey": form_keys(item.release_key).get(item.form_id) if item.form_id else None,
        "tags": [],
        "priority": item.priority,
    }


def incident(row: Incident, definition_key: int | None) -> dict[str, Any]:
    """An incident. What failed outside an instance has no instance; the contract knows of none, and wants a key all the same."""
    instance_key = NO_KEY if row.instance_key is None else str(row.instance_key)
    return {
        "processDefinitionId": row.process_id or NO_PROCESS,
        "errorType": ERROR_TYPES.get(row.kind, "UNKNOWN"),
        "errorMessage": runtime.cause_of(row),
        "elementId": row.element_id,
        "creationTime": row.created_at,
        "state": row.state,
        "tenantId": TENANT,
        "incidentKey": str(row.key),
        "processDefinitionKey": NO_KEY if definition_key is None else str(definition_key),
        "processInstanceKey": instance_key,
        "rootProcessInstanceKey": instance_key,
        "elementInstanceKey": NO_KEY if row.instance_key is None else element_key(row.instance_key, row.task_id),
        "jobKey": row.details.get("job"),
    }


def hash_of(message: str) -> int:
    """A number that stands for a cause of incidents: 31 bits, the same everywhere."""
    return zlib.crc32(message.encode()) & 0x7FFFFFFF
