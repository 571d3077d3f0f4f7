"""Requests and responses of the contract, by the names that the official client's models use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from app.api.attributes import TENANT
from app.api.moments import moment
from app.audit.reasons import LONGEST_REASON

MAX_LIMIT = 10_000

Tenant = validate.OneOf([TENANT], error=f"There is one tenant, {TENANT}")


def key(description: str, *, nullable: bool = False) -> fields.String:
    """A key: a numeric string."""
    return fields.String(
        required=True, allow_none=nullable, metadata={"description": description, "pattern": "^[0-9]+$"}
    )


_KEY = validate.Regexp(r"^[0-9]{1,19}$")


def before_key() -> fields.String:
    """Which page of a list that goes from the newest to the oldest: what began before this one."""
    return fields.String(load_default=None, validate=_KEY)


def after_key() -> fields.String:
    """Which page of a list that goes from the oldest to the newest: what began after this one."""
    return fields.String(load_default="0", validate=_KEY)


def operation_reference() -> fields.Integer:
    """A client's own number for an operation."""
    return fields.Integer(strict=True, validate=validate.Range(min=1, max=2**63 - 1))


class Flag(fields.Boolean):
    """A boolean of JSON, and no word or number that looks like one."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


def nullable_text() -> fields.String:
    return fields.String(required=True, allow_none=True)


class Problem(Schema):
    """An error (RFC 9457)."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    instance = fields.String(required=True, metadata={"description": "The request's id, as in the log"})


# ------------------------------------------------------------------------------------------------ searches
class SortRule(Schema):
    """One attribute to order by."""

    field = fields.String(required=True)
    order = fields.String(load_default="ASC", validate=validate.OneOf(["ASC", "DESC"]))


class PageAsked(Schema):
    """Which results: so many from a place, or after or before a cursor of an earlier answer."""

    from_ = fields.Integer(data_key="from", strict=True, validate=validate.Range(min=0, max=10_000_000))
    limit = fields.Integer(strict=True, validate=validate.Range(min=0, max=MAX_LIMIT))
    after = fields.String(validate=validate.Length(max=4000))
    before = fields.String(validate=validate.Length(max=4000))


class SearchQuery(Schema):
    """A search: what to find, in which order, which page of it."""

    filter = fields.Dict(keys=fields.String(), load_default=dict)
    sort = fields.List(fields.Nested(SortRule), load_default=list, validate=validate.Length(max=5))
    page = fields.Nested(PageAsked, load_default=dict)


class FilterOnly(Schema):
    """A count: of what."""

    filter = fields.Dict(keys=fields.String(), load_default=dict)


class PageTold(Schema):
    totalItems = fields.Integer(required=True)
    hasMoreTotalItems = fields.Boolean(required=True)
    startCursor = nullable_text()
    endCursor = nullable_text()


# ------------------------------------------------------------------------------------------------ the server
class PartitionSchema(Schema):
    partitionId = fields.Integer(required=True)
    role = fields.String(required=True)
    health = fields.String(required=True)
    state = fields.String(required=True)


class BrokerSchema(Schema):
    nodeId = fields.Integer(required=True)
    brokerId = fields.String(required=True)
    host = fields.String(required=True)
    port = fields.Integer(required=True)
    partitions = fields.List(fields.Nested(PartitionSchema), required=True)
    version = fields.String(required=True)


class TopologySchema(Schema):
    brokers = fields.List(fields.Nested(BrokerSchema), required=True)
    clusterId = nullable_text()
    clusterSize = fields.Integer(required=True)
    partitionsCount = fields.Integer(required=True)
    replicationFactor = fields.Integer(required=True)
    gatewayVersion = fields.String(required=True)
    lastCompletedChangeId = fields.String(required=True)


# ------------------------------------------------------------------------------------------------ deployments
class DeployedProcess(Schema):
    processDefinitionId = fields.String(required=True)
    processDefinitionVersion = fields.Integer(required=True)
    resourceName = fields.String(required=True)
    tenantId = fields.String(required=True)
    processDefinitionKey = key("The version's key")


class DeployedDecision(Schema):
    decisionDefinitionId = fields.String(required=True)
    version = fields.Integer(required=True)
    name = fields.String(required=True)
    tenantId = fields.String(required=True)
    decisionRequirementsId = fields.String(required=True)
    decisionDefinitionKey = key("The decision's key")
    decisionRequirementsKey = key("The key of its file")


