"""The engine: bytes, keys and times. It knows no operator; the log is the database."""
