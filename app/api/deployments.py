"""Deployments: diagrams, decisions and forms sent together are one release."""

from __future__ import annotations

from typing import Any

from flask import request
from sqlalchemy import select

from app import audit, decisions
from app.access import decide
from app.access.facts import AreaFacts
from app.access.permissions import Permission
from app.agencies import service as agencies
from app.agencies.models import Area
from app.api.attributes import TENANT
from app.api.blueprints import Blueprint, area_of, caller
from app.api.parts import decision_keys
from app.api.schemas import Deployment
from app.errors import Invalid, NotAllowed
from app.identity.freshness import require_fresh_or_machine
from app.identity.person import Person
from app.operations.publishing import publish
from app.runtime import releases
from app.runtime.models import FileKind, ProcessDefinition, Release, ReleaseFile
from app.store.database import db

MAX_FILES = 200

blueprint = Blueprint("deployments", "Publishing diagrams, decisions and forms")


@blueprint.route("/deployments", methods=["POST"])
@blueprint.uploads("resources", several=True)
@blueprint.response(200, Deployment)
def deploy() -> dict[str, Any]:
    """Deploy resources.

    Everything in the request becomes one release: all of it or nothing. The same files again from the same person are
    the release they already are, until something of it has been replaced. Where publishing takes a second person the
    answer is 403: an operator publishes from the command line.
    """
    person = caller()
    area = agencies.area(area_of(person))
    _require_live(person, area)
    require_fresh_or_machine(person)
    if request.form.get("tenantId", TENANT) != TENANT:
        raise Invalid(f"There is one tenant, {TENANT}.")
    release = publish(area, _files(), by=person.key)
    audit.record("release.deploy", actor=person, subject=f"release:{release.key}", detail=release.digest)
    return {"deploymentKey": str(release.key), "tenantId": TENANT, "deployments": _deployed(release)}


def _require_live(person: Person, area: Area) -> None:
    """:raises NotAllowed: the person, or anybody, may not deploy live in the area."""
    facts = AreaFacts(area.key, demo=area.demo and not area.second_person)
    if decide.allowed(person, Permission.DRAFT_EDIT, facts) and not facts.demo:
        raise NotAllowed(
            "Publishing takes a second person in this area, so nothing is deployed live. When another process owner "
            "agrees, ask an operator to publish the files from the command line."
        )
    decide.require(person, Permission.RELEASE_DEPLOY_LIVE, facts)


def _files() -> dict[str, bytes]:
    """The files of the request by name, without folders.

    :raises Invalid: none, too many, two of one name.
    """
    found: dict[str, bytes] = {}
    sent = [file for name in request.files for file in request.files.getlist(name)]
    if not sent:
        raise Invalid("Send at least one file, as multipart form data in parts named resources.")
    if len(sent) > MAX_FILES:
        raise Invalid(f"Send at most {MAX_FILES} files together.")
    for file in sent:
        name = (file.filename or "").replace("\\", "/").rpartition("/")[2]
        if not name or len(name) > 200 or not name.isprintable():
            raise Invalid("Every file needs a name of at most 200 printable characters.")
        if name in found:
            raise Invalid("Two of the files have the same name.", resource_id=name)
        found[name] = file.read()
    return found


def _deployed(release: Release) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    files = releases.files_of(release.key)
    of_release = select(ProcessDefinition).where(ProcessDefinition.release_key == release.key)
    for row in db.session.execute(of_release.order_by(ProcessDefinition.process_id)).scalars():
        process = {
            "processDefinitionId": row.process_id,
            "processDefinitionVersion": row.version,
            "resourceName": row.resource,
            "tenantId": TENANT,
            "processDefinitionKey": str(row.key),
        }
        made.append(_one(processDefinition=process))
    for file in files:
        if file.kind == FileKind.DMN:
            made += _decisions(release, file)
        elif file.kind == FileKind.FORM:
            form = {
                "formId": str(file.ids[0]),
                "version": release.number,
                "resourceName": file.name,
                "tenantId": TENANT,
                "formKey": str(file.key),
            }
            made.append(_one(form=form))
    return made


def _decisions(release: Release, file: ReleaseFile) -> list[dict[str, Any]]:
    """A file of decisions: its own key for the file, and one for each decision, of its place in the file."""
    if not file.ids:
        return []
    model: decisions.Model = releases.parsed(release.key).model_of(str(file.ids[0]))
    root = model.document.root
    requirements_id = str(root.get("id") or file.name)
    made = [
        _one(
            decisionRequirements={
                "decisionRequirementsId": requirements_id,
                "decisionRequirementsName": str(root.get("name") or requirements_id),
                "version": release.number,
                "resourceName": file.name,
                "tenantId": TENANT,
                "decisionRequirementsKey": str(file.key),
            }
        )
    ]
    for decision_id, key in decision_keys(file.key, map(str, file.ids)).items():
        decision = {
            "decisionDefinitionId": decision_id,
            "version": release.number,
            "name": model.decision(decision_id).name,
            "tenantId": TENANT,
            "decisionRequirementsId": requirements_id,
            "decisionDefinitionKey": key,
            "decisionRequirementsKey": str(file.key),
        }
        made.append(_one(decisionDefinition=decision))
    return made


def _one(**kind: dict[str, Any]) -> dict[str, Any]:
    empty = dict.fromkeys(("processDefinition", "decisionDefinition", "decisionRequirements", "form", "resource"), None)
    return {**empty, **kind}
