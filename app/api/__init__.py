"""The API under `/v2`: the Camunda 8 Orchestration Cluster REST API for what Convenor does, and our own resources.

Views parse the request, ask a room below and draw the answer; no rules here. `docs/developers/api.md` says what is covered.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from threading import Lock
from typing import cast

from flask import Flask, Response
from flask_smorest import Api
from flask_wtf.csrf import CSRFProtect

from app.api import (
    batches,
    convenor,
    decision_instances,
    decisions,
    deployments,
    element_instances,
    expressions,
    incidents,
    insides,
    job_batches,
    job_statistics,
    jobs,
    mending,
    messages,
    missing,
    modification,
    moving,
    process_definitions,
    process_instances,
    resources,
    statistics,
    status,
    task_changes,
    user_tasks,
    variables,
    work_items,
)
from app.api.schemas import Problem
from app.settings import Settings

BLUEPRINTS = (
    status.blueprint,
    status.public,
    deployments.blueprint,
    process_definitions.blueprint,
    process_instances.blueprint,
    user_tasks.blueprint,
    messages.blueprint,
    incidents.blueprint,
    mending.blueprint,
    jobs.blueprint,
    element_instances.blueprint,
    variables.blueprint,
    decisions.blueprint,
    decision_instances.blueprint,
    resources.blueprint,
    modification.blueprint,
    batches.blueprint,
    insides.blueprint,
    statistics.blueprint,
    job_statistics.blueprint,
    job_batches.blueprint,
    task_changes.blueprint,
    expressions.blueprint,
    moving.blueprint,
    convenor.blueprint,
    work_items.blueprint,
)


class _Api(Api):  # type: ignore[misc]
    """Errors are the blueprints' own matter, so that the pages keep theirs."""

    ERROR_SCHEMA = Problem

    def __init__(self, app: Flask) -> None:
        self._undescribed: list[Callable[[], None]] = []
        self._describing = Lock()
        super().__init__(app)

    def later(self, describe: Callable[[], None]) -> None:
        """What is to be done when somebody asks what the API looks like. Few do, and it takes three megabytes and a tenth of a start."""
        self._undescribed.append(describe)

    def _openapi_json(self) -> Response:
        with self._describing:
            while self._undescribed:
                self._undescribed.pop(0)()
        return cast(Response, super()._openapi_json())

    def _register_error_handlers(self) -> None:
        """Nothing for the whole application."""

    def _register_responses(self) -> None:
        """Say once, for every address, what an error looks like."""
        content = {"application/problem+json": {"schema": Problem}}
        for each in HTTPStatus:
            body = {"content": content} if each >= HTTPStatus.BAD_REQUEST else {}
            self.spec.components.response(each.name, {"description": each.phrase, **body}, lazy=True)
        described = {"description": "An error (RFC 9457)", "content": content}
        self.spec.components.response(self.DEFAULT_ERROR_RESPONSE_NAME, described, lazy=True)


def init_app(app: Flask, settings: Settings, csrf: CSRFProtect) -> None:
    """Put the API into an application. It takes bearer tokens only, so that forged browser requests come to nothing."""
    app.config.update(
        API_TITLE="Convenor",
        API_VERSION="v2",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/v2",
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS={
            "info": {"description": "The part of the Camunda 8 Orchestration Cluster REST API that Convenor serves."},
            "servers": [{"url": settings.base_url}],
            "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}},
            "security": [{"bearer": []}],
        },
    )
    batches.register_jobs()
    job_batches.register_jobs()
    moving.register_jobs()
    api = _Api(app)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint)
        csrf.exempt(blueprint)
    app.url_map.converters["anything"] = missing.Anything
    app.register_blueprint(missing.blueprint)
    csrf.exempt(missing.blueprint)
