"""What can be called on a database (`db.…`) and on the replica set (`rs.…`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from amongo.cli.shell.answers import Answer, CallRefused, Text, Value
from amongo.cli.shell.collection_calls import CollectionCalls
from amongo.cli.shell.connection import Connection, plain_reply
from amongo.cli.shell.language import Chain, Step

Call = Callable[["DatabaseCalls", Sequence[Any]], Answer]


def answer_of(connection: Connection, chain: Chain) -> Answer:
    """What `db.orders.find({…})` and the like give.

    errors   CallRefused, WriteRefused, PyMongoError
    """
    called = next((at for at in range(len(chain.steps), 0, -1) if chain.steps[at - 1].arguments is not None), 0)
    steps, path = (chain.steps[:called], chain.steps[called:]) if called else (chain.steps, ())
    if chain.root == "rs":
        answer = _of_replica_set(connection, steps)
    else:
        answer = DatabaseCalls(connection, connection.database).answer(steps)
    if not path:
        return answer
    if not isinstance(answer, Value):
        raise CallRefused(f"`{path[0].name}` is no part of what came before it")
    return Value(_part(answer.value, [step.name for step in path]))


def _of_replica_set(connection: Connection, steps: Sequence[Step]) -> Answer:
    commands = {"status": "replSetGetStatus", "conf": "replSetGetConfig", "config": "replSetGetConfig"}
    name = steps[0].name if len(steps) == 1 and steps[0].arguments is not None else ""
    if name not in commands:
        raise CallRefused("`rs.status()` and `rs.conf()` are what there is of `rs`")
    return Value(plain_reply(connection.run({commands[name]: 1}, "admin")))


def _part(value: Any, path: Sequence[str]) -> Any:
    """`.queryPlanner.winningPlan` of a value; null where it leads nowhere."""
    for name in path:
        if type(value) is dict:
            value = value.get(name)
        elif type(value) is list and name == "length":
            value = len(value)
        elif type(value) is list and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


class DatabaseCalls:
    """Calls on one database."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self.name = name

    def answer(self, steps: Sequence[Step]) -> Answer:
        """What follows `db`."""
        if not steps:
            return Text(self.name)
        first, rest = steps[0], steps[1:]
        if first.arguments is None:
            return self._of_collection(first.name, rest)
        given = first.arguments
        if first.name == "getSiblingDB" and len(given) == 1:
            return DatabaseCalls(self._connection, str(given[0])).answer(rest)
        if first.name == "getCollection" and len(given) == 1:
            return self._of_collection(str(given[0]), rest)
        if first.name == "aggregate" and not rest:
            return self._aggregate(list(given))
        call = _CALLS.get(first.name)
        if call is None:
            raise CallRefused(f"`db.{first.name}( )` is not known here; see `help`")
        if rest and rest[0].name != "pretty":
            raise CallRefused(f"nothing can be called on what `{first.name}` gives")
        return call(self, given)

    def _of_collection(self, name: str, steps: Sequence[Step]) -> Answer:
        while steps and steps[0].arguments is None:  # db.fs.files: a name with a point
            name, steps = f"{name}.{steps[0].name}", steps[1:]
        if not steps:
            return Text(f"{self.name}.{name}")
        return CollectionCalls(self._connection, self.name, name).answer(steps[0], steps[1:])

    def _aggregate(self, given: list[Any]) -> Answer:
        pipeline = given[0] if given and type(given[0]) is list else given
        return self._connection.documents({"aggregate": 1, "pipeline": pipeline, "cursor": {}}, self.name)

    def reply(self, command: dict[str, Any], database: str | None = None) -> Answer:
        """The reply of a command, shown."""
        return Value(plain_reply(self._connection.run(command, database or self.name)))

    def command(self, given: Sequence[Any], database: str | None = None) -> Answer:
        """`runCommand` and `adminCommand`: a document, or the name alone."""
        if len(given) != 1 or type(given[0]) not in (dict, str) or not given[0]:
            raise CallRefused("a command is expected: a document, or its name")
        return self.reply({given[0]: 1} if type(given[0]) is str else given[0], database)

    def create(self, given: Sequence[Any]) -> Answer:
        """`createCollection(name, options)`."""
        if not 1 <= len(given) <= 2 or type(given[0]) is not str or type(given[-1]) not in (dict, str):
            raise CallRefused("createCollection takes a name, and options")
        return self.reply({"create": given[0]} | (given[1] if len(given) == 2 else {}))

    def create_view(self, given: Sequence[Any]) -> Answer:
        """`createView(name, source, pipeline, options)`."""
        if not 3 <= len(given) <= 4:
            raise CallRefused("createView takes a name, a source and a pipeline")
        view = {"create": given[0], "viewOn": given[1], "pipeline": given[2]}
        return self.reply(view | (given[3] if len(given) == 4 else {}))

    def collection_names(self) -> list[str]:
        """The names of the collections, in order."""
        listed = self._connection.documents({"listCollections": 1, "nameOnly": True, "cursor": {}}, self.name)
        return sorted(str(each["name"]) for each in listed)

    def collection_infos(self, given: Sequence[Any]) -> Answer:
        """`getCollectionInfos(filter)`."""
        command = {"listCollections": 1, "filter": given[0] if given else {}, "cursor": {}}
        return Value(list(self._connection.documents(command, self.name)))

    def user_command(self, name: str, given: Sequence[Any]) -> Answer:
        """`createUser({user, pwd, roles, …})`, `updateUser(name, {…})`, `dropUser(name)`."""
        if name == "createUser" and len(given) == 1 and type(given[0]) is dict:
            told = dict(given[0])
            return self.reply({"createUser": told.pop("user", None), **told})
        if name == "updateUser" and len(given) == 2:
            return self.reply({"updateUser": given[0], **given[1]})
        if name == "dropUser" and len(given) == 1:
            return self.reply({"dropUser": given[0]})
        raise CallRefused(f"{name} takes other arguments")


_CALLS: Final[Mapping[str, Call]] = {
    "runCommand": lambda calls, given: calls.command(given),
    "adminCommand": lambda calls, given: calls.command(given, "admin"),
    "getName": lambda calls, _: Text(calls.name),
    "getCollectionNames": lambda calls, _: Value(calls.collection_names()),
    "getCollectionInfos": lambda calls, given: calls.collection_infos(given),
    "createCollection": lambda calls, given: calls.create(given),
    "createView": lambda calls, given: calls.create_view(given),
    "dropDatabase": lambda calls, _: calls.reply({"dropDatabase": 1}),
    "stats": lambda calls, _: calls.reply({"dbStats": 1}),
    "version": lambda calls, _: Text(str(calls._connection.run({"buildInfo": 1}, "admin")["version"])),
    "hello": lambda calls, _: calls.reply({"hello": 1}),
    "serverStatus": lambda calls, _: calls.reply({"serverStatus": 1}, "admin"),
    "currentOp": lambda calls, _: calls.reply({"currentOp": 1}, "admin"),
    "killOp": lambda calls, given: calls.reply({"killOp": 1, "op": given[0] if given else 0}, "admin"),
    "getUsers": lambda calls, _: calls.reply({"usersInfo": 1}),
    "createUser": lambda calls, given: calls.user_command("createUser", given),
    "updateUser": lambda calls, given: calls.user_command("updateUser", given),
    "dropUser": lambda calls, given: calls.user_command("dropUser", given),
}
CALLS: Final = ("getCollection", "getSiblingDB", "aggregate", *_CALLS)
