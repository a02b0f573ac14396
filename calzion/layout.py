"""Where everything lives below the data directory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """Paths below DATA, the directory that one installation of Calzion owns (mode 0700)."""

    data: Path

    @property
    def api_socket(self) -> Path:
        return self.data / "api.sock"

    @property
    def run(self) -> Path:
        """Sockets and process records."""
        return self.data / "run"

    @property
    def push_socket(self) -> Path:
        """The narrow socket on which the SSH process asks who may do what, and hands pushes over.

        It is alone in its directory, so that a process can be given it without the others.
        """
        return self.run / "push" / "push.sock"

    @property
    def of_sshd(self) -> tuple[Path, Path, Path]:
        """The directories that the SSH process needs, and may own. It needs nothing else of DATA."""
        return self.ssh_keys, self.repositories, self.push_socket.parent

    @property
    def reconciler_socket(self) -> Path:
        return self.run / "reconciler.sock"

    @property
    def host_socket(self) -> Path:
        return self.run / "host.sock"

    @property
    def door_socket(self) -> Path:
        """Where HAProxy asks whether a password opens a domain; the directory above it is all that HAProxy sees."""
        return self.router / "root" / "door.sock"

    @property
    def router_socket(self) -> Path:
        """HAProxy's runtime API."""
        return self.run / "haproxy.sock"

    @property
    def registrations(self) -> Path:
        """What should be registered, as the reconciler says it."""
        return self.run / "registrations.json"

    @property
    def registry_trouble(self) -> Path:
        """Why the registry is not as it should be, for those who look."""
        return self.run / "registry-trouble"

    @property
    def discovery(self) -> Path:
        """Where instances ask for one another, and the key of the tokens with which they may."""
        return self.router / "discovery.json"

    @property
    def registry(self) -> Path:
        """Certificates and the password for a registry elsewhere."""
        return self.data / "registry"

    @property
    def router(self) -> Path:
        """HAProxy's configuration and map, kept equal to its runtime state."""
        return self.data / "router"

    @property
    def database(self) -> Path:
        return self.data / "calzion.db"

    @property
    def backend(self) -> Path:
        """The name of the backend that this installation belongs to."""
        return self.data / "backend"

    @property
    def installation(self) -> Path:
        """The id of this installation, by which an engine tells its containers from those of others."""
        return self.data / "installation"

    @property
    def secret_key(self) -> Path:
        return self.data / "secret.key"

    @property
    def ssh_keys(self) -> Path:
        """The SSH server's host keys."""
        return self.data / "ssh"

    @property
    def repositories(self) -> Path:
        return self.data / "repositories"

    @property
    def slugs(self) -> Path:
        return self.data / "slugs"

    @property
    def builds(self) -> Path:
        """Scratch of running builds; emptied at start."""
        return self.data / "builds"

    @property
    def caches(self) -> Path:
        return self.data / "caches"

    @property
    def buildpacks(self) -> Path:
        """Copies of third-party buildpacks, as they were fetched."""
        return self.data / "buildpacks"

    @property
    def uploads(self) -> Path:
        return self.data / "uploads"

    @property
    def imports(self) -> Path:
        """Exported deployments that are being imported, a directory each."""
        return self.data / "imports"

    @property
    def audit(self) -> Path:
        """The older records of the audit trail, in files."""
        return self.data / "audit"

    @property
    def instances(self) -> Path:
        """One directory an instance: its log, its record, its writable layer."""
        return self.data / "instances"

    @property
    def volumes(self) -> Path:
        return self.data / "volumes"

    @property
    def stories(self) -> Path:
        """The events of every release, a file each."""
        return self.data / "releases"

    @property
    def logs(self) -> Path:
        """What Calzion's own processes write."""
        return self.data / "logs"
