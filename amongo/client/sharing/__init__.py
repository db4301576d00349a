"""One store, several processes: the first that opens a `local://` store owns it, the others ask the owner.

The owner listens on a Unix socket in the store's directory (`places`), with a thread of its own that sleeps until
somebody comes (`serving`), so that it serves whatever its own event loop does. Another process attaches: its clients
have a runner that sends each request to the owner (`attached`, `forms`, `frames`) instead of one that runs it. Who is
attached stands by as well: when the owner is gone, one of the others takes the store over and the rest attach to it
(`membership`). Decision 0027 says why it is like this; docs/guide/sharing.md is for those who use it.
"""
