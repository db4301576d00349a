"""MongoDB's wire protocol: what lets any driver or tool use a store over a socket."""
