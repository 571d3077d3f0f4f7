"""Responses of the statistics."""

from __future__ import annotations

from marshmallow import Schema, fields

from app.api.moments import moment
from app.api.schemas import PageTold, key, nullable_text


def found_of(item: type[Schema]) -> type[Schema]:
    """A page of such items."""
    return Schema.from_dict(
        {"items": fields.List(fields.Nested(item), required=True), "page": fields.Nested(PageTold, required=True)},
        name=f"{item.__name__}Found",
    )


class DefinitionCount(Schema):
    processDefinitionId = fields.String(required=True)
    tenantId = fields.String(required=True)
    latestProcessDefinitionName = nullable_text()
    hasMultipleVersions = fields.Boolean(required=True)
    activeInstancesWithoutIncidentCount = fields.Integer(required=True)
    activeInstancesWithIncidentCount = fields.Integer(required=True)


class VersionCount(Schema):
    processDefinitionId = fields.String(required=True)
    processDefinitionKey = key("The version's key")
    processDefinitionName = nullable_text()
    tenantId = fields.String(required=True)
    processDefinitionVersion = fields.Integer(required=True)
    activeInstancesWithIncidentCount = fields.Integer(required=True)
    activeInstancesWithoutIncidentCount = fields.Integer(required=True)


class SubscriptionCount(Schema):
    processDefinitionId = fields.String(required=True)
    tenantId = fields.String(required=True)
    processDefinitionKey = key("The version's key")
    processInstancesWithActiveSubscriptions = fields.Integer(required=True)
    activeSubscriptions = fields.Integer(required=True)


class StoppedDefinition(Schema):
    processDefinitionId = fields.String(required=True)
    processDefinitionKey = key("The version's key")
    processDefinitionName = fields.String(required=True)
    processDefinitionVersion = fields.Integer(required=True)
    tenantId = fields.String(required=True)
    activeInstancesWithErrorCount = fields.Integer(required=True)


class Cause(Schema):
    errorHashCode = fields.Integer(required=True)
    errorMessage = fields.String(required=True)
    activeInstancesWithErrorCount = fields.Integer(required=True)


class VariableName(Schema):
    name = fields.String(required=True)


class MessageSubscription(Schema):
    businessId = nullable_text()
    messageSubscriptionKey = key("The waiting element's key")
    processDefinitionId = fields.String(required=True)
    processDefinitionKey = key("The version's key", nullable=True)
    processInstanceKey = key("The instance's key", nullable=True)
    rootProcessInstanceKey = key("The same", nullable=True)
    elementId = fields.String(required=True)
    elementInstanceKey = key("The element's key in its instance", nullable=True)
    messageSubscriptionState = fields.String(required=True)
    lastUpdatedDate = moment()
    messageName = fields.String(required=True)
    correlationKey = nullable_text()
    messageSubscriptionType = fields.String(required=True)
    toolProperties = fields.Dict(required=True)
    processDefinitionName = nullable_text()
    processDefinitionVersion = fields.Integer(required=True, allow_none=True)
    toolName = nullable_text()
    inboundConnectorType = nullable_text()
    tenantId = fields.String(required=True)
