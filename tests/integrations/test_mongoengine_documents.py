"""MongoEngine's documents over the wire: its own queries, references, files and signals of change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

pytest.importorskip("mongoengine", reason="MongoEngine is in the extra `friends`")

import mongoengine
from mongoengine import (
    CASCADE,
    DateTimeField,
    Decimal128Field,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentListField,
    FileField,
    GeoPointField,
    IntField,
    ListField,
    NotUniqueError,
    Q,
    ReferenceField,
    SequenceField,
    StringField,
)

from tests.server.serving_process import served


class Author(Document):
    name = StringField(required=True, unique=True)
    home = GeoPointField()


class Comment(EmbeddedDocument):
    by = StringField()
    stars = IntField()


class Article(Document):
    number = SequenceField()
    title = StringField(max_length=80)
    author = ReferenceField(Author, reverse_delete_rule=CASCADE)
    price = Decimal128Field()
    tags = ListField(StringField())
    comments = EmbeddedDocumentListField(Comment)
    written = DateTimeField(default=datetime(2026, 1, 1))
    picture = FileField()
    meta = {"indexes": ["tags", {"fields": ["$title"], "default_language": "english"}, ("author", "-written")]}


@pytest.fixture(scope="module")
def connected() -> Iterator[None]:
    with served() as uri:
        mongoengine.connect("library", host=uri, uuidRepresentation="standard")
        yield
        mongoengine.disconnect()


@pytest.fixture
def author(connected: None) -> Any:
    Author.drop_collection()
    Article.drop_collection()
    return Author(name="Ada", home=[13.4, 52.5]).save()


def test_documents(author: Any) -> None:
    Article(title="On engines", author=author, price=Decimal("1.50"), tags=["a", "b"]).save()
    Article(title="On looms", author=author, price=Decimal("12"), tags=["b"]).save()
    assert [article.title for article in Article.objects(tags="b").order_by("-number")] == ["On looms", "On engines"]
    assert Article.objects(Q(price__gt=Decimal("2")) | Q(title__istartswith="ON E")).count() == 2
    assert Article.objects.get(title="On looms").author.name == "Ada"
    assert Article.objects.search_text("loom").first().title == "On looms"
    assert Article.objects.sum("number") == sum(article.number for article in Article.objects)
    assert [each.name for each in Author.objects(home__near=[13.4, 52.5], home__max_distance=1)] == ["Ada"]
    with pytest.raises(NotUniqueError):
        Author(name="Ada").save()


def test_updates(author: Any) -> None:
    article = Article(title="t", author=author, comments=[Comment(by="x", stars=1), Comment(by="y", stars=5)]).save()
    Article.objects(id=article.id, comments__by="x").update(inc__comments__S__stars=2, push__tags="new")
    article.reload()
    assert [comment.stars for comment in article.comments] == [3, 5]
    article.title = "changed"
    article.save()
    assert Article.objects(title="changed").modify(set__title="again", new=True).title == "again"
    assert Article.objects(title="none").update_one(upsert=True, set__tags=["u"]) == 1
    grouped = list(
        Article.objects.aggregate([{"$unwind": "$tags"}, {"$group": {"_id": "$tags"}}, {"$sort": {"_id": 1}}])
    )
    assert [each["_id"] for each in grouped] == ["new", "u"]


def test_files_and_deleting(author: Any) -> None:
    article = Article(title="with picture", author=author)
    article.picture.put(b"x" * 300_000, content_type="image/png")
    article.save()
    found = Article.objects.get(title="with picture")
    assert (len(found.picture.read()), found.picture.content_type) == (300_000, "image/png")
    found.picture.delete()
    author.delete()
    assert Article.objects.count() == 0
