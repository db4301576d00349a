"""MongoDB's wire protocol: what lets any driver or tool use a store over a socket. Needs the extra `server`."""

from amongo.server.blocking import WireServer
from amongo.server.server import AsyncWireServer
from amongo.server.tls import TlsOptions

__all__ = ["AsyncWireServer", "TlsOptions", "WireServer"]
