"""Who may do what: users and roles, how clients say who they are, and what is asked before a command is run."""
