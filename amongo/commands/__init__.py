"""The waist: everything that can be asked of the database is a command, and every command passes through here."""
