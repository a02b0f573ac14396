"""Instances of the services of one's own deployment, for apps that need more than a service's one name.

A copy of this file in an app is all that it takes; it needs Python's standard library alone.

    from calzion_discovery import instances, leader, watch

    for each in instances("worker"):
        print(each["host"], each["port"])
"""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any

SILENCE = 30.0
"""Seconds without a word after which a stream is begun again; there is one every ten."""


def instances(service: str) -> list[dict[str, Any]]:
    """Those that are up right now, the earliest first. Raises OSError where nobody answers."""
    with _ask(service, "application/json") as answer:
        found: list[dict[str, Any]] = json.load(answer)
    return found


def leader(service: str) -> dict[str, Any] | None:
    """The one instance that all agree on, None where none is up."""
    return next((each for each in instances(service) if each["leader"]), None)


def is_leader() -> bool:
    """Whether this instance is its service's leader. Ask again before each thing that one alone may do."""
    own = (os.environ.get("PORT"), os.environ["SERVICE"])
    first = leader(own[1])
    return first is not None and str(first["port"]) == own[0]


def watch(service: str) -> Iterator[list[dict[str, Any]]]:
    """The whole list at once, and again after every change, for ever. Nobody answering is no change."""
    pause = 0.1
    while True:
        try:
            with _ask(service, "text/event-stream") as stream:
                for line in stream:
                    if line.startswith(b"data: "):
                        yield json.loads(line[len(b"data: ") :])
                        pause = 0.1
        except (OSError, HTTPException, ValueError):
            pass
        time.sleep(pause)
        pause = min(5.0, pause * 2)


def _ask(service: str, accept: str) -> Any:
    request = urllib.request.Request(f"{os.environ['DISCOVERY_URL']}/services/{service}/instances")
    request.add_header("Authorization", f"Bearer {os.environ['DISCOVERY_TOKEN']}")
    request.add_header("Accept", accept)
    # It answers on this machine: no proxy leads there.
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=SILENCE)
