"""Where the data is, and how it is served: from the environment, with defaults that work without one."""

import os

# One process at a time owns a local:// store. To run several workers, put a mongodb:// address here.
URI = os.environ.get("AMONGO_URI", "local://./data/flights")
DATABASE = os.environ.get("AMONGO_DATABASE", "nycflights")
HEARTBEAT_SECONDS = float(os.environ.get("FLIGHTS_HEARTBEAT_SECONDS", "15"))
