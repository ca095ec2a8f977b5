"""What every reader of a state's company register shares: columns, blocks, and how they are read.

A register may hold ten million records, so it is read in blocks: `blocks` cuts the stream at record borders and
does nothing else, `parse` turns one block into columns and knows nothing of the others. Whoever drives them may
parse blocks in other processes and load them in any order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import BinaryIO, Literal, Protocol

from pw_pipelines.sources.report import Reject

NameKind = Literal["legal", "assumed", "fictitious", "trade", "former", "reserved", "event"]
"""What a name is to its entity. `event`: named in an event record whose meaning a person must judge."""

Form = Literal["llc", "corporation", "nonprofit", "partnership", "trust", "cooperative", "name", "other"]
"""Kinds of entity that name rules tell apart. `name`: the record is a registered name, not an entity."""

Standing = Literal["live", "not_live", "unknown"]

Column = list[str] | list[str | None] | str | None
"""A value per record, or one value that holds for the whole block. Dates are ISO text."""

Share = Literal["whole", "increment", "part"]
"""How much of the register a copy is. `whole`: it replaces what stood there. `increment`: what was added or changed
since the copy before. `part`: records that are true but prove nothing about others (a page of results, one of
several files); loaded like an increment."""


@dataclass
class EntityColumns:
    """Records of one block, column by column; all lists are equally long. See `registry.model.ENTITY_COLUMNS`.

    record_id   unique within the state: the entity's number, or for a further name of it, number and suffix
    entity_id   the number the state gave the entity, as text with its leading zeros
    name        as the source writes it, cleaned of what is not name (Colorado's status tail); None: not told here
    type_code   the source's own word or code; `form` our reading of it
    status      the source's own word or code; `standing` our reading of it
    formed_on   day of formation or registration; changed_on: day the status or the name was last changed, if told
    home        state or country of formation as told; place: city of the principal office
    rank        only where several records speak of one `record_id`: the lowest speaks, others fill its gaps
    """

    record_id: list[str]
    entity_id: list[str]
    name: list[str] | list[str | None] | None
    name_kind: list[str] | NameKind = "legal"
    form: Column = None
    type_code: Column = None
    status: Column = None
    standing: list[str] | Standing | None = None
    formed_on: Column = None
    changed_on: Column = None
    home: Column = None
    place: Column = None
    rank: list[int] | int = 0

    def __len__(self) -> int:
        return len(self.record_id)


@dataclass
class EventColumns:
    """Events of one block (Florida's corevt): what happened to an entity, in order. `name`: named in the event."""

    entity_id: list[str]
    sequence: list[str]
    code: list[str | None]
    description: list[str | None]
    filed_on: list[str | None]
    effective_on: list[str | None]
    name: list[str | None]

    def __len__(self) -> int:
        return len(self.entity_id)


@dataclass
class Parsed:
    """What became of one block: `read` records in it = those in `rows` + `rejected`. `rejects` keeps the first ones.

    notes: sentences about what was mended, with `{n}` for the count, and the count.
    """

    rows: EntityColumns | EventColumns
    read: int
    rejected: int = 0
    rejects: list[Reject] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)
    newest: date | None = None


@dataclass(frozen=True)
class Block:
    """A run of whole records. `first_line` counts from 1 over the file (or the member) it was cut from.

    left_at: (offset, bytes) in the stream, where the bytes were left for whoever parses the block to read; `data` is
    empty then.
    """

    data: bytes
    first_line: int
    member: str = ""
    left_at: tuple[int, int] | None = None

    @property
    def size(self) -> int:
        """Bytes of the records."""
        return self.left_at[1] if self.left_at else len(self.data)


@dataclass
class RegisterFacts:
    """Told by `blocks` when its iterator is exhausted: what the copy says of itself.

    control_total and where it is stated; `day` the copy is of; `share` the copy really is (a lone page is a part);
    layout in words.
    """

    layout: str = ""
    share: Share = "part"
    control_total: int | None = None
    control_source: str | None = None
    day: date | None = None
    notes: list[str] = field(default_factory=list)


class RegisterReader(Protocol):
    """Reads one register source of one state. Pure: no I/O but the stream it is handed."""

    source: str
    state: str
    what: Literal["entities", "events"]
    share: Share  # of a good copy fetched by us
    replaces: tuple[str, ...]  # a whole copy also replaces what these sources told up to its day (daily files)
    is_grouped: bool  # several records may speak of one record_id (Oregon, Pennsylvania parties)

    def recognises(self, head: bytes, file_name: str) -> bool:
        """Whether a file that begins like this is this source's; `head` holds at least 4 KiB where there are."""
        ...

    def blocks(
        self, raw: BinaryIO, facts: RegisterFacts, *, file_name: str | None = None, may_leave: bool = False
    ) -> Iterator[Block]:
        """Blocks of some megabytes, in order. Raises SourceRejected when the bytes are not this source's.

        may_leave: blocks may be told by their place (`left_at`), where their borders can be seen without reading them.
        """
        ...

    def parse(self, block: Block) -> Parsed:
        """One block's records. Picklable in and out. A record that cannot be read is a reject, never a guess."""
        ...
