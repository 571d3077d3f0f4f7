"""Topology and status: one broker, which is this server and its database."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app

from app.api.blueprints import Blueprint
from app.api.schemas import TopologySchema
from app.settings import Settings
from app.store.worker import alive

# The version of the contract that the responses follow: official client 10.x is for 8.10.
CONTRACT_VERSION = "8.10.0"

blueprint = Blueprint("topology", "The server as the contract sees it")
public = Blueprint("status", "Whether the server can serve", public=True)


@blueprint.route("/topology")
@blueprint.response(200, TopologySchema)
def topology() -> dict[str, Any]:
    """Get the topology."""
    settings: Settings = current_app.config["SETTINGS"]
    host = settings.base_url.partition("://")[2]
    partition = {
        "partitionId": 1,
        "role": "leader",
        "health": "healthy" if alive() else "unhealthy",
        "state": "active",
    }
    broker = {
        "nodeId": 0,
        "brokerId": "0",
        "host": host.partition(":")[0],
        "port": settings.port,
        "partitions": [partition],
        "version": CONTRACT_VERSION,
    }
    return {
        "brokers": [broker],
        "clusterId": "convenor",
        "clusterSize": 1,
        "partitionsCount": 1,
        "replicationFactor": 1,
        "gatewayVersion": CONTRACT_VERSION,
        "lastCompletedChangeId": "0",
    }


@public.route("/status")
@public.response(204)
@public.alt_response(503, description="No worker has been alive lately")
def status() -> Response:
    """Get the status."""
    return Response(status=204 if alive() else 503)
