"""The heads of the portals' files tell the same portals as the files read whole."""

from __future__ import annotations

import pytest

from pw_pipelines.probes.heads import Head, visited
from pw_pipelines.probes.targets import targets
from pw_pipelines.settings import Mode, Settings


@pytest.mark.parametrize("mode", list(Mode))
def test_the_heads_name_every_portal_we_file_with_and_every_search_a_program_may_ask(mode: Mode) -> None:
    settings = Settings(mode=mode)
    whole = [one for one in targets(settings).values() if one.kind == "filing" or one.never is None]
    assert sorted(visited(settings), key=str) == sorted(
        (Head(one.code, one.kind, one.title, one.host) for one in whole), key=str
    )


def test_in_the_sandbox_there_are_portals_of_both_kinds() -> None:
    assert {one.kind for one in visited(Settings())} == {"filing", "search"}
