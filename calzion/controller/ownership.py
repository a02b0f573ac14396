"""To which repository a deployment belongs: the first that pushed to it."""

from __future__ import annotations

from calzion.controller.parts import Parts
from calzion.controller.store import deployments
from calzion.controller.store.deployments import Deployment
from calzion.errors import CalzionError
from calzion.model import DeploymentName


def create_deployment(parts: Parts, name: DeploymentName, repository: str | None = None) -> Deployment:
    """Idempotent. Raises CalzionError (refused) where the deployment belongs to another repository."""
    with parts.database.write() as connection:
        found = deployments.create(connection, name, repository, parts.now())
    _require_owner(found, repository)
    return found


def check_owner(parts: Parts, name: DeploymentName, repository: str | None) -> None:
    """Raises CalzionError (refused) where the deployment belongs to another repository; makes nothing."""
    with parts.database.read() as connection:
        found = deployments.find(connection, name)
    if found and found.repository:
        _require_owner(found, repository)


def deployments_of(parts: Parts, repository: str) -> list[str]:
    with parts.database.read() as connection:
        return [
            each.name for each in deployments.all_deployments(connection) if each.repository == repository
        ]


def _require_owner(deployment: Deployment, repository: str | None) -> None:
    if deployment.destroying:
        raise CalzionError(
            f"{deployment.name} is being destroyed", hint="push again in a moment", code="conflict"
        )
    if repository and deployment.repository != repository:
        raise CalzionError(
            f"{deployment.name} belongs to the repository {deployment.repository}, not to {repository}",
            hint="push to another deployment name, or destroy this one first",
            code="refused",
        )
