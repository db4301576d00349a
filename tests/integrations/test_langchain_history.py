"""LangChain's chat history and cache, as its package for MongoDB has them, over the wire and on amongo's own client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pymongo
import pytest

pytest.importorskip("langchain_mongodb", reason="LangChain is in the extra `friends`")

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.outputs import Generation
from langchain_mongodb import MongoDBCache, MongoDBChatMessageHistory

import amongo
from tests.server.serving_process import served


@pytest.fixture(scope="module")
def uri() -> Iterator[str]:
    with served() as uri:
        yield uri


@pytest.fixture(params=["wire", "embedded"])
def client(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "embedded":
        with amongo.MongoClient("memory://") as embedded:
            yield embedded
    else:
        with pymongo.MongoClient(request.getfixturevalue("uri")) as client:
            client.drop_database("chat_history")
            yield client


def test_a_conversation(client: Any) -> None:
    history = MongoDBChatMessageHistory(None, "first", client=client)
    history.add_user_message("Who are you?")
    history.add_ai_message("A database.")
    history.add_messages([SystemMessage("Be brief."), HumanMessage("Why?"), AIMessage("", tool_calls=[])])
    MongoDBChatMessageHistory(None, "second", client=client).add_user_message("Hello")
    assert [(message.type, message.content) for message in history.messages] == [
        ("human", "Who are you?"),
        ("ai", "A database."),
        ("system", "Be brief."),
        ("human", "Why?"),
        ("ai", ""),
    ]
    last = MongoDBChatMessageHistory(None, "first", client=client, history_size=2)
    assert [message.content for message in last.messages] == ["Why?", ""]
    assert client.chat_history.message_store.index_information()["SessionId_1"]["key"] == [("SessionId", 1)]
    history.clear()
    assert history.messages == []
    assert client.chat_history.message_store.count_documents({}) == 1


def test_a_conversation_by_its_address(uri: str) -> None:
    history = MongoDBChatMessageHistory(uri, "addressed", index_kwargs={"sparse": True}, collection_name="addressed")
    history.add_user_message("Hello")
    assert [message.content for message in history.messages] == ["Hello"]
    history.close()


def test_answers_are_kept(uri: str) -> None:
    cache = MongoDBCache(uri, collection_name="answers", database_name="chat_history")
    cache.clear()
    assert cache.lookup("1 + 1", "model") is None
    cache.update("1 + 1", "model", [Generation(text="2")])
    found = cache.lookup("1 + 1", "model")
    assert found is not None
    assert [generation.text for generation in found] == ["2"]
    cache.close()
