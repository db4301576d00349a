"""Where the data is, and how it is served: from the environment, with defaults that work without one."""

import os

# Several workers may share a local:// store: one owns it, and another takes over from one that ends.
URI = os.environ.get("AMONGO_URI", "local://./data/flights")
DATABASE = os.environ.get("AMONGO_DATABASE", "nycflights")
HEARTBEAT_SECONDS = float(os.environ.get("FLIGHTS_HEARTBEAT_SECONDS", "15"))
