"""Errors of roles, of privileges, and of asking for what one may not do.

Source: manual, Error Codes; the pages of the role management commands; messages of servers.
"""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

# Asking for what one may not do
NOT_AUTHENTICATED = condition(ErrorCode.Unauthorized, "Command {name} requires authentication")
NOT_AUTHORIZED = condition(ErrorCode.Unauthorized, "not authorized on {database} to execute command {command}")
CURSOR_OF_ANOTHER = condition(ErrorCode.Unauthorized, "cursor id {cursor_id} was not created by the authenticated user")
CURSOR_NOT_AUTHORIZED = condition(ErrorCode.Unauthorized, "not authorized for getMore with cursor id {cursor_id}")
ALL_DATABASES = condition(ErrorCode.Unauthorized, "Insufficient permissions to list all databases")

# Privileges
BAD_RESOURCE = condition(
    ErrorCode.FailedToParse,
    "Resource must be {{cluster: true}}, {{anyResource: true}}, {{db, collection}}, or {{db, system_buckets}}",
)
NO_ACTIONS = condition(ErrorCode.FailedToParse, "the actions of a privilege must not be empty")
UNKNOWN_ACTIONS = condition(ErrorCode.FailedToParse, "Unrecognized action privilege strings: {names}")
PRIVILEGES_ELSEWHERE = condition(
    ErrorCode.InvalidRoleModification,
    "Roles on the '{database}' database cannot be granted privileges that target other databases or the cluster",
)

# Roles
ROLE_NOT_FOUND = condition(ErrorCode.RoleNotFound, "Could not find role: {role}")
NO_SUCH_ROLE = condition(ErrorCode.RoleNotFound, "Role '{role}' not found")
ROLE_EXISTS = condition(51002, 'Role "{role}" already exists')
ROLE_IS_BUILT_IN = condition(ErrorCode.InvalidRoleModification, "{role} is a built-in role and cannot be modified.")
NAME_IS_BUILT_IN = condition(ErrorCode.BadValue, "Cannot create roles with the same name as a built-in role")
NAME_IS_EMPTY = condition(ErrorCode.BadValue, "Role name must be non-empty")
ROLES_NOT_HERE = condition(ErrorCode.BadValue, "Cannot create roles in the {database} database")
GRANTED_TO_ITSELF = condition(ErrorCode.InvalidRoleModification, "Cannot grant role {role} to itself.")
ROLE_ELSEWHERE = condition(
    ErrorCode.InvalidRoleModification,
    "Roles on the '{database}' database cannot be granted roles from other databases",
)
ROLE_CYCLE = condition(
    ErrorCode.InvalidRoleModification, "Granting {inner} to {outer} would introduce a cycle in the role graph"
)
NOTHING_TO_UPDATE = condition(ErrorCode.BadValue, "Must specify at least one field to update in updateRole")
EMPTY_LIST = condition(ErrorCode.BadValue, '{command} command requires a non-empty "{field}" array')
BAD_ROLE_DOCUMENT = condition(
    ErrorCode.UnsupportedFormat, "the document '{identity}' of admin.system.roles is not that of a role"
)

# rolesInfo
ROLES_ASKED = condition(
    ErrorCode.BadValue, "rolesInfo must be 1, the name of a role, {{role, db}}, or an array of names and documents"
)
SHOWN_PRIVILEGES = condition(
    ErrorCode.FailedToParse, "showPrivileges must be a boolean or the string 'asUserFragment'; it is {actual}"
)
FRAGMENT_OF_ALL = condition(
    ErrorCode.InvalidOptions, "Cannot get user fragment for all roles in a database; name the roles"
)
