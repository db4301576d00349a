"""Keywords for fields that `properties` does not name, and for fields that go together.

`patternProperties` with `additionalProperties`, and `dependencies`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amongo.errors import ServerError
from amongo.errors import schema as errors
from amongo.mql.patterns import Find, compile_pattern
from amongo.mql.schema.objects import bind_exists, required_names
from amongo.mql.schema.parse import parse_schema
from amongo.mql.schema.registry import ANNOTATIONS, KeywordClause, keyword
from amongo.mql.schema.rule import Details, Report, Rule, Schema, Test
from amongo.values.types import alias


@dataclass(frozen=True, slots=True)
class PatternProperty:
    """One pattern of `patternProperties`, and the schema of the fields whose names it finds something in."""

    pattern: str
    finds: Find
    schema: Schema


@dataclass(frozen=True, slots=True)
class AllowedProperties(Rule):
    """`patternProperties` and `additionalProperties` together.

    named        the fields of `properties`
    patterns     those of `patternProperties`
    additional   of the fields that are neither: False if none may be there, a schema, or None for no matter what
    """

    named: frozenset[str]
    patterns: tuple[PatternProperty, ...]
    additional: Schema | bool | None

    @property
    def subschemas(self) -> tuple[Schema, ...]:
        schemas = tuple(each.schema for each in self.patterns)
        return (*schemas, self.additional) if isinstance(self.additional, Schema) else schemas

    def bind(self) -> Test:
        named, patterns = self.named, [(each.finds, each.schema.bind()) for each in self.patterns]
        additional = self.additional
        if not patterns and additional is False:
            return lambda value: type(value) is not dict or value.keys() <= named
        other = additional.bind() if isinstance(additional, Schema) else (lambda value: additional is not False)

        def every(value: Any) -> bool:
            if type(value) is not dict:
                return True
            for name, each in value.items():
                is_additional = name not in named
                for finds, test in patterns:
                    if finds(name):
                        if not test(each):
                            return False
                        is_additional = False
                if is_additional and not other(each):
                    return False
            return True

        return every

    def explain(self, value: Any, report: Report) -> Details:
        details = self._explain_additional(value, report)
        failures = [detail for each in self.patterns for detail in _explain_pattern(each, value, report)]
        return [*details, {"operatorName": "patternProperties", "details": failures}] if failures else details

    def _explain_additional(self, document: dict[str, Any], report: Report) -> Details:
        names = [name for name in document if self._is_additional(name)]
        if self.additional is False and names:
            specified = report.specified({"additionalProperties": False})
            return [{"operatorName": "additionalProperties", **specified, "additionalProperties": names}]
        if not isinstance(self.additional, Schema):
            return []
        schema = self.additional
        failing = next((name for name in names if not schema.bind()(document[name])), None)
        if failing is None:
            return []
        reason = "at least one additional property did not match the subschema"
        head = {"operatorName": "additionalProperties", **schema.annotations, "reason": reason}
        return [{**head, "failingProperty": failing, "details": schema.explain(document[failing], report)}]

    def _is_additional(self, name: str) -> bool:
        return name not in self.named and not any(each.finds(name) for each in self.patterns)


def _explain_pattern(each: PatternProperty, document: dict[str, Any], report: Report) -> Details:
    """An account of the first field that a pattern finds and its schema refuses."""
    test = each.schema.bind()
    for name, value in document.items():
        if each.finds(name) and not test(value):
            head = {"propertyName": name, **each.schema.annotations, "regexMatched": each.pattern}
            return [{**head, "details": each.schema.explain(value, report)}]
    return []


@keyword("patternProperties")
def pattern_properties(clause: KeywordClause) -> Rule:
    """Fields whose names a regular expression finds something in match its schema.

    operand   document of schemas by pattern, PCRE2 syntax
    errors    NOT_AN_OBJECT, PATTERN_PROPERTY_NOT_OBJECT, PATTERN_PROPERTY_INVALID, those of the schemas, of `required`
              and of `additionalProperties`
    source    manual, $jsonSchema
    """
    required_names(clause.siblings)
    if type(clause.operand) is not dict:
        raise errors.NOT_AN_OBJECT(name="patternProperties")
    patterns = []
    for pattern, schema in clause.operand.items():
        if type(schema) is not dict:
            raise errors.PATTERN_PROPERTY_NOT_OBJECT(name=pattern)
        parsed = parse_schema(schema, is_root=False)
        patterns.append(PatternProperty(pattern, _compile(pattern), parsed))
    return _allowed(clause, tuple(patterns))


def _compile(pattern: str) -> Find:
    try:
        return compile_pattern(pattern, "")
    except ServerError as error:
        raise errors.PATTERN_PROPERTY_INVALID(name=pattern, reason=error.message) from None


@keyword("additionalProperties")
def additional_properties(clause: KeywordClause) -> Rule | None:
    """Fields that neither `properties` names nor `patternProperties` finds match a schema, or are not allowed.

    operand   a boolean or a schema
    errors    NOT_OBJECT_OR_BOOLEAN, those of the schema and of `required`
    source    manual, $jsonSchema
    """
    if "patternProperties" in clause.siblings:
        return None  # the rule of that keyword speaks of both
    required_names(clause.siblings)
    return _allowed(clause, ())


def _allowed(clause: KeywordClause, patterns: tuple[PatternProperty, ...]) -> AllowedProperties:
    operand = clause.siblings.get("additionalProperties", True)
    if type(operand) not in (bool, dict):
        raise errors.NOT_OBJECT_OR_BOOLEAN(name="additionalProperties", actual=alias(operand))
    additional = parse_schema(operand, is_root=False) if type(operand) is dict else False if operand is False else None
    return AllowedProperties(clause.keyword, frozenset(clause.siblings.get("properties", ())), patterns, additional)


@dataclass(frozen=True, slots=True)
class Dependency:
    """What a field asks of the document it stands in: other fields, or a schema for the whole document."""

    name: str
    needs: tuple[str, ...] | Schema

    def bind(self) -> Test:
        """Compile to a test of the document."""
        applies = bind_exists(self.name)
        if isinstance(self.needs, Schema):
            test = self.needs.bind()
            return lambda document: not applies(document) or test(document)
        tests = list(map(bind_exists, self.needs))
        return lambda document: not applies(document) or all(test(document) for test in tests)

    def explain(self, document: dict[str, Any], report: Report) -> dict[str, Any]:
        """Why the document fails."""
        if isinstance(self.needs, Schema):
            return {"conditionalProperty": self.name, "details": self.needs.explain(document, report)}
        missing = [name for name in self.needs if not bind_exists(name)(document)]
        return {"conditionalProperty": self.name, "missingProperties": missing}


@dataclass(frozen=True, slots=True)
class Dependencies(Rule):
    """Every field that is there has what it depends on."""

    annotations: dict[str, str]
    dependencies: tuple[Dependency, ...]

    @property
    def subschemas(self) -> tuple[Schema, ...]:
        return tuple(each.needs for each in self.dependencies if isinstance(each.needs, Schema))

    def bind(self) -> Test:
        tests = [each.bind() for each in self.dependencies]
        return lambda value: type(value) is not dict or all(test(value) for test in tests)

    def explain(self, value: Any, report: Report) -> Details:
        failures = [each.explain(value, report) for each in self.dependencies if not each.bind()(value)]
        return [{"operatorName": "dependencies", **self.annotations, "failingDependencies": failures}]


@keyword("dependencies")
def dependencies(clause: KeywordClause) -> Rule:
    """A field that is there asks for others, or for a schema that the whole document matches.

    operand   document: under the name of each field an array of other names, or a schema; `title` and `description`
              may stand among them
    errors    NOT_AN_OBJECT, DEPENDENCY_KIND, DEPENDENCY_EMPTY, DEPENDENCY_NOT_STRING, DEPENDENCY_DUPLICATE, and
              those of the schemas
    source    manual, $jsonSchema
    """
    if type(clause.operand) is not dict:
        raise errors.NOT_AN_OBJECT(name="dependencies")
    annotations: dict[str, str] = {}
    found = []
    for name, needs in clause.operand.items():
        if name in ANNOTATIONS and type(needs) is str:
            annotations[name] = needs
        elif type(needs) is dict:
            found.append(Dependency(name, parse_schema(needs, is_root=clause.is_root)))
        elif type(needs) is list:
            _check_names(name, needs)
            found.append(Dependency(name, tuple(needs)))
        else:
            raise errors.DEPENDENCY_KIND(name=name)
    return Dependencies("dependencies", annotations, tuple(found))


def _check_names(name: str, needs: list[Any]) -> None:
    if not needs:
        raise errors.DEPENDENCY_EMPTY(name=name)
    for position, each in enumerate(needs):
        if type(each) is not str:
            raise errors.DEPENDENCY_NOT_STRING(name=name, actual=alias(each))
        if each in needs[:position]:
            raise errors.DEPENDENCY_DUPLICATE(name=name, value=each)
