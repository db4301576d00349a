"""A store in this process, described as PyMongo describes the servers it knows."""

from __future__ import annotations

from pymongo.hello import Hello
from pymongo.server_description import ServerDescription
from pymongo.topology_description import TOPOLOGY_TYPE, TopologyDescription
from pymongo.typings import _Address

from amongo.client.address import Address
from amongo.runtime.limits import (
    DOCUMENT_BYTES,
    MESSAGE_BYTES,
    SESSION_IDLE_MINUTES,
    WIRE_VERSION,
    WRITE_BATCH_COUNT,
)


def address_pair(address: Address) -> _Address:
    """The store's address where PyMongo has (host, port): as for a Unix socket, the port is None."""
    return (address.path or address.location, None)


def describe_topology(pair: _Address) -> TopologyDescription:
    """The topology of one server that takes writes."""
    hello = Hello(
        {
            "ok": 1.0,
            "isWritablePrimary": True,
            "maxBsonObjectSize": DOCUMENT_BYTES,
            "maxMessageSizeBytes": MESSAGE_BYTES,
            "maxWriteBatchSize": WRITE_BATCH_COUNT,
            "logicalSessionTimeoutMinutes": SESSION_IDLE_MINUTES,
            "minWireVersion": 0,
            "maxWireVersion": WIRE_VERSION,
        }
    )
    servers = {pair: ServerDescription(pair, hello)}
    return TopologyDescription(TOPOLOGY_TYPE.Single, servers, None, None, None, None)
