"""How long a plan of five services takes, with ten deployments in the store and with a thousand.

The two stores are asked in turns, so that whatever else the machine does burdens both alike. Backend, router and
builder are in memory: what is measured is the store and the decision.
"""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

from bench.report import report
from calzion.controller.deployer import Claim
from calzion.controller.store import deployments, releases
from calzion.controller.store.releases import ReleaseService
from calzion.model import DeploymentName, ServiceName, Template
from calzion.template import parse_template
from tests.fakes.builder import FakeTree
from tests.fakes.world import NAME, World

TEMPLATE = """
web: {git: ., require: [redis, postgres, api], env: {LEVEL: info, TOKEN: "${KEY}"}}
api: {git: ., require: [redis, postgres]}
worker: {git: ., require: [redis]}
redis: {image: calzion/redis}
postgres: {image: calzion/postgres}
Env: {REGION: here}
Generate: {KEY: {length: 32}}
"""
APPS = {"web": "web: one", "api": "web: two", "worker": "worker: three"}
RELEASES = 3
"""How many each deployment in the store has."""

ROUNDS = 200
WARM_UP = 20


@dataclass
class Store:
    """A server whose store has `count` deployments like the one that is planned."""

    count: int
    directory: Path
    milliseconds: list[float] = field(default_factory=list)

    def fill(self) -> None:
        self.directory.mkdir()
        self.world = World(self.directory)
        self.template = parse_template(TEMPLATE.encode())
        self.world.deploy(TEMPLATE, APPS, commit="1" * 40)
        with self.world.parts.database.read() as connection:
            found = deployments.find(connection, NAME)
            assert found is not None
            current = releases.current(connection, found.id)
            assert current is not None
            services = releases.services(connection, current.id)
        for number in range(1, self.count):
            self._add(DeploymentName(f"app-{number}"), self.template, services)

    def plan(self, sources: Mapping[ServiceName, FakeTree], template: Template, *, changes: bool) -> float:
        """Milliseconds."""
        claim = Claim(user="bench", commit="2" * 40)
        began = time.perf_counter()
        forecast = self.world.deployer.forecast(NAME, template, sources, claim)
        took = (time.perf_counter() - began) * 1000
        assert forecast.plan.changes_something is changes, forecast.lines()
        return took

    def _add(self, name: DeploymentName, template: Template, services: tuple[ReleaseService, ...]) -> None:
        parts = self.world.parts
        with parts.database.write() as connection:
            made = deployments.create(connection, name, None, 0.0)
            deployments.ensure_generated(connection, parts.vault, made, template.generate)
            for each in services:
                deployments.address(connection, made.id, each.name, parts.address_is_free)
            for _ in range(RELEASES):
                release = releases.open_release(connection, made.id, user="bench", now=0.0)
                releases.set_sections(connection, release.id, template.env, template.generate, template.tasks)
                for each in services:
                    releases.put_service(connection, release.id, each)
                releases.make_current(connection, release, 0.0)


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        stores = [Store(count, Path(directory) / str(count)) for count in (10, 1000)]
        for store in stores:
            store.fill()
        same = {ServiceName(name): FakeTree(text, "1" * 40) for name, text in APPS.items()}
        other = {**same, ServiceName("api"): FakeTree("web: changed", "2" * 40)}
        changed = parse_template(TEMPLATE.replace("info", "debug").encode())
        gc.collect()
        for number in range(WARM_UP + ROUNDS):
            for store in stores if number % 2 else reversed(stores):
                took = (
                    store.plan(other, changed, changes=True)
                    if number % 3 == 0
                    else store.plan(same, store.template, changes=False)
                )
                if number >= WARM_UP:
                    store.milliseconds.append(took)
    report("plan", _figures(*stores))


def _figures(few: Store, many: Store) -> dict[str, object]:
    return {
        "services": 5,
        "plans of each store": ROUNDS,
        **{
            f"{name}, {store.count} deployments (ms)": round(value, 2)
            for store in (few, many)
            for name, value in (
                ("median", median(store.milliseconds)),
                ("p95", quantiles(store.milliseconds, n=20)[-1]),
            )
        },
        "ratio of the medians": round(median(many.milliseconds) / median(few.milliseconds), 2),
    }


if __name__ == "__main__":
    main()
