"""Errors of users, roles, and of saying who one is."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

# Names
NAME_WITH_NUL = condition(ErrorCode.BadValue, "Username cannot contain NULL characters")
NOT_A_ROLE = condition(
    ErrorCode.BadValue, "{command}.{field}: a role is named by a string, or by a document {{role, db}} of strings"
)
NOT_A_USER = condition(
    ErrorCode.BadValue, "{command}.{field}: a user is named by a string, or by a document {{user, db}} of strings"
)

# Stored documents
BAD_USER_DOCUMENT = condition(
    ErrorCode.UnsupportedFormat, "the document '{identity}' of admin.system.users is not that of a user"
)

# Credentials
PASSWORD_NOT_PREPARED = condition(ErrorCode.BadValue, "Error normalizing the password: it has a prohibited character")

# Saying who one is. A client that fails hears no more than that it has
AUTHENTICATION_FAILED = condition(ErrorCode.AuthenticationFailed, "Authentication failed.")
MECHANISM_UNAVAILABLE = condition(
    ErrorCode.MechanismUnavailable, "Received authentication for mechanism {name} which is unknown or not enabled"
)
NO_CONVERSATION = condition(ErrorCode.ProtocolError, "No SASL session state found")
OTHER_CONVERSATION = condition(ErrorCode.ProtocolError, "sasl: Mismatched conversation id")
OTHER_DATABASE = condition(ErrorCode.ProtocolError, "Attempt to switch database target during SASL authentication.")
PAYLOAD_NOT_BASE64 = condition(ErrorCode.FailedToParse, "the payload is no base64")
EXTERNAL_ALONE = condition(ErrorCode.ProtocolError, "X.509 authentication must always use the $external database.")
MECHANISM_UNKNOWN = condition(ErrorCode.BadValue, "Unsupported mechanism: {name}")
NO_CONNECTION = condition(
    ErrorCode.IllegalOperation, "There is no connection to authenticate: in process everything is allowed"
)

# Restrictions
RESTRICTION_EMPTY = condition(ErrorCode.BadValue, "a restriction of 'authenticationRestrictions' may not be empty")
NOT_AN_ADDRESS = condition(ErrorCode.BadValue, "'{text}' is neither an address nor a range of addresses")

# Users
NO_PASSWORD = condition(
    ErrorCode.BadValue,
    "Must provide a 'pwd' field for all user documents, except those with '$external' as the user's source db",
)
EXTERNAL_PASSWORD = condition(
    ErrorCode.BadValue, "Cannot set the password for users defined on the '$external' database"
)
PASSWORD_EMPTY = condition(ErrorCode.BadValue, "Password cannot be empty")
USER_NAME_EMPTY = condition(ErrorCode.BadValue, "User document needs 'user' field to be non-empty")
LOCAL_USER = condition(ErrorCode.BadValue, "Cannot create users in the local database")
UNKNOWN_MECHANISM = condition(ErrorCode.BadValue, "Unknown auth mechanism '{name}'")
NO_MECHANISM = condition(ErrorCode.BadValue, "mechanisms field must not be empty")
DIGESTED = condition(ErrorCode.BadValue, "Use of SCRAM-SHA-256 requires undigested passwords")
MORE_MECHANISMS = condition(ErrorCode.BadValue, "mechanisms field must be a subset of previously set mechanisms")
NOTHING_TO_UPDATE = condition(ErrorCode.BadValue, "Must specify at least one field to update in updateUser")
USER_EXISTS = condition(51003, 'User "{name}" already exists')
USER_NOT_FOUND = condition(ErrorCode.UserNotFound, "User {name} not found")
NO_SUCH_USER = condition(ErrorCode.UserNotFound, "User '{name}' not found")
USERS_ASKED = condition(ErrorCode.BadValue, "User and role names must be either strings or objects")
USER_NOT_FOUND_FOR_ROLES = condition(ErrorCode.UserNotFound, 'Could not find user "{user}" for db "{database}"')
NO_ROLES = condition(ErrorCode.BadValue, '{command} command requires a non-empty "roles" array')
PRIVILEGES_OF_MANY = condition(
    ErrorCode.IllegalOperation, "Privilege or restriction details require exact-match usersInfo queries"
)
