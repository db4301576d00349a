"""All commands, by name."""

from __future__ import annotations

from types import ModuleType

from amongo.commands import (
    aggregate,
    build_info,
    bulk_write,
    clone_collection_as_capped,
    coll_mod,
    coll_stats,
    compact,
    connection_status,
    convert_to_capped,
    count,
    create,
    create_indexes,
    data_size,
    db_hash,
    db_stats,
    delete,
    distinct,
    drop,
    drop_database,
    drop_indexes,
    end_sessions,
    find,
    find_and_modify,
    get_more,
    get_parameter,
    hello,
    host_info,
    insert,
    kill_cursors,
    list_collections,
    list_commands,
    list_databases,
    list_indexes,
    ping,
    plan_cache_clear,
    plan_cache_clear_filters,
    plan_cache_list_filters,
    plan_cache_set_filter,
    re_index,
    rename_collection,
    server_status,
    update,
    validate,
    validate_db_metadata,
    whats_my_uri,
)
from amongo.commands.command import Command

_MODULES: tuple[ModuleType, ...] = (
    aggregate,
    build_info,
    bulk_write,
    coll_mod,
    coll_stats,
    clone_collection_as_capped,
    compact,
    connection_status,
    convert_to_capped,
    count,
    create,
    create_indexes,
    data_size,
    db_hash,
    db_stats,
    delete,
    distinct,
    drop,
    drop_database,
    drop_indexes,
    end_sessions,
    find,
    find_and_modify,
    get_more,
    get_parameter,
    hello,
    host_info,
    insert,
    kill_cursors,
    list_collections,
    list_commands,
    list_databases,
    list_indexes,
    ping,
    plan_cache_clear,
    plan_cache_clear_filters,
    plan_cache_list_filters,
    plan_cache_set_filter,
    re_index,
    rename_collection,
    server_status,
    update,
    validate,
    validate_db_metadata,
    whats_my_uri,
)


def _collect(modules: tuple[ModuleType, ...]) -> dict[str, Command]:
    commands: dict[str, Command] = {}
    for module in modules:
        command: Command = module.COMMAND
        for name in (command.name, *command.aliases):
            if name in commands:
                raise RuntimeError(f"two commands are named {name}")
            commands[name] = command
    return commands


COMMANDS: dict[str, Command] = _collect(_MODULES)
