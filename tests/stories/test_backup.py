"""A server is lost, and another one serves what a backup has of it."""

from __future__ import annotations

import json
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stories.apps import web
from tests.stories.site import Site
from tests.stories.test_moving import run, set_secret

SHOP = "web: {git: ., env: {KEY: '${KEY}'}, require: [postgres]}\ncalzion/postgres:\n"
SITE = "web: {git: .}\n"


@pytest.fixture(scope="module")
def other() -> Iterator[Site]:
    """Another machine, for all that the two know of each other."""
    other = Site()
    try:
        other.start()
        yield other
    finally:
        other.close()


def test_a_server_comes_back_on_another_machine(site: Site, other: Site) -> None:
    set_secret(site, "shop", "s3cret-value")
    shop = site.repository("shop", web("shop", template__yaml=SHOP))
    pages = site.repository("pages", web("pages", template__yaml=SITE))
    for pushed in (shop.push("shop"), pages.push("pages")):
        assert pushed.status == 0, pushed
    run(site, "shop:postgres", "psql", "-c", "create table orders as select generate_series(1, 1000) as n")

    backup, archive = site.root / "backup", site.root / "backup.tar"
    for target in (backup, archive):
        made = site.calzion("backup", str(target))
        assert made.returncode == 0 and "2 deployments, 1 keys" in made.stdout, made
        assert "s3cret-value" not in made.stdout
    again = site.calzion("backup", str(backup))
    assert again.returncode == 4 and "exists already" in again.stderr, again
    only_mine(backup, archive)

    restored = other.calzion("restore", str(archive), "--host-keys")
    assert restored.returncode == 0, restored
    assert "2 of 2 deployments are here" in restored.stdout and "a key of alice" in restored.stdout
    assert json.loads(other.get("shop")[1])["env"]["KEY"] == "s3cret-value"
    assert json.loads(other.get("pages")[1])["text"] == "pages"
    assert run(other, "shop:postgres", "psql", "-At", "-c", "select sum(n) from orders") == "500500"
    keys = [(each.data / "ssh" / "host_ed25519").read_text() for each in (site, other)]
    assert keys[0] == keys[1]
    shop.git("remote", "set-url", "calzion", f"ssh://git@127.0.0.1:{other.ssh}/shop")
    shop.commit(web("shop two", template__yaml=SHOP))
    pushed = shop.push("shop")
    assert pushed.status == 0, pushed

    assert other.calzion("destroy", "pages", "--yes").returncode == 0
    once_more = other.calzion("restore", str(backup))
    assert once_more.returncode == 0 and "shop is there already" in once_more.stdout, once_more
    assert json.loads(other.get("pages")[1])["text"] == "pages"
    assert json.loads(other.get("shop")[1])["text"] == "shop two"


def only_mine(backup: Path, archive: Path) -> None:
    files = [path for path in backup.rglob("*") if path.is_file()]
    assert sorted(str(path.relative_to(backup)) for path in files) == [
        "backup.json",
        "deployments/pages.calzion",
        "deployments/shop.calzion",
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in (*files, archive)} == {0o600}
    assert stat.S_IMODE(backup.stat().st_mode) == 0o700


def test_what_is_no_whole_backup_changes_nothing(site: Site, other: Site) -> None:
    before = other.json("list")
    half = site.root / "half.tar"
    with tarfile.open(half, "w") as archive:
        archive.add(site.root / "backup" / "deployments", "deployments")
    for source, told, code in (
        (str(half), "is not whole", 2),
        (str(site.root / "alice.pub"), "can't be read as a backup", 2),
        (str(site.root / "none.tar"), "there is no", 3),
        (str(site.root), "is not whole", 2),
    ):
        refused = other.calzion("restore", source)
        assert refused.returncode == code and told in refused.stderr, refused
    unknown = other.calzion("restore", str(site.root / "backup"), "--only", "cart")
    assert unknown.returncode == 3 and "there is no cart in this backup" in unknown.stderr, unknown
    assert other.json("list") == before
