"""What a database and a collection check their parents by, without importing the classes that make them."""


class ClientKind:
    """The base of AsyncMongoClient."""


class DatabaseKind:
    """The base of AsyncDatabase."""
