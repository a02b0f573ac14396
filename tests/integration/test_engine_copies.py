"""Copies in an engine that can't see our files, and whether one can."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from calzion.backends.docker.depot import Depot
from calzion.backends.docker.engine import Engine
from calzion.backends.docker.holder import fetch, holding
from calzion.backends.docker.labels import TREE
from calzion.backends.docker.order import Bind
from calzion.backends.docker.sight import Sight
from calzion.images.recipe import recipe
from calzion.layout import Layout
from tests.containers import need_images

IMAGE = recipe("stack").tag


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    need_images()
    engine = Engine(Layout(tmp_path / "data"), os.environ)
    yield engine
    for volume in engine.api.volumes(filters=engine.filters())["Volumes"] or ():
        engine.api.remove_volume(volume["Name"])
    assert not engine.api.containers(all=True, filters=engine.filters())
    engine.close()


@pytest.fixture
def app(tmp_path: Path) -> Path:
    app = tmp_path / "slug" / "app"
    (app / "bin").mkdir(parents=True)
    (app / "bin/run").write_text("echo hello\n")
    (app / "bin/run").chmod(0o750)
    (app / "python").symlink_to("/usr/bin/python3")
    (app / "same").hardlink_to(app / "bin/run")
    return app


def content(engine: Engine, volume: str, into: Path) -> list[str]:
    into.mkdir()
    with holding(engine, IMAGE, [Bind(source=volume, target="/v", volume=True)]) as container:
        fetch(engine, container, "/v", into)
    return sorted(str(path.relative_to(into)) for path in into.rglob("*"))


def test_a_copy_is_as_the_original(engine: Engine, app: Path, tmp_path: Path) -> None:
    depot = Depot(engine, lambda: IMAGE)
    place = depot.have("a", app)
    assert place.endswith("/tree/app")
    back = tmp_path / "back"
    assert "tree/app/bin/run" in content(engine, depot.volume("a"), back)
    copy = back / "tree/app"
    assert ((copy / "bin/run").stat().st_mode & 0o777, (copy / "bin/run").read_text()) == (
        0o750,
        "echo hello\n",
    )
    assert (copy / "same").samefile(copy / "bin/run")
    assert (copy / "python").readlink() == Path("/usr/bin/python3")


def test_it_is_made_once(engine: Engine, app: Path, tmp_path: Path) -> None:
    place = Depot(engine, lambda: IMAGE).have("a", app)
    (app / "late").touch()
    depot = Depot(engine, lambda: IMAGE)
    assert depot.have("a", app) == place
    assert "tree/app/late" not in content(engine, depot.volume("a"), tmp_path / "back")


def test_half_a_copy_is_made_anew(engine: Engine, app: Path, tmp_path: Path) -> None:
    depot = Depot(engine, lambda: IMAGE)
    engine.api.create_volume(depot.volume("a"), labels=engine.labels(tree="a"))
    depot.have("a", app)
    assert {"whole", "tree/app/bin/run"} <= {*content(engine, depot.volume("a"), tmp_path / "back")}


def test_what_is_not_wanted_goes_and_what_is_used_stays(engine: Engine, app: Path) -> None:
    depot = Depot(engine, lambda: IMAGE)
    for key in ("wanted", "used", "neither"):
        depot.have(key, app)
    with holding(engine, IMAGE, [Bind(source=depot.volume("used"), target="/v", volume=True)]):
        depot.keep(lambda key: key == "wanted")
        left = engine.api.volumes(filters=engine.filters())["Volumes"]
        assert {volume["Labels"][TREE] for volume in left} == {"wanted", "used"}
    depot.have("neither", app)
    depot.keep(lambda _key: False)
    assert not engine.api.volumes(filters=engine.filters())["Volumes"]


def test_what_cannot_be_packed_is_said(engine: Engine, app: Path) -> None:
    depot = Depot(engine, lambda: IMAGE)
    with pytest.raises(OSError, match="can't be packed"):
        depot.have("a", app.with_name("gone"))
    assert depot.have("a", app)


def test_whether_an_engine_sees_our_files(engine: Engine, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data")
    assert Sight(engine, layout).sees(IMAGE)
    assert not [*layout.run.iterdir()]
    assert Sight(engine, layout).offers(IMAGE, Path("/etc"))
    assert not Sight(engine, layout).offers(IMAGE, tmp_path / "nothing")
