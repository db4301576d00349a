"""The server beside a blocking client."""

from __future__ import annotations

import socket

import pymongo
import pytest
from pymongo.errors import ConfigurationError

from amongo import MongoClient
from amongo.server import WireServer


def test_a_blocking_client_and_its_server_share_a_store() -> None:
    with MongoClient("memory://") as client:
        with WireServer(client, port=0) as server, pymongo.MongoClient(f"mongodb://{server.address}") as other:
            other.shop.orders.insert_many([{"_id": each} for each in range(200)])
            assert client.shop.orders.count_documents({}) == 200
            client.shop.orders.insert_one({"_id": "ours"})
            assert other.shop.orders.find_one({"_id": "ours"}) == {"_id": "ours"}
            assert server.connections > 0
        server.wait_closed()
        assert client.shop.orders.count_documents({}) == 201


def test_an_address_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, MongoClient("memory://") as client:
        with pytest.raises(OSError, match="in use"):
            WireServer(client, port=taken.getsockname()[1]).__enter__()
        with WireServer(client, port=0) as server:
            assert server.address


def test_options_are_those_of_the_other_server() -> None:
    with MongoClient("memory://") as client, pytest.raises(ConfigurationError):
        WireServer(client, host="0.0.0.0")
