"""Routes in etcd: PREFIX/routes/HOST, without leases."""

from __future__ import annotations

from calzion.discovery.etcd.access import Access
from calzion.discovery.etcd.cluster import TIMEOUT, Cluster, Refusal
from calzion.discovery.etcd.reading import decoded, encoded, end_of
from calzion.discovery.etcd.registry import refused, refused_as_errors
from calzion.discovery.etcd.watch import SILENCE
from calzion.discovery.routes import RouteSnapshot, read_route, value_of
from calzion.model import Endpoint


class EtcdRoutes:
    """Implements `discovery.routes.RouteStore`. For one thread at a time."""

    def __init__(self, access: Access, timeout: float = TIMEOUT, silence: float = SILENCE) -> None:
        self._cluster = Cluster(access, timeout)
        self._silence = silence
        self._directory = f"/{access.url.prefix}/routes/"

    def snapshot(self) -> RouteSnapshot:
        """Keys that are no routes are passed over."""
        answer = refused_as_errors(lambda: self._cluster.post("/kv/range", self._range))
        found = {}
        for pair in answer.get("kvs", ()):
            host = decoded(pair["key"]).removeprefix(self._directory)
            if routers := read_route(host, decoded(pair.get("value", ""))):
                found[host] = routers
        return RouteSnapshot(int(answer["header"]["revision"]), found)

    def wait(self, revision: int) -> None:
        request = {"create_request": {**self._range, "start_revision": revision + 1}}
        try:
            with self._cluster.stream("/watch", request, self._silence) as lines:
                for line in lines:
                    result = line.get("result", {"canceled": True})
                    if result.get("canceled") or result.get("events"):
                        return  # also where that revision is compacted: who lists again is right
        except TimeoutError:
            return
        except Refusal as error:
            raise refused(error) from error

    def put(self, host: str, routers: tuple[Endpoint, ...]) -> None:
        body = {"key": encoded(self._directory + host), "value": encoded(value_of(routers))}
        refused_as_errors(lambda: self._cluster.post("/kv/put", body))

    def remove(self, host: str) -> None:
        body = {"key": encoded(self._directory + host)}
        refused_as_errors(lambda: self._cluster.post("/kv/deleterange", body))

    @property
    def _range(self) -> dict[str, str]:
        return {"key": encoded(self._directory), "range_end": end_of(self._directory)}
