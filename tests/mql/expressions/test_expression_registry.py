"""The registry against the manual's list of expression operators."""

import pytest

from amongo.mql.expressions import DOCUMENTATION, NOT_YET, OPERATORS
from amongo.mql.expressions.registry import register

MANUAL = """
$abs $add $ceil $divide $exp $floor $ln $log $log10 $mod $multiply $pow $round $sigmoid $sqrt $subtract $trunc
$arrayElemAt $arrayToObject $concatArrays $filter $firstN $in $indexOfArray $isArray $lastN $map $maxN $minN
$objectToArray $range $reduce $reverseArray $size $slice $sortArray $zip
$bitAnd $bitNot $bitOr $bitXor $and $not $or $cmp $eq $gt $gte $lt $lte $ne $cond $ifNull $switch $function
$binarySize $bsonSize
$dateAdd $dateDiff $dateFromParts $dateFromString $dateSubtract $dateToParts $dateToString $dateTrunc $dayOfMonth
$dayOfWeek $dayOfYear $hour $isoDayOfWeek $isoWeek $isoWeekYear $millisecond $minute $month $second $week $year
$encStrContains $encStrEndsWith $encStrNormalizedEq $encStrStartsWith
$literal $const $getField $rand $let $meta
$mergeObjects $setField $unsetField
$allElementsTrue $anyElementTrue $setDifference $setEquals $setIntersection $setIsSubset $setUnion
$concat $indexOfBytes $indexOfCP $ltrim $regexFind $regexFindAll $regexMatch $replaceAll $replaceOne $rtrim $split
$strcasecmp $strLenBytes $strLenCP $substr $substrBytes $substrCP $toLower $toUpper $trim
$tsIncrement $tsSecond
$acos $acosh $asin $asinh $atan $atan2 $atanh $cos $cosh $degreesToRadians $radiansToDegrees $sin $sinh $tan $tanh
$convert $isNumber $toArray $toBool $toDate $toDecimal $toDouble $toHashedIndexKey $toInt $toLong $toObject $toObjectId
$toString $toUUID $type
$avg $first $last $max $median $min $percentile $stdDevPop $stdDevSamp $sum
$createObjectId $hash $hexHash
"""


def test_every_operator_of_the_manual_is_here_or_waits_with_a_reason() -> None:
    assert set(OPERATORS) | set(NOT_YET) == set(MANUAL.split())
    assert not set(OPERATORS) & set(NOT_YET)
    assert all(NOT_YET.values())


def test_every_operator_says_what_it_takes_and_where_it_is_described() -> None:
    for name, text in DOCUMENTATION.items():
        for part in ("args", "result", "source"):
            assert f"\n    {part} " in text, (name, part)


def test_a_second_definition_is_refused() -> None:
    with pytest.raises(RuntimeError, match="twice"):
        register("$add", OPERATORS["$add"], "")
