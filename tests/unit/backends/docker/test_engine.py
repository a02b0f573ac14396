from __future__ import annotations

from pathlib import Path

import pytest

from calzion.backends.docker.engine import Engine, own_container, place
from calzion.backends.docker.protection import missing
from calzion.errors import CalzionError
from calzion.layout import Layout

MACHINE = "25 30 0:23 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
INSIDE = (
    "812 790 254:0 /var/lib/docker/containers/"
    + "ab" * 32
    + "/hostname /etc/hostname rw - ext4 /dev/vda rw\n"
)


def test_whether_it_runs_in_a_container_itself() -> None:
    assert own_container(MACHINE) is None
    assert own_container(MACHINE + INSIDE) == "ab" * 32


def test_where_a_path_lies_on_the_engines_machine() -> None:
    mounted = {
        Path("/var/lib/calzion"): Path("/volumes/data/_data"),
        Path("/run/x.sock"): Path("/run/y.sock"),
    }
    assert place(Path("/data/slugs"), {}) == Path("/data/slugs")
    assert place(Path("/var/lib/calzion/slugs/a"), mounted) == Path("/volumes/data/_data/slugs/a")
    with pytest.raises(CalzionError, match="inside Calzion's own container"):
        place(Path("/opt/thing"), mounted)


def test_an_engine_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    engine = Engine(Layout(tmp_path), {"DOCKER_HOST": f"unix://{tmp_path}/nothing.sock"})
    with pytest.raises(CalzionError, match="no container engine answers") as caught:
        assert engine.api
    assert caught.value.code == "unsupported"


def test_an_installation_keeps_its_id(tmp_path: Path) -> None:
    first = Engine(Layout(tmp_path), {}).installation
    assert len(first) == 8 and Engine(Layout(tmp_path), {}).installation == first
    assert Engine(Layout(tmp_path), {}).labels(deployment="shop") == {
        "calzion.installation": first,
        "calzion.deployment": "shop",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["installation"]


def test_what_an_engine_lacks() -> None:
    fine = {"MemoryLimit": True, "PidsLimit": True, "SecurityOptions": ["name=seccomp,profile=default"]}
    assert missing(fine, root=True) == []
    told = missing({"MemoryLimit": False, "SecurityOptions": None}, root=False)
    assert [sentence.split(":")[0] for sentence in told] == [
        "The engine can't limit memory",
        "The engine filters no system calls (seccomp)",
        "Calzion is not root",
    ]
