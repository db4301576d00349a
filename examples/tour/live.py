"""Keeping a list up to date by the messages of a live query, as the page's script does."""

from typing import Any

Document = dict[str, Any]


def apply(listed: list[Document], message: Document) -> list[Document]:
    """The list after a message: the result anew, or one difference made."""
    if message["kind"] == "result":
        return list(message["documents"])
    after = list(listed)
    if "from_index" in message:
        del after[message["from_index"]]
    if "index" in message:
        after.insert(message["index"], message["document"])
    return after
