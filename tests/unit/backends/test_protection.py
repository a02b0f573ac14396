from __future__ import annotations

from dataclasses import replace

from calzion.backends.protection import missing
from calzion.host.cgroup import CgroupTree
from calzion.host.facilities import COPY, OVERLAY, Facilities
from calzion.host.sandbox import Machine

WHOLE = Facilities(
    root=True,
    sandbox=True,
    layers=OVERLAY,
    cgroups=CgroupTree(version=2, directories={}),
    machine=Machine(),
)
VERSIONS = {"redis": "7", "postgres": "18"}


def test_nothing_is_missing() -> None:
    assert missing(WHOLE, VERSIONS) == []


def test_everything_is_missing() -> None:
    bare = replace(WHOLE, root=False, sandbox=False, layers=COPY, cgroups=None)
    told = missing(bare, {})
    assert len(told) == 6
    for word in ("bubblewrap", "not root", "Control groups", "Overlay", "postgres", "redis"):
        assert any(word in sentence for sentence in told), word
