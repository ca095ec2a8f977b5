"""What a GraphQL request to Dagster asks for: read or change, which fields, on which runs and jobs. Pure.

The document is parsed as Dagster parses it, so nothing hides in comments, fragments or further operations. What is
kept for the log are names and ids alone; variables may hold run config and tags, and those are nobody's to keep.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from graphql import GraphQLError, parse
from graphql.language import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    Node,
    ObjectFieldNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
)
from graphql.language.visitor import Visitor, visit

from pw_pipelines.errors import UsageError

LONGEST_QUERY = 200_000  # the UI's longest is some 30,000 characters
MOST_TOKENS = 50_000
MOST_TARGETS = 50
Kind = Literal["query", "mutation", "subscription"]
# Names under which Dagster's schema has ids and names of things; their values are names of the code or UUIDs.
_TARGETS = {
    "runId", "runIds", "parentRunId", "pipelineRunId", "rootRunId", "backfillId", "jobName", "pipelineName",
    "sensorName", "scheduleName", "repositoryLocationName", "concurrencyKey", "poolName", "stepKeys",
}  # fmt: skip
_SOUND = re.compile(r"[A-Za-z0-9_.:-]{1,100}", re.ASCII)


class Unreadable(UsageError):
    """A request that is no GraphQL request as Dagster's UI sends them; the message says why."""


@dataclass(frozen=True)
class Asked:
    """One request: `kind` is mutation as soon as any operation of the document is one. `fields` are the root fields."""

    query: str
    variables: dict[str, Any]
    operation: str | None
    kind: Kind
    fields: tuple[str, ...]
    targets: tuple[str, ...]

    def body(self) -> bytes:
        """What Dagster gets: what was judged, and nothing else that stood in the request."""
        return json.dumps(
            {"query": self.query, "variables": self.variables, "operationName": self.operation}, allow_nan=False
        ).encode()


@dataclass(frozen=True)
class _Document:
    kind: Kind
    fields: tuple[str, ...]
    targets: tuple[str, ...]


def read_body(body: bytes) -> Asked:
    """A POST's JSON body. Raises Unreadable."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable("The body is not JSON.") from error
    return read(said, operation_under="operationName")


def read(said: object, *, operation_under: str) -> Asked:
    """`query`, `variables` and the operation's name of a JSON object. Raises Unreadable."""
    if not isinstance(said, dict) or not isinstance(said.get("query"), str):
        raise Unreadable("A request is one JSON object with a `query`.")
    query, variables, operation = said["query"], said.get("variables"), said.get(operation_under)
    if isinstance(variables, str):
        try:
            variables = json.loads(variables)
        except (ValueError, RecursionError) as error:
            raise Unreadable("The variables are not JSON.") from error
    if not isinstance(variables, dict | None) or not isinstance(operation, str | None):
        raise Unreadable("Variables are a JSON object, and the operation's name is text.")
    if len(query) > LONGEST_QUERY:
        raise Unreadable(f"The query is longer than {LONGEST_QUERY:,} characters.")
    document = _read_document(query)
    targets = dict.fromkeys((*document.targets, *_targets_in(variables)))
    return Asked(query, variables or {}, operation, document.kind, document.fields, tuple(targets)[:MOST_TARGETS])


@lru_cache(maxsize=256)
def _read_document(query: str) -> _Document:
    """The UI asks the same few questions again and again."""
    try:
        document = parse(query, no_location=True, max_tokens=MOST_TOKENS)
        operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
        if not operations or len(operations) + len(_fragments(document)) != len(document.definitions):
            raise Unreadable("The document holds something other than operations and fragments, or no operation.")
        kinds: set[Kind] = {one.operation.value for one in operations}
        kind: Kind = "mutation" if "mutation" in kinds else "subscription" if "subscription" in kinds else "query"
        fields = dict.fromkeys(
            name
            for one in operations
            if one.operation.value == kind
            for name in _root_fields(one.selection_set, _fragments(document), set())
        )
        literals = _Literals()
        visit(document, literals)
    except GraphQLError as error:
        raise Unreadable(f"The query is not GraphQL: {error.message[:200]}") from error
    except RecursionError as error:
        raise Unreadable("The query is nested too deeply.") from error
    return _Document(kind, tuple(fields), tuple(literals.found))


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}


def _root_fields(
    selection: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], seen: set[str]
) -> Iterator[str]:
    for one in selection.selections:
        if isinstance(one, FieldNode):
            yield one.name.value
        elif isinstance(one, InlineFragmentNode):
            yield from _root_fields(one.selection_set, fragments, seen)
        elif isinstance(one, FragmentSpreadNode) and one.name.value not in seen and one.name.value in fragments:
            seen.add(one.name.value)
            yield from _root_fields(fragments[one.name.value].selection_set, fragments, seen)


class _Literals(Visitor):
    """Ids and names that stand in the document itself instead of in its variables."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def _note(self, node: Any, *_: Any) -> None:
        if node.name.value in _TARGETS:
            self.found += [value for value in _strings(node.value) if _SOUND.fullmatch(value)]

    enter_argument = _note

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> None:
        self._note(node)


def _strings(value: Node) -> list[str]:
    if isinstance(value, StringValueNode):
        return [value.value]
    return [one.value for one in getattr(value, "values", ()) if isinstance(one, StringValueNode)]


def _targets_in(value: object, name: str = "", depth: int = 0) -> Iterator[str]:
    """Ids and names among the variables; run config and tags are not looked into."""
    if depth > 6:
        return
    if isinstance(value, Mapping):
        for key, held in value.items():
            if key not in {"runConfigData", "runConfigYaml", "tags", "executionMetadata", "extraTags"}:
                yield from _targets_in(held, str(key), depth + 1)
    elif isinstance(value, list):
        for held in value[:MOST_TARGETS]:
            yield from _targets_in(held, name, depth + 1)
    elif isinstance(value, str) and (name in _TARGETS or (depth == 1 and name == "id")) and _SOUND.fullmatch(value):
        yield value


def answered(body: bytes) -> dict[str, Any]:
    """How Dagster answered a mutation, for the log: the types of its answers and the ids of runs it made."""
    try:
        said = json.loads(body)
        data = said.get("data") or {}
        types, runs = [], []
        for answer in data.values():
            if not isinstance(answer, Mapping):
                continue
            types.append(str(answer.get("__typename", "")))
            run = answer.get("run")
            runs.append(run.get("runId") or run.get("id") if isinstance(run, Mapping) else answer.get("runId"))
        sound = [value for value in runs if isinstance(value, str) and _SOUND.fullmatch(value)]
        return {"answers": [one for one in types if _SOUND.fullmatch(one)], "runs": sound, "errors": "errors" in said}
    except (ValueError, AttributeError, RecursionError):
        return {"answers": [], "runs": [], "errors": True}
