"""amongo inside other people's frameworks.

`fastapi` and `starlette` open a client with the application and answer with BSON values; `pytest` gives every test a
fresh database. `bson_json` and `event_stream` are what the two web modules share; neither knows a framework.
"""
