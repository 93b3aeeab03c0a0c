"""A world that is taken down after each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from writ_world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    here = World(tmp_path)
    here.register()
    server = here.serve()
    yield here
    server.terminate()
    server.wait(10)
