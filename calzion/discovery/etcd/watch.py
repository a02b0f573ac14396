"""A watch of etcd that survives what happens to etcd.

Every connection begins with a list of what there is, and follows from that list's revision: so nothing is missed after
a restart, a compaction, or a cluster that was made anew. A connection that is silent may be to a member that hangs: it
is given up and begun again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from calzion.discovery.etcd.cluster import Cluster, Refusal, unreachable
from calzion.discovery.etcd.keys import directory_of, key_of
from calzion.discovery.etcd.reading import decoded, encoded, end_of, instance_of
from calzion.discovery.registration import Change, Snapshot
from calzion.discovery.view import View
from calzion.errors import CalzionError

if TYPE_CHECKING:
    from calzion.discovery.etcd.registry import EtcdRegistry

SILENCE = 5.0
"""Seconds without a word after which a list is asked for."""

_PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Seconds before the next attempt after one that failed, then always the last."""


class EtcdWatch:
    def __init__(
        self, lister: EtcdRegistry, cluster: Cluster, prefix: str, since: Snapshot, silence: float
    ) -> None:
        self._lister = lister
        self._cluster = cluster
        self._prefix = prefix
        self._silence = silence
        self._view = View(since)
        self._trouble, self._failures = "", 0
        self._closed = threading.Event()
        threading.Thread(target=self._run, name="etcd watch", daemon=True).start()

    def take(self, timeout: float) -> Sequence[Change]:
        return self._view.take(timeout)

    def trouble(self) -> str:
        return self._trouble

    def close(self) -> None:
        """Its thread ends within the time that it would wait for a silent member."""
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                snapshot = self._lister.snapshot(self._view.selection)
                self._view.bring(snapshot)
                self._follow(snapshot.revision + 1)
            except TimeoutError:
                continue
            except (CalzionError, Refusal) as error:
                self._trouble = str(error)
                self._closed.wait(_PAUSES[min(self._failures, len(_PAUSES) - 1)])
                self._failures += 1

    def _follow(self, revision: int) -> None:
        directory = directory_of(self._prefix, self._view.selection)
        request = {"key": encoded(directory), "range_end": end_of(directory), "start_revision": revision}
        with self._cluster.stream("/watch", {"create_request": request}, self._silence) as lines:
            for line in lines:
                self._heed(line)
                if self._closed.is_set():
                    return
        raise unreachable("it ended the watch")

    def _heed(self, line: Mapping[str, Any]) -> None:
        """Raises Refusal where nothing more comes: etcd has compacted, or does not allow it."""
        result = line.get("result", {"canceled": True})
        if result.get("canceled"):
            raise Refusal(
                str(result.get("cancel_reason") or line.get("error") or "what was asked for is compacted")
            )
        self._trouble, self._failures = "", 0
        self._apply(result.get("events", ()), int(result["header"].get("revision", 0)))

    def _apply(self, events: Iterable[Mapping[str, Any]], revision: int) -> None:
        for event in events:
            pair = event["kv"]
            instance = None if event.get("type") == "DELETE" else instance_of(self._prefix, pair)
            key = key_of(self._prefix, decoded(pair["key"]))
            if instance:
                self._view.put(instance, revision)
            elif key:
                self._view.remove(key, revision)
