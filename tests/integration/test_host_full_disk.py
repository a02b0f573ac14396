"""What the host daemon does while nothing can be written."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from calzion.errors import CalzionError
from calzion.host import procfs
from calzion.model import InstanceState
from tests.fakes.host import Host, eventually


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path / "data")
    yield host
    host.close()


def test_what_can_not_be_recorded_is_not_started(host: Host) -> None:
    before = host.spec("exec sleep 1000")
    host.backend.ensure([before])
    eventually(lambda: host.instance(before.id).state is InstanceState.RUNNING)
    spec = host.spec("exec sleep 1000")
    # As on a full disk: files can be made, but nothing can be written to them.
    unlimited = resource.prlimit(host.daemon.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    with pytest.raises(CalzionError, match="can't be started"):
        host.backend.ensure([spec])
    assert procfs.find(str(host.layout.instances / spec.id)) is None
    assert [one.id for one in host.backend.instances()] == [before.id]
    eventually(lambda: [path.name for path in host.layout.instances.iterdir()] == [before.id])
    resource.prlimit(host.daemon.pid, resource.RLIMIT_FSIZE, unlimited)
    host.backend.ensure([spec])
    eventually(lambda: host.instance(spec.id).state is InstanceState.RUNNING)
