"""Change streams: from the commits of the log to the events that a consumer sees.

    options = parse_change_stream({"fullDocument": "updateLookup"})
    follower = Follower(scope, options, look_up)
    for event in follower.events(commit):
        event.token, event.document, event.is_invalidate

Everything here is pure: commits go in, events come out. Who reads the log, waits and answers is `amongo.commands`.

`tokens` says where an event stands in the log, `options` what a stream asks for; `events` makes the events of a commit,
those of the catalog with `catalog_events`, what an update changed with `descriptions`; `following` begins where a
token says; `splitting` cuts an event that is too large; `oplog` shows a commit as `local.oplog.rs` does.
"""