class DeployedRequirements(Schema):
    decisionRequirementsId = fields.String(required=True)
    decisionRequirementsName = fields.String(required=True)
    version = fields.Integer(required=True)
    resourceName = fields.String(required=True)
    tenantId = fields.String(required=True)
    decisionRequirementsKey = key("The key of the file")


class DeployedForm(Schema):
    formId = fields.String(required=True)
    version = fields.Integer(required=True)
    resourceName = fields.String(required=True)
    tenantId = fields.String(required=True)
    formKey = key("The form's key")


class Deployed(Schema):
    """One thing that was deployed; the others of the five are null."""

    processDefinition = fields.Nested(DeployedProcess, allow_none=True, required=True)
    decisionDefinition = fields.Nested(DeployedDecision, allow_none=True, required=True)
    decisionRequirements = fields.Nested(DeployedRequirements, allow_none=True, required=True)
    form = fields.Nested(DeployedForm, allow_none=True, required=True)
    resource = fields.Dict(allow_none=True, required=True)


class Deployment(Schema):
    """A release: everything that was deployed together."""

    deploymentKey = key("The release's key")
    tenantId = fields.String(required=True)
    deployments = fields.List(fields.Nested(Deployed), required=True)


# ------------------------------------------------------------------------------------------------ processes
class ProcessDefinitionSchema(Schema):
    name = nullable_text()
    resourceName = fields.String(required=True)
    version = fields.Integer(required=True)
    versionTag = nullable_text()
    processDefinitionId = fields.String(required=True)
    tenantId = fields.String(required=True)
    processDefinitionKey = key("The version's key")
    hasStartForm = fields.Boolean(required=True)
    state = fields.String(required=True)


class ProcessDefinitions(Schema):
    items = fields.List(fields.Nested(ProcessDefinitionSchema), required=True)
    page = fields.Nested(PageTold, required=True)


class FormSchema(Schema):
    tenantId = fields.String(required=True)
    formId = fields.String(required=True)
    schema = fields.String(required=True, metadata={"description": "The form-js JSON, as published"})
    version = fields.Integer(required=True)
    formKey = key("The form's key")


class StartInstance(Schema):
    """Start a process: by its id (and version), or by the key of one version."""

    processDefinitionId = fields.String(validate=validate.Length(1, 120))
    processDefinitionVersion = fields.Integer(strict=True, validate=validate.Range(min=-1, max=2**31 - 1))
    processDefinitionKey = fields.String(validate=validate.Regexp(r"^[0-9]{1,25}$"))
    variables = fields.Dict(keys=fields.String(), load_default=dict)
    tenantId = fields.String(validate=Tenant)
    operationReference = operation_reference()
    startInstructions = fields.List(fields.Dict(), load_default=list)
    runtimeInstructions = fields.List(fields.Dict(), load_default=list)
    awaitCompletion = Flag(load_default=False)
    fetchVariables = fields.List(fields.String(), load_default=list)
    requestTimeout = fields.Integer(strict=True)
    tags = fields.List(fields.String(), load_default=list)
    businessId = fields.String()
    versionTag = fields.String()


class Started(Schema):
    processDefinitionId = fields.String(required=True)
    processDefinitionVersion = fields.Integer(required=True)
    tenantId = fields.String(required=True)
    variables = fields.Dict(required=True)
    processDefinitionKey = key("The version's key")
    processInstanceKey = key("The instance's key")
    tags = fields.List(fields.String(), required=True)
    businessId = nullable_text()


class ProcessInstanceSchema(Schema):
    processDefinitionId = fields.String(required=True)
    processDefinitionName = nullable_text()
    processDefinitionVersion = fields.Integer(required=True)
    processDefinitionVersionTag = nullable_text()
    startDate = moment()
    endDate = moment(nullable=True)
    state = fields.String(required=True)
    suspendedDate = moment(nullable=True)
    hasIncident = fields.Boolean(required=True)
    tenantId = fields.String(required=True)
    processInstanceKey = key("The instance's key")
    processDefinitionKey = key("The version's key")
    parentProcessInstanceKey = key("Always null: called processes run inside their caller", nullable=True)
    parentElementInstanceKey = key("Always null", nullable=True)
    rootProcessInstanceKey = key("The instance itself", nullable=True)
    tags = fields.List(fields.String(), required=True)
    businessId = nullable_text()


class ProcessInstances(Schema):
    items = fields.List(fields.Nested(ProcessInstanceSchema), required=True)
    page = fields.Nested(PageTold, required=True)


class Operation(Schema):
    """What the client sends along with a cancellation or a resolution."""

    operationReference = operation_reference()


