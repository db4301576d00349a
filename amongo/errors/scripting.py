"""Errors of what runs JavaScript on a server: `$where`, `$function`, `$accumulator`, mapReduce.

There is no JavaScript engine here. All of it is read and checked as by a server, and then refused with the errors of a
server that was started with scripting off (source: MongoDB manual, Server-side JavaScript, "Disable Server-Side
Execution of JavaScript").
"""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

NO_ENGINE = condition(31264, "Cannot run server-side javascript without the javascript engine enabled")
NO_ENGINE_IN_MAP_REDUCE = condition(
    31264,
    "MapReduce internal error :: caused by :: Cannot run server-side javascript without the javascript engine enabled",
)

# $where
WHERE_WITHOUT_ENGINE = condition(6108304, "no globalScriptEngine in $where parsing")
WHERE_NOT_ALLOWED_HERE = condition(ErrorCode.BadValue, "$where is not allowed in this context")
WHERE_TYPE = condition(ErrorCode.BadValue, "$where got bad type")
WHERE_EMPTY = condition(ErrorCode.BadValue, "code for $where cannot be empty")
WHERE_WITH_SCOPE = condition(4649201, "$where no longer supports deprecated BSON type CodeWScope")

# $function
FUNCTION_NOT_OBJECT = condition(31260, "$function requires an object as an argument, found: {kind}")
FUNCTION_WITHOUT_BODY = condition(31261, "The body function must be specified.")
FUNCTION_BODY_TYPE = condition(31262, "The body function must evaluate to type string or code")
FUNCTION_WITHOUT_ARGS = condition(31263, "The args field must be specified.")
FUNCTION_WITHOUT_LANG = condition(31418, "The lang field must be specified.")
FUNCTION_LANG = condition(31419, "Currently the only supported language specifier is 'js'.")
FUNCTION_BODY_NOT_CONSTANT = condition(31432, "The body function must be a constant expression")

# $accumulator
ACCUMULATOR_CODE_NOT_CONSTANT = condition(4544701, "$accumulator '{field}' must be a constant expression")
ACCUMULATOR_CODE_TYPE = condition(4544702, "$accumulator '{field}' must be a String or Code")
ACCUMULATOR_SPEC_NOT_OBJECT = condition(4544703, "$accumulator expects an object as an argument; found: {kind}")
ACCUMULATOR_LANG_TYPE = condition(4544704, "$accumulator lang must be a string; found: {kind}")
ACCUMULATOR_LANG = condition(4544705, "$accumulator only supports lang: 'js'")
ACCUMULATOR_UNKNOWN_FIELD = condition(4544706, "$accumulator got an unexpected field: {field}")
ACCUMULATOR_WITHOUT_INIT = condition(4544707, "$accumulator missing required argument 'init'")
ACCUMULATOR_WITHOUT_ACCUMULATE = condition(4544708, "$accumulator missing required argument 'accumulate'")
ACCUMULATOR_WITHOUT_MERGE = condition(4544709, "$accumulator missing required argument 'merge'")
ACCUMULATOR_WITHOUT_ARGS = condition(4544710, "$accumulator missing required argument 'accumulateArgs'")
