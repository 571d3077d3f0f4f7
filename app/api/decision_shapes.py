"""Requests and responses about decisions."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.api.schemas import PageTold, Tenant, key, nullable_text


class DecisionDefinition(Schema):
    decisionDefinitionId = fields.String(required=True)
    decisionDefinitionKey = key("The decision's key")
    decisionRequirementsId = fields.String(required=True)
    decisionRequirementsKey = key("The file's key")
    decisionRequirementsName = fields.String(required=True)
    decisionRequirementsVersion = fields.Integer(required=True)
    name = fields.String(required=True)
    tenantId = fields.String(required=True)
    version = fields.Integer(required=True)


class DecisionDefinitions(Schema):
    items = fields.List(fields.Nested(DecisionDefinition), required=True)
    page = fields.Nested(PageTold, required=True)


class Requirements(Schema):
    decisionRequirementsId = fields.String(required=True)
    decisionRequirementsKey = key("The file's key")
    decisionRequirementsName = fields.String(required=True)
    resourceName = fields.String(required=True)
    tenantId = fields.String(required=True)
    version = fields.Integer(required=True)


class RequirementsFound(Schema):
    items = fields.List(fields.Nested(Requirements), required=True)
    page = fields.Nested(PageTold, required=True)


class Evaluation(Schema):
    """A decision by its id, the newest, or by its key; and what it is to be told."""

    decisionDefinitionId = fields.String(validate=validate.Length(1, 200))
    decisionDefinitionKey = fields.String(validate=validate.Regexp(r"^[0-9]{1,25}$"))
    variables = fields.Dict(keys=fields.String(), load_default=dict)
    tenantId = fields.String(validate=Tenant)


class RuleOutput(Schema):
    outputId = fields.String(required=True)
    outputName = fields.String(required=True)
    outputValue = fields.String(required=True)
    ruleId = nullable_text()
    ruleIndex = fields.Integer(required=True, allow_none=True)


class MatchedRule(Schema):
    ruleId = fields.String(required=True)
    ruleIndex = fields.Integer(required=True)
    evaluatedOutputs = fields.List(fields.Nested(RuleOutput), required=True)


class EvaluatedInput(Schema):
    inputId = fields.String(required=True)
    inputName = fields.String(required=True)
    inputValue = fields.String(required=True)


class EvaluatedDecision(Schema):
    decisionDefinitionId = fields.String(required=True)
    decisionDefinitionName = fields.String(required=True)
    decisionDefinitionVersion = fields.Integer(required=True)
    decisionDefinitionType = fields.String(required=True)
    output = fields.String(required=True)
    tenantId = fields.String(required=True)
    matchedRules = fields.List(fields.Nested(MatchedRule), required=True)
    evaluatedInputs = fields.List(fields.Nested(EvaluatedInput), required=True)
    decisionDefinitionKey = key("The decision's key")
    decisionEvaluationInstanceKey = fields.String(required=True)


class Evaluated(Schema):
    decisionDefinitionId = fields.String(required=True)
    decisionDefinitionKey = key("The decision's key")
    decisionDefinitionName = fields.String(required=True)
    decisionDefinitionVersion = fields.Integer(required=True)
    decisionEvaluationKey = key("A key for this evaluation")
    decisionInstanceKey = key("The same")
    decisionRequirementsId = fields.String(required=True)
    decisionRequirementsKey = key("The file's key")
    evaluatedDecisions = fields.List(fields.Nested(EvaluatedDecision), required=True)
    failedDecisionDefinitionId = nullable_text()
    failureMessage = nullable_text()
    output = fields.String(required=True)
    tenantId = fields.String(required=True)