# ------------------------------------------------------------------------------------------------ user tasks
class UserTaskSchema(Schema):
    name = nullable_text()
    state = fields.String(required=True)
    assignee = nullable_text()
    elementId = fields.String(required=True)
    candidateGroups = fields.List(fields.String(), required=True)
    candidateUsers = fields.List(fields.String(), required=True)
    processDefinitionId = fields.String(required=True)
    creationDate = moment()
    completionDate = moment(nullable=True)
    followUpDate = moment(nullable=True)
    dueDate = moment(nullable=True)
    tenantId = fields.String(required=True)
    externalFormReference = nullable_text()
    processDefinitionVersion = fields.Integer(required=True)
    customHeaders = fields.Dict(required=True)
    userTaskKey = key("The task's key")
    elementInstanceKey = key("The element's key in its instance")
    processName = nullable_text()
    processDefinitionKey = key("The version's key")
    processInstanceKey = key("The instance's key")
    rootProcessInstanceKey = key("The same", nullable=True)
    businessId = nullable_text()
    formKey = key("The form's key", nullable=True)
    tags = fields.List(fields.String(), required=True)
    priority = fields.Integer(required=True)


class UserTasks(Schema):
    items = fields.List(fields.Nested(UserTaskSchema), required=True)
    page = fields.Nested(PageTold, required=True)


class VariableSchema(Schema):
    value = fields.String(required=True, metadata={"description": "The value as JSON"})
    isTruncated = fields.Boolean(required=True)
    name = fields.String(required=True)
    tenantId = fields.String(required=True)
    variableKey = key("The variable's key")
    scopeKey = key("The instance or the element in it that has it")
    processInstanceKey = key("The instance's key")
    rootProcessInstanceKey = key("The same", nullable=True)


class Variables(Schema):
    items = fields.List(fields.Nested(VariableSchema), required=True)
    page = fields.Nested(PageTold, required=True)


class Assignment(Schema):
    """Who is to do a task.

    :ivar action: the reason, when the task is handed over to somebody else.
    """

    assignee = fields.String(required=True, validate=validate.Length(1, 120))
    allowOverride = Flag(allow_none=True, load_default=None)
    action = fields.String(allow_none=True, load_default=None, validate=validate.Length(max=LONGEST_REASON))


class TaskCompletion(Schema):
    """The form's answers, keyed as in the form; for a task without a form, its variables."""

    variables = fields.Dict(keys=fields.String(), allow_none=True, load_default=None)
    action = fields.String(allow_none=True, load_default=None)


# ------------------------------------------------------------------------------------------------ messages
class Correlation(Schema):
    name = fields.String(required=True, validate=validate.Length(1, 200))
    correlationKey = fields.String(load_default="", validate=validate.Length(max=240))
    variables = fields.Dict(keys=fields.String(), load_default=dict)
    tenantId = fields.String(validate=Tenant)
    businessId = fields.String()


class Publication(Correlation):
    timeToLive = fields.Integer(strict=True, load_default=0, validate=validate.Range(min=0, max=31_536_000_000))
    messageId = fields.String(load_default=None, validate=validate.Length(1, 200))


class Published(Schema):
    tenantId = fields.String(required=True)
    messageKey = key("A key for this publication")


class Correlated(Published):
    processInstanceKey = key("The instance that the message reached")


class Broadcast(Schema):
    signalName = fields.String(required=True, validate=validate.Length(1, 200))
    variables = fields.Dict(keys=fields.String(), load_default=dict)
    tenantId = fields.String(validate=Tenant)


class Signalled(Schema):
    tenantId = fields.String(required=True)
    signalKey = key("A key for this signal")


# ------------------------------------------------------------------------------------------------ incidents
class IncidentSchema(Schema):
    processDefinitionId = fields.String(required=True)
    errorType = fields.String(required=True)
    errorMessage = fields.String(required=True)
    elementId = fields.String(required=True)
    creationTime = moment()
    state = fields.String(required=True)
    tenantId = fields.String(required=True)
    incidentKey = key("The incident's key")
    processDefinitionKey = key("The version's key")
    processInstanceKey = key("The instance's key")
    rootProcessInstanceKey = key("The same", nullable=True)
    elementInstanceKey = key("The element's key in its instance")
    jobKey = key("The job of a worker outside", nullable=True)


class Incidents(Schema):
    items = fields.List(fields.Nested(IncidentSchema), required=True)
    page = fields.Nested(PageTold, required=True)
