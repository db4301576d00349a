"""amongo: PyMongo's async API with the database inside it."""
