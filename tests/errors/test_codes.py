"""Error codes and their names."""

import pytest

from amongo.errors import ErrorCode, code_name

# Spot checks against the manual's table, more of them where the numbers have gaps.
KNOWN: list[tuple[int, str]] = [
    (1, "InternalError"),
    (2, "BadValue"),
    (9, "FailedToParse"),
    (13, "Unauthorized"),
    (14, "TypeMismatch"),
    (15, "Overflow"),
    (16, "InvalidLength"),
    (20, "IllegalOperation"),
    (26, "NamespaceNotFound"),
    (27, "IndexNotFound"),
    (28, "PathNotViable"),
    (40, "ConflictingUpdateOperators"),
    (43, "CursorNotFound"),
    (48, "NamespaceExists"),
    (50, "MaxTimeMSExpired"),
    (52, "DollarPrefixedFieldName"),
    (56, "EmptyFieldName"),
    (59, "CommandNotFound"),
    (64, "WriteConcernTimeout"),
    (66, "ImmutableField"),
    (67, "CannotCreateIndex"),
    (72, "InvalidOptions"),
    (73, "InvalidNamespace"),
    (79, "UnknownReplWriteConcern"),
    (85, "IndexOptionsConflict"),
    (86, "IndexKeySpecsConflict"),
    (91, "ShutdownInProgress"),
    (96, "OperationFailed"),
    (98, "DBPathInUse"),
    (100, "UnsatisfiableWriteConcern"),
    (112, "WriteConflict"),
    (115, "CommandNotSupported"),
    (121, "DocumentValidationFailure"),
    (136, "CappedPositionLost"),
    (166, "CommandNotSupportedOnView"),
    (168, "InvalidPipelineOperator"),
    (175, "QueryPlanKilled"),
    (197, "InvalidIndexSpecificationOption"),
    (206, "NoSuchSession"),
    (211, "KeyNotFound"),
    (224, "QueryFeatureNotAllowed"),
    (225, "TransactionTooOld"),
    (232, "MaxSubPipelineDepthExceeded"),
    (237, "CursorKilled"),
    (241, "ConversionFailure"),
    (251, "NoSuchTransaction"),
    (256, "TransactionCommitted"),
    (260, "InvalidResumeToken"),
    (263, "OperationNotSupportedInTransaction"),
    (280, "ChangeStreamFatalError"),
    (286, "ChangeStreamHistoryLost"),
    (291, "NoQueryExecutionPlans"),
    (292, "QueryExceededMemoryLimitNoDiskUseAllowed"),
    (306, "ReadThroughCacheLookupCanceled"),
    (322, "APIVersionError"),
    (323, "APIStrictError"),
    (346, "ChangeStreamInvalidated"),
    (348, "ChangeStreamTopologyChange"),
    (352, "UnsupportedOpQueryCommand"),
    (354, "LoadBalancerSupportMismatch"),
    (359, "CannotConvertIndexToUnique"),
    (361, "CollectionUUIDMismatch"),
    (365, "TemporarilyUnavailable"),
    (371, "UserWritesBlocked"),
    (378, "NonConformantBSON"),
    (386, "DuplicateKeyId"),
    (388, "TransactionTooLargeForCache"),
    (391, "ReauthenticationRequired"),
    (402, "ResourceExhausted"),
    (411, "QueryRejectedBySettings"),
    (462, "IngressRequestRateLimitExceeded"),
    (10058, "LegacyNotPrimary"),
    (10107, "NotWritablePrimary"),
    (10334, "BSONObjectTooLarge"),
    (11000, "DuplicateKey"),
    (11600, "InterruptedAtShutdown"),
    (11601, "Interrupted"),
    (13113, "MergeStageNoMatchingDocument"),
    (13297, "DatabaseDifferCase"),
    (13435, "NotPrimaryNoSecondaryOk"),
    (14031, "OutOfDiskSpace"),
    (40413, "IDLDuplicateField"),
    (40414, "IDLFailedToParse"),
    (40415, "IDLUnknownField"),
    (46841, "ClientMarkedKilled"),
    (10_045_600, "InterruptedDueToFCVChange"),
]


@pytest.mark.parametrize(("number", "name"), KNOWN, ids=[name for _, name in KNOWN])
def test_name(number: int, name: str) -> None:
    assert code_name(number) == name
    assert ErrorCode[name] == number


# Gaps of the table: the server has no name for them.
@pytest.mark.parametrize("number", [44, 99, 131, 196, 305, 364, 394, 399, 437, 11001, 40324])
def test_number_without_a_name(number: int) -> None:
    assert code_name(number) == f"Location{number}"


def test_no_number_has_two_names() -> None:
    assert len(ErrorCode.__members__) == len(set(map(int, ErrorCode)))


def test_ascending() -> None:
    assert list(ErrorCode) == sorted(ErrorCode)
