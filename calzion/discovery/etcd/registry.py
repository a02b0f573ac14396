"""The registry in etcd, by its API of version 3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from calzion.discovery.etcd.access import Access
from calzion.discovery.etcd.cluster import TIMEOUT, Cluster, Refusal
from calzion.discovery.etcd.keys import directory_of, path_of, value_of
from calzion.discovery.etcd.reading import encoded, end_of, snapshot_of
from calzion.discovery.etcd.watch import SILENCE, EtcdWatch
from calzion.discovery.registration import Key, Registration, Selection, Snapshot
from calzion.discovery.registry import lease_is_over
from calzion.errors import CalzionError

_NO_LEASE = "requested lease not found"


class EtcdRegistry:
    """Implements `discovery.registry.Registry`. For one thread at a time; each watch has connections of its own."""

    def __init__(self, access: Access, timeout: float = TIMEOUT, silence: float = SILENCE) -> None:
        """`timeout` is seconds that a member has to answer, `silence` those that a watch believes a silent one."""
        self._access = access
        self._timeout, self._silence = timeout, silence
        self._cluster = Cluster(access, timeout)

    def grant(self, ttl: int) -> str:
        return str(self._post("/lease/grant", {"TTL": ttl})["ID"])

    def renew(self, lease: str) -> bool:
        """etcd answers without a TTL where there is no such lease."""
        return int(self._post("/lease/keepalive", {"ID": lease}).get("result", {}).get("TTL", 0)) > 0

    def register(self, lease: str, registration: Registration) -> None:
        body = {
            "key": encoded(path_of(self._prefix, registration.key)),
            "value": encoded(value_of(registration)),
            "lease": lease,
        }
        self._post("/kv/put", body)

    def withdraw(self, key: Key) -> None:
        self._post("/kv/deleterange", {"key": encoded(path_of(self._prefix, key))})

    def snapshot(self, selection: Selection) -> Snapshot:
        directory = directory_of(self._prefix, selection)
        answer = self._post("/kv/range", {"key": encoded(directory), "range_end": end_of(directory)})
        return snapshot_of(self._prefix, selection, answer)

    def watch(self, since: Snapshot) -> EtcdWatch:
        lister = EtcdRegistry(self._access, self._timeout, self._silence)
        return EtcdWatch(lister, Cluster(self._access, self._timeout), self._prefix, since, self._silence)

    @property
    def _prefix(self) -> str:
        return f"/{self._access.url.prefix}"

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return refused_as_errors(lambda: self._cluster.post(path, body))


def refused_as_errors(call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return call()
    except Refusal as error:
        if _NO_LEASE in str(error):
            raise lease_is_over() from error
        raise refused(error) from error


def refused(refusal: Refusal) -> CalzionError:
    return CalzionError(f"etcd refuses: {refusal}", hint=_advice(str(refusal)))


def _advice(said: str) -> str:
    if "space exceeded" in said:
        return "make room in etcd (compact, defragment), then 'etcdctl alarm disarm'"
    if "permission denied" in said or "authentication failed" in said:
        return "look at the user, its role and password: it must read and write below the prefix"
    return "see etcd's log"
