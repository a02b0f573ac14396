"""Names and labels of what Calzion makes in an engine. Pure.

Only what carries the labels of this very installation is ever touched.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from calzion.model import RunSpec

INSTALLATION = "calzion.installation"
DEPLOYMENT = "calzion.deployment"
SERVICE = "calzion.service"
PROCESS = "calzion.process"
RELEASE = "calzion.release"
INSTANCE = "calzion.instance"
PORTS = "calzion.ports"
VOLUME = "calzion.volume"
BUILD = "calzion.build"
TREE = "calzion.tree"
NAMES = "calzion.names"

Labels = dict[str, str]


def instance_labels(installation: str, spec: RunSpec) -> Labels:
    """All that is to be known of an instance when only its container is left. A template's labels are kept apart."""
    own = {
        INSTALLATION: installation,
        DEPLOYMENT: spec.deployment,
        SERVICE: spec.service,
        PROCESS: spec.process_type,
        RELEASE: str(spec.release),
        INSTANCE: spec.id,
        PORTS: json.dumps(dict(spec.ports), sort_keys=True),
    }
    return {**own, **{name: value for name, value in spec.labels if not name.startswith("calzion.")}}


def deployment_labels(installation: str, deployment: str) -> Labels:
    return {INSTALLATION: installation, DEPLOYMENT: deployment}


def volume_labels(installation: str, deployment: str, volume: str) -> Labels:
    return {**deployment_labels(installation, deployment), VOLUME: volume}


def ports_of(labels: Mapping[str, str]) -> dict[str, int]:
    """The ports by name, as `instance_labels` wrote them."""
    return {str(name): int(number) for name, number in json.loads(labels.get(PORTS, "{}")).items()}


def container_name(spec: RunSpec) -> str:
    """For people who look at the engine; the id keeps it unique."""
    return f"{spec.deployment}.{spec.service}.{spec.process_type}.{spec.id}"


def network_name(installation: str, deployment: str) -> str:
    return f"calzion.{installation}.{deployment}"


def volume_name(installation: str, deployment: str, volume: str) -> str:
    """No deployment has a dot in its name, so no two volumes share one."""
    return f"calzion.{installation}.{deployment}.{volume}"


def layer_name(installation: str, instance: str) -> str:
    """Of the volume that is an instance's own writable copy of its slug."""
    return f"calzion.{installation}.layer.{instance}"


def tree_name(installation: str, key: str) -> str:
    """Of the volume that holds a copy of a directory of ours."""
    return f"calzion.{installation}.tree.{key}"


def names_name(installation: str, deployment: str) -> str:
    """Of the volume that holds the names and users that a deployment's containers see."""
    return f"calzion.{installation}.names.{deployment}"


def filters(**wanted: str) -> dict[str, list[str]]:
    """An engine's filter for labels: `filters(installation=..., deployment=...)`."""
    return {"label": [f"calzion.{name}={value}" for name, value in wanted.items()]}
