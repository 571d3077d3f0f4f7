"""Everything else under `/v2`: a problem in the API's own form, not a page, and only for those with a token.

What the contract has and Convenor does not do answers 501 and says why; what nobody knows answers 404.
"""

from __future__ import annotations

from functools import cache

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import Map, PathConverter, Rule

from app.api import problems
from app.api.blueprints import PREFIX, authenticate
from app.api.contract import OPERATIONS, ContractOperation

_PEOPLE = (
    "People, roles and agencies come from the identity provider and from Convenor's own register, under four eyes."
)
_ONE_TENANT = "There is one tenant."
_CLUSTER = "Convenor is no cluster: web and worker processes share one database, which its own tools look after."
_BACKUP = "`convenor backup` and `convenor restore` do this."
_AGENTS = "There are no agents and no ad-hoc sub-processes: diagrams that have them are refused."
_LISTENERS = "Diagrams with listeners are refused: what is to happen is drawn as a task."
_VARIABLES = "Values for a whole area are its parameters: each is changed on its page, with who, from when, and why."
_HISTORY = "How a decision was taken is kept with its case, and destroyed with it; an evaluation by itself leaves nothing behind."
_DOCUMENTS = "Files are kept encrypted with the case they belong to: see `/v2/convenor/work-items/{key}/files`."
_DESTROYED = "Cases are destroyed under the retention schedule, with four eyes and a ledger; nothing else is deleted."
_SUSPENDED = "An instance is not suspended: deadlines of the law run on. A batch operation can be."
_BUSINESS_ID = "The business id of an instance about a case is the case's reference, given once; others have none."

# By the first part of the address.
BY_GROUP = {
    "agent-definitions": _AGENTS,
    "agent-instances": _AGENTS,
    "audit-logs": "The record of what was seen and done is read by auditors on its page, and proved by `convenor audit verify`.",
    "authorizations": _PEOPLE,
    "backups": _BACKUP,
    "clock": "The demo's clock is moved by `convenor demo advance`; nobody moves a clock elsewhere.",
    "cluster": _CLUSTER,
    "cluster-variables": _VARIABLES,
    "conditionals": "Conditional events are refused: a gateway, a message or a timer says it.",
    "correlated-message-subscriptions": "A message that has been taken is in the timeline of its case; the engine forgets it.",
    "documents": _DOCUMENTS,
    "exporting": _CLUSTER,
    "global-task-listeners": _LISTENERS,
    "groups": _PEOPLE,
    "license": "There is no licence to check.",
    "mapping-rules": _PEOPLE,
    "mode": _CLUSTER,
    "restore": _BACKUP,
    "roles": _PEOPLE,
    "secrets": "Diagrams have no secrets; workers outside keep their own.",
    "setup": "`convenor` sets an installation up, once, on its own machine.",
    "system": "Usage is in `/metrics`, settings are in the environment.",
    "tenants": _ONE_TENANT,
    "users": _PEOPLE,
}
# By the name of the operation, where the rest of its group is served.
BY_NAME = {
    "activate_ad_hoc_sub_process_activities": _AGENTS,
    "assign_process_instance_business_id": _BUSINESS_ID,
    "delete_decision_instance": _HISTORY,
    "delete_decision_instances_batch_operation": _HISTORY,
    "delete_process_instance": _DESTROYED,
    "delete_process_instances_batch_operation": _DESTROYED,
    "delete_resource": "A published release is never deleted: running cases keep it. Publish a newer one.",
    "resume_process_instance": _SUSPENDED,
    "resume_process_instances_batch_operation": _SUSPENDED,
    "search_own_authorizations": _PEOPLE,
    "suspend_process_instance": _SUSPENDED,
    "suspend_process_instances_batch_operation": _SUSPENDED,
}


class Anything(PathConverter):
    """Whatever is written in an address, line breaks too."""

    regex = r"(?s:[^/].*?)"


blueprint = Blueprint("api_missing", __name__, url_prefix=PREFIX)
blueprint.before_request(authenticate)
problems.register(blueprint)


def reason(operation: ContractOperation) -> str | None:
    """Why an operation of the contract is not served; None for one that is."""
    return BY_NAME.get(operation.name) or BY_GROUP.get(operation.group)


def _rule(path: str) -> str:
    parts = path.split("/")
    return "/".join(f"<k{place}>" if part == "{}" else part for place, part in enumerate(parts))


@cache
def _refused() -> Map:
    """Where the refused operations are, each with its reason. Few ask; as rules of the application they would take a megabyte."""
    reasons = ((operation, reason(operation)) for operation in OPERATIONS)
    return Map([Rule(_rule(one.path), endpoint=why, methods=[one.method]) for one, why in reasons if why is not None])


@blueprint.route("/", defaults={"rest": ""}, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
@blueprint.route("/<anything:rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def missing(rest: str) -> Response:
    """What the contract has and Convenor refuses; else there is nothing here, or not with this method."""
    try:
        why, _ = _refused().bind("").match(f"/{rest}", method=request.method)
    except HTTPException:
        raise NotFound from None
    return problems.problem(501, "Not offered", why)
