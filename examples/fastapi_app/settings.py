"""Where the data is: from the environment, with a default that works without one."""

import os

# One process at a time owns a local:// store. To run several workers, put a mongodb:// address here.
URI = os.environ.get("AMONGO_URI", "local://./data/flights")
DATABASE = os.environ.get("AMONGO_DATABASE", "nycflights")
