"""The `timeseries` options of create and collMod: checked, with the server's defaults, as listCollections shows them.

A measurement goes into a bucket with others of the same metadata that are near it in time. How near is said by a
granularity, or by two equal numbers of seconds. amongo keeps measurements, not buckets; yet the options decide in which
order measurements come out. Source: manual, create, "timeseries"; Set Granularity for Time Series Data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from amongo.commands.fields import Field, parse_fields
from amongo.errors import command as errors

_FIELDS: Final = {
    "timeField": Field("string", required=True),
    "metaField": Field("string"),
    "granularity": Field("string"),
    "bucketMaxSpanSeconds": Field("integer", minimum=1, maximum=31_536_000, bound_code=2),
    "bucketRoundingSeconds": Field("integer", minimum=1, maximum=31_536_000, bound_code=2),
}
_CHANGES: Final = {name: _FIELDS[name] for name in ("granularity", "bucketMaxSpanSeconds", "bucketRoundingSeconds")}


class Granularity(NamedTuple):
    """How far a bucket reaches, and to what its beginning is rounded down; seconds."""

    span_s: int
    rounding_s: int


GRANULARITIES: Final = {
    "seconds": Granularity(3600, 60),
    "minutes": Granularity(86_400, 3600),
    "hours": Granularity(2_592_000, 86_400),
}


@dataclass(frozen=True, slots=True)
class SeriesOptions:
    """The options of a time series collection.

    time_field    top-level field of each measurement's date
    meta_field    top-level field of the metadata; None for none
    granularity   a key of `GRANULARITIES`; None where `span_s` says it
    span_s        a bucket holds measurements of at most so many seconds
    rounding_s    buckets begin at multiples of this
    """

    time_field: str
    meta_field: str | None
    granularity: str | None
    span_s: int
    rounding_s: int

    @classmethod
    def of(cls, shown: Mapping[str, Any]) -> SeriesOptions:
        """The options that `document` gave."""
        granularity = shown.get("granularity")
        span_s = shown["bucketMaxSpanSeconds"]
        rounding_s = span_s if granularity is None else GRANULARITIES[granularity].rounding_s
        return cls(shown["timeField"], shown.get("metaField"), granularity, span_s, rounding_s)

    def document(self) -> dict[str, Any]:
        """The options as listCollections shows them."""
        shown: dict[str, Any] = {"timeField": self.time_field}
        if self.meta_field is not None:
            shown["metaField"] = self.meta_field
        if self.granularity is not None:
            shown["granularity"] = self.granularity
        else:
            shown["bucketRoundingSeconds"] = self.rounding_s
        shown["bucketMaxSpanSeconds"] = self.span_s
        return shown


class SeriesChange(NamedTuple):
    """What a collMod asks for; None for what it does not speak of."""

    granularity: str | None
    span_s: int | None
    rounding_s: int | None


def parse_series_options(value: Mapping[str, Any]) -> SeriesOptions:
    """The `timeseries` option of create.

    errors   those of `parse_fields`, BAD_VALUE, INVALID_OPTIONS, NOT_ENUMERATED
    """
    fields = parse_fields("create.timeseries", value, _FIELDS, generic={})
    time, meta, granularity = fields["timeField"], fields["metaField"], fields["granularity"]
    for name, field in (("timeField", time), ("metaField", meta)):
        if field is not None and "\x00" in field:
            raise errors.BAD_VALUE(message=f"'{name}' must not contain a null byte")
        if field is not None and "." in field:
            raise errors.INVALID_OPTIONS(message=f"'{name}' must be a top-level field and not contain a '.'")
    if meta in ("_id", time) and meta is not None:
        raise errors.INVALID_OPTIONS(message="'metaField' must be neither '_id' nor the 'timeField'")
    _check_granularity("create", granularity)
    span, rounding = fields["bucketMaxSpanSeconds"], fields["bucketRoundingSeconds"]
    if granularity is not None and (rounding is not None or span not in (None, GRANULARITIES[granularity].span_s)):
        raise errors.INVALID_OPTIONS(message="'granularity' excludes other bucket parameters than its own")
    if granularity is None and span != rounding:
        raise errors.INVALID_OPTIONS(message="'bucketMaxSpanSeconds' and 'bucketRoundingSeconds' have to be equal")
    if granularity is None and span is None:
        granularity = "seconds"
    if granularity is not None:
        return SeriesOptions(time, meta, granularity, *GRANULARITIES[granularity])
    return SeriesOptions(time, meta, None, span, span)


def parse_series_change(value: Mapping[str, Any]) -> SeriesChange:
    """The `timeseries` option of collMod; {} changes nothing.

    errors   those of `parse_fields`, NOT_ENUMERATED
    """
    fields = parse_fields("collMod.timeseries", value, _CHANGES, generic={})
    _check_granularity("collMod", fields["granularity"])
    return SeriesChange(fields["granularity"], fields["bucketMaxSpanSeconds"], fields["bucketRoundingSeconds"])


def changed_series_options(options: SeriesOptions, change: SeriesChange) -> SeriesOptions:
    """The options after a collMod: buckets may get longer, never shorter.

    errors   INVALID_OPTIONS
    """
    granularity, span, rounding = change
    if granularity is None and span is None and rounding is None:
        return options
    if granularity is not None:
        if rounding is not None or span not in (None, GRANULARITIES[granularity].span_s):
            raise errors.INVALID_OPTIONS(message="'granularity' excludes other bucket parameters than its own")
        span_s, rounding_s = GRANULARITIES[granularity]
    else:
        if span is None or span != rounding:
            raise errors.INVALID_OPTIONS(message="'bucketMaxSpanSeconds' and 'bucketRoundingSeconds' have to be equal")
        span_s = rounding_s = span
    if span_s < options.span_s or rounding_s < options.rounding_s:
        raise errors.INVALID_OPTIONS(message="Invalid transition for timeseries options: buckets cannot get shorter")
    return SeriesOptions(options.time_field, options.meta_field, granularity, span_s, rounding_s)


def _check_granularity(command: str, value: str | None) -> None:
    if value is not None and value not in GRANULARITIES:
        raise errors.NOT_ENUMERATED(value=value, field=f"{command}.timeseries.granularity")
