"""Messages from outside: published to whoever waits, or correlated with somebody who waits now. Signals, to all that wait."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from app import audit
from app.access import decide
from app.access.facts import AreaFacts
from app.access.permissions import Permission
from app.agencies import service as agencies
from app.api.attributes import TENANT
from app.api.blueprints import Blueprint, area_of, caller
from app.api.schemas import Broadcast, Correlated, Correlation, Publication, Published, Signalled
from app.errors import Invalid
from app.runtime import service as runtime
from app.store.database import new_key

blueprint = Blueprint("messages", "Messages from outside")


def _area() -> int:
    """The area that the person may publish messages in."""
    person = caller()
    area_key = area_of(person)
    decide.require(person, Permission.MESSAGE_PUBLISH, AreaFacts(area_key, demo=agencies.area(area_key).demo))
    return area_key


def _refuse_business_id(asked: dict[str, Any]) -> None:
    if asked.get("businessId"):
        raise Invalid("businessId is not supported. Correlate by the correlation key.", resource_id="businessId")


@blueprint.route("/messages/publication", methods=["POST"])
@blueprint.arguments(Publication)
@blueprint.response(200, Published)
def publish(asked: dict[str, Any]) -> dict[str, Any]:
    """Publish a message: each process that waits gets it once; with a key it starts one instance at a time; kept for its time to live."""
    area_key = _area()
    _refuse_business_id(asked)
    runtime.publish_message(
        asked["name"],
        asked["correlationKey"],
        asked["variables"],
        area_key=area_key,
        ttl=timedelta(milliseconds=asked["timeToLive"]),
        message_id=asked["messageId"],
    )
    key = new_key()
    audit.record("message.publish", actor=caller(), subject=f"message:{key}", detail=asked["name"])
    return {"tenantId": TENANT, "messageKey": str(key)}


@blueprint.route("/messages/correlation", methods=["POST"])
@blueprint.arguments(Correlation)
@blueprint.response(200, Correlated)
def correlate(asked: dict[str, Any]) -> dict[str, Any]:
    """Correlate a message with somebody who waits for it now; 404 when nobody does."""
    area_key = _area()
    _refuse_business_id(asked)
    reached = runtime.correlate_message(asked["name"], asked["correlationKey"], asked["variables"], area_key=area_key)
    key = new_key()
    audit.record(
        "message.correlate",
        actor=caller(),
        subject=f"message:{key}",
        instance_key=reached[0].instance_key,
        detail=asked["name"],
    )
    return {"tenantId": TENANT, "messageKey": str(key), "processInstanceKey": str(reached[0].instance_key)}


@blueprint.route("/signals/broadcast", methods=["POST"])
@blueprint.arguments(Broadcast)
@blueprint.response(200, Signalled)
def broadcast(asked: dict[str, Any]) -> dict[str, Any]:
    """Broadcast a signal: everything in the area that waits for it gets it, and what it starts begins."""
    area_key = _area()
    runtime.broadcast_signal(asked["signalName"], asked["variables"], area_key=area_key)
    key = new_key()
    audit.record("signal.broadcast", actor=caller(), subject=f"signal:{key}", detail=asked["signalName"])
    return {"tenantId": TENANT, "signalKey": str(key)}
