"""Requests and responses about jobs."""

from __future__ import annotations

from datetime import timedelta

from marshmallow import Schema, fields, validate

from app.api.moments import moment
from app.api.schemas import Flag, PageTold, Tenant, key, nullable_text, operation_reference

MAX_JOBS = 1000
LONGEST_LEASE = timedelta(days=7)
_MILLISECONDS = int(LONGEST_LEASE.total_seconds() * 1000)


class Activation(Schema):
    """Which work a worker takes, how much of it, and for how long (milliseconds)."""

    type = fields.String(required=True, validate=validate.Length(1, 200))
    timeout = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=_MILLISECONDS))
    maxJobsToActivate = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=MAX_JOBS))
    worker = fields.String(load_default="", validate=validate.Length(max=120))
    fetchVariable = fields.List(fields.String(), load_default=list, validate=validate.Length(max=1000))
    requestTimeout = fields.Integer(load_default=0, strict=True)
    tenantIds = fields.List(fields.String(validate=Tenant), load_default=list)
    tenantFilter = fields.String(validate=validate.OneOf(["ASSIGNED", "PROVIDED"]))
    withLease = Flag(load_default=False, allow_none=True)


class ActivatedJob(Schema):
    type = fields.String(required=True)
    processDefinitionId = fields.String(required=True)
    processDefinitionVersion = fields.Integer(required=True)
    elementId = fields.String(required=True)
    customHeaders = fields.Dict(required=True)
    worker = fields.String(required=True)
    retries = fields.Integer(required=True)
    deadline = fields.Integer(required=True, metadata={"description": "Milliseconds since 1970, wall time"})
    variables = fields.Dict(required=True)
    tenantId = fields.String(required=True)
    physicalTenantId = fields.String(required=True)
    jobKey = key("The job's key")
    processInstanceKey = key("The instance's key")
    processDefinitionKey = key("The version's key")
    elementInstanceKey = key("The element's key in its instance")
    kind = fields.String(required=True)
    listenerEventType = fields.String(required=True)
    userTask = fields.Dict(required=True, allow_none=True)
    tags = fields.List(fields.String(), required=True)
    rootProcessInstanceKey = key("The instance's key", nullable=True)
    businessId = nullable_text()
    priority = fields.Integer(required=True)
    jobLeaseToken = nullable_text()


class Activated(Schema):
    jobs = fields.List(fields.Nested(ActivatedJob), required=True)


class _Told(Schema):
    jobLeaseToken = fields.String(allow_none=True, load_default=None, validate=validate.Length(max=40))


class JobCompletion(_Told):
    """What the work brought."""

    variables = fields.Dict(keys=fields.String(), allow_none=True, load_default=None)
    result = fields.Dict(allow_none=True, load_default=None)
    businessId = fields.String(allow_none=True, load_default=None)


class JobFailure(_Told):
    """Why it could not be done, how often it may still be tried, and after how long (milliseconds)."""

    retries = fields.Integer(strict=True, load_default=0, validate=validate.Range(min=0, max=1000))
    errorMessage = fields.String(load_default="", validate=validate.Length(max=10_000))
    retryBackOff = fields.Integer(strict=True, load_default=0, validate=validate.Range(min=0, max=_MILLISECONDS))
    variables = fields.Dict(keys=fields.String(), load_default=dict)


class ErrorThrown(_Told):
    """An error that the diagram knows."""

    errorCode = fields.String(required=True, validate=validate.Length(1, 120))
    errorMessage = fields.String(allow_none=True, load_default=None, validate=validate.Length(max=10_000))
    variables = fields.Dict(keys=fields.String(), allow_none=True, load_default=None)


class JobChanges(Schema):
    retries = fields.Integer(strict=True, allow_none=True, load_default=None, validate=validate.Range(min=1, max=1000))
    timeout = fields.Integer(
        strict=True, allow_none=True, load_default=None, validate=validate.Range(min=1, max=_MILLISECONDS)
    )
    priority = fields.Integer(
        strict=True, allow_none=True, load_default=None, validate=validate.Range(min=-1000, max=1000)
    )


class JobChange(_Told):
    changeset = fields.Nested(JobChanges, required=True)
    operationReference = operation_reference()


class JobSchema(Schema):
    jobKey = key("The job's key")
    type = fields.String(required=True)
    worker = fields.String(required=True)
    state = fields.String(required=True)
    kind = fields.String(required=True)
    listenerEventType = fields.String(required=True)
    retries = fields.Integer(required=True)
    priority = fields.Integer(required=True)
    isDenied = fields.Boolean(required=True, allow_none=True)
    deniedReason = nullable_text()
    hasFailedWithRetriesLeft = fields.Boolean(required=True)
    errorCode = nullable_text()
    errorMessage = nullable_text()
    customHeaders = fields.Dict(required=True)
    deadline = moment(nullable=True)
    creationTime = moment(nullable=True)
    lastUpdateTime = moment(nullable=True)
    endTime = moment(nullable=True)
    elementId = nullable_text()
    elementInstanceKey = key("The element's key in its instance")
    processDefinitionId = nullable_text()
    processDefinitionKey = key("The version's key", nullable=True)
    processInstanceKey = key("The instance's key")
    rootProcessInstanceKey = key("The same", nullable=True)
    businessId = nullable_text()
    tenantId = fields.String(required=True)


class Jobs(Schema):
    items = fields.List(fields.Nested(JobSchema), required=True)
    page = fields.Nested(PageTold, required=True)
