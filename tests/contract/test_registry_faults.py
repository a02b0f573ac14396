"""What befalls a real etcd while instances are registered and watched."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from calzion.discovery.publisher import Publisher
from calzion.discovery.registration import Key, Registration, Selection
from calzion.discovery.registry import Registry
from tests.contract.registry_stage import EtcdStage, web
from tests.integration.etcd_server import QUOTA, EtcdServer, until

TTL = 2


class Follower:
    """Holds what a watch has told."""

    def __init__(self, registry: Registry) -> None:
        since = registry.snapshot(Selection())
        self._watch = registry.watch(since)
        self._end = threading.Event()
        self.there: dict[Key, Registration] = {
            each.registration.key: each.registration for each in since.instances
        }
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    @property
    def instances(self) -> list[str]:
        return sorted(key[3] for key in self.there)

    @property
    def trouble(self) -> str:
        return self._watch.trouble()

    def close(self) -> None:
        self._end.set()
        self._thread.join(10)
        self._watch.close()

    def _run(self) -> None:
        while not self._end.is_set():
            for change in self._watch.take(0.05):
                registration = change.instance.registration
                if change.present:
                    self.there[registration.key] = registration
                else:
                    self.there.pop(registration.key)


class Scene:
    """One that publishes and one that watches, over an etcd of their own."""

    def __init__(self, directory: Path) -> None:
        self.etcd = EtcdServer(directory)
        stage = EtcdStage(self.etcd)
        self.registry = stage.another()
        self.publisher = Publisher(stage.another(), TTL)
        self._running = threading.Thread(target=self.publisher.run)
        self._running.start()
        self.follower = Follower(stage.another())
        self.have("a", "b")

    def have(self, *instances: str) -> None:
        """Instances that are seen by who watches."""
        self.want(*instances)
        until(lambda: self.follower.instances == [*instances])

    def want(self, *instances: str) -> None:
        self.publisher.want(web(each) for each in instances)

    def stop_publishing(self) -> None:
        self.publisher.stop()
        self._running.join(20)

    def close(self) -> None:
        self.etcd.go_on()
        self.stop_publishing()
        self.follower.close()
        self.etcd.close()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    scene.close()


def killed(scene: Scene) -> None:
    scene.etcd.kill()


def paused(scene: Scene) -> None:
    scene.etcd.pause()


@pytest.mark.parametrize("fault", [killed, paused])
def test_while_etcd_is_away_nothing_seems_gone_and_after_it_all_is_as_it_should_be(
    scene: Scene, fault: Callable[[Scene], None]
) -> None:
    fault(scene)
    scene.want("b", "c")
    until(lambda: scene.publisher.trouble and scene.follower.trouble)
    assert "etcd does not answer" in scene.publisher.trouble
    assert scene.follower.instances == ["a", "b"]
    scene.etcd.start() if fault is killed else scene.etcd.go_on()
    until(lambda: scene.follower.instances == ["b", "c"])
    until(lambda: not scene.publisher.trouble and not scene.follower.trouble)
    scene.have("c", "d")


def test_what_nobody_renews_goes_though_etcd_was_restarted_meanwhile(scene: Scene) -> None:
    scene.stop_publishing()
    scene.etcd.kill()
    scene.etcd.start()
    assert scene.follower.instances == ["a", "b"]
    until(lambda: scene.follower.instances == [])


def test_a_compaction_takes_nothing_from_any_watch(scene: Scene) -> None:
    asleep = scene.registry.snapshot(Selection())
    scene.have("b", "c")
    scene.etcd.compact()
    awake = scene.registry.watch(asleep)
    changes = list[tuple[bool, str]]()
    until(
        lambda: (
            changes.extend((each.present, each.instance.registration.instance) for each in awake.take(1))
            or len(changes) == 2
        )
    )
    assert changes == [(True, "c"), (False, "a")]
    awake.close()
    scene.have("c", "d")


def test_a_full_disk_takes_nothing_new_and_still_lets_go_and_goes_on_when_there_is_room(scene: Scene) -> None:
    fill(scene.etcd)
    scene.want("b", "c")
    until(lambda: "space exceeded" in scene.publisher.trouble)
    until(lambda: scene.follower.instances == ["b"])
    assert scene.registry.snapshot(Selection()).instances[0].registration == web("b")
    make_room(scene.etcd)
    scene.have("b", "c")
    until(lambda: not scene.publisher.trouble)


def test_an_etcd_that_lost_everything_gets_it_again(scene: Scene) -> None:
    scene.etcd.kill()
    shutil.rmtree(scene.etcd.directory / "etcd")
    scene.etcd.start()
    until(
        lambda: (
            [each.registration for each in scene.registry.snapshot(Selection()).instances]
            == [web("a"), web("b")]
        )
    )
    scene.have("b", "c")


def fill(etcd: EtcdServer) -> None:
    """Write until etcd says that there is no space."""
    for number in range(QUOTA // 1_000_000 + 2):
        if not etcd.put(f"/fill/{number}", "x" * 1_000_000):
            return
    raise AssertionError("etcd takes more than its quota")


def make_room(etcd: EtcdServer) -> None:
    etcd.control("del", "/fill/", "--prefix")
    etcd.compact()
    etcd.control("defrag")
    etcd.control("alarm", "disarm")
