"""All that the services of one deployment see of one another in one release, and the orders that follow. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from calzion.controller import environment
from calzion.controller.appliance import (
    APPLIANCES,
    Appliance,
    client_environment,
    generated_password,
    own_environment,
    url,
)
from calzion.controller.environment import Neighbour
from calzion.controller.formation import SERVER, Process, app_processes, image_process
from calzion.errors import CalzionError
from calzion.infrastructure.declaration import Declaration
from calzion.model import (
    Command,
    DeploymentName,
    Healthcheck,
    Limits,
    Pairs,
    Port,
    RunSpec,
    ServiceDefinition,
    ServiceName,
    Slug,
    Stop,
    Volume,
)
from calzion.redaction import Mask
from calzion.template import as_keys
from calzion.template.resolve import resolve

INSTANCE_LIMITS = Limits(processes=2048, files=65_536)
"""What counts where the infrastructure declares nothing."""

HANG_UP_TIMEOUT = 5.0
"""Seconds that a command whose terminal is gone has before it is killed."""

_CLIENTS_PORTS = (5672, 9042)
"""Of several ports that an image exposes, those of RabbitMQ and Cassandra to which clients go: not their lowest."""

_INVISIBLE_TO_INSTANCES = ("env", "require", "expose", "overlap", "labels", "buildpacks", "build_env")


@dataclass(frozen=True, kw_only=True)
class Member:
    """One service: `address` is its stable one, `appliance` the kind where Calzion itself makes it.

    `image` is the whole reference of one that is pulled, and `exposed` are the ports that this declares, as far as they
    are known.
    """

    definition: ServiceDefinition
    address: str
    appliance: str | None = None
    image: str | None = None
    exposed: tuple[int, ...] = ()

    @property
    def name(self) -> ServiceName:
        return self.definition.name

    @property
    def ports(self) -> tuple[Port, ...]:
        """The template's; where that names none, those that the image exposes, all but the first named by number."""
        if not self.exposed or self.definition.ports != (Port(),):
            return self.definition.ports
        first = next((port for port in _CLIENTS_PORTS if port in self.exposed), self.exposed[0])
        others = (Port(name=str(port), number=port) for port in self.exposed if port != first)
        return (Port(number=first), *others)

    def processes(self, slug: Slug, counts: Mapping[tuple[str, str], int]) -> tuple[Process, ...]:
        """What runs of an app or an image, and how many of each. Raises CalzionError (start)."""
        if self.image:
            return (image_process(self.definition, counts),)
        return app_processes(self.definition, slug.process_types, counts)

    @property
    def is_server(self) -> bool:
        """Whether it comes as a whole, without code of the repository."""
        return bool(self.appliance or self.image)

    @property
    def exclusive(self) -> bool:
        """Whether old and new must not run at the same time: their data would be written by both."""
        if self.appliance or self.definition.overlap is None:
            return bool(self.appliance or self.definition.volumes)
        return not self.definition.overlap


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """`internal_ports` are the ports at which apps answer on their stable addresses. `declaration` is the
    infrastructure, whose limits are no part of what a release is.

    `discovery` are the variables by which instances ask for one another. They belong to this machine, and are no part
    of what releases are compared by.
    """

    deployment: DeploymentName
    uid: int
    env: Pairs
    generated: Mapping[str, str] = field(repr=False)
    secrets: Mapping[str, str] = field(repr=False)
    members: Mapping[ServiceName, Member]
    internal_ports: tuple[int, ...]
    declaration: Declaration = field(default_factory=Declaration)
    discovery: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def mask(self) -> Mask:
        """Hides every secret and generated value."""
        return Mask({**self.generated, **self.secrets})

    def hidden(self) -> Surroundings:
        """The same, with `${NAME}` in place of every secret and generated value."""
        generated = {name: f"${{{name}}}" for name in self.generated}
        return replace(self, generated=generated, secrets={name: f"${{{name}}}" for name in self.secrets})

    def environment(self, member: Member) -> dict[str, str]:
        """What every instance of the service sees. Raises CalzionError (template) for an unknown reference."""
        own = self.own(member)
        if member.appliance:
            return self._appliance_environment(member, APPLIANCES[member.appliance], own)
        neighbours = self.neighbours(member)
        return environment.addresses(neighbours) | environment.appliance_urls(neighbours) | own

    def own(self, member: Member) -> dict[str, str]:
        """The variables that the template gives the service, resolved. Raises CalzionError (template)."""
        return environment.own(member.definition.env, self._values(member), member.name)

    def visible(self, member: Member) -> Pairs:
        """The same as far as it gives away no secret: references stay references."""
        if member.appliance:
            reads = APPLIANCES[member.appliance].reads
            return tuple(pair for pair in member.definition.env if pair[0] in reads)
        neighbours = self.neighbours(member, hidden=True)
        shown = environment.addresses(neighbours) | environment.appliance_urls(neighbours)
        return tuple(sorted({**shown, **dict(member.definition.env)}.items()))

    def identity(self, member: Member, code: str) -> bytes:
        """Equal for two releases where instances of the one serve as well as instances of the other."""
        keys = {
            name: value
            for name, value in as_keys(member.definition).items()
            if name not in _INVISIBLE_TO_INSTANCES
        }
        return json.dumps([keys, code, self.environment(member)], sort_keys=True).encode()

    def spec(
        self,
        member: Member,
        process: Process,
        slug: Slug | None,
        *,
        id: str,
        ordinal: int,
        release: int,
        ports: Mapping[str, int],
        limits: Limits | None = None,
    ) -> RunSpec:
        """The order to run one instance, within the `limits` that it was started with, else within those of now."""
        env = environment.of_instance(
            deployment=self.deployment,
            service=member.name,
            instance=f"{process.type}.{ordinal}",
            release=release,
            ports=ports,
        )
        config = dict(slug.config_vars) if slug else {}
        appliance = APPLIANCES[member.appliance] if member.appliance else None
        return RunSpec(
            id=id,
            deployment=self.deployment,
            service=member.name,
            process_type=process.type,
            release=release,
            command=process.command,
            appliance=member.appliance,
            slug=slug.root if slug else None,
            image=slug.image or None if slug else None,
            entrypoint=member.definition.entrypoint or (),
            labels=member.definition.labels,
            privileged=member.definition.privileged,
            env=config | self.environment(member) | env | ({} if appliance else dict(self.discovery)),
            ports=dict(ports),
            address=member.address if appliance else "",
            volumes=self.volumes(member),
            hosts=tuple(sorted((str(other.name), other.address) for other in self.members.values())),
            uid=self.uid,
            stop=appliance.stop if appliance else member.definition.stop,
            limits=_with_defaults(limits or self.limits(member.name, process.type)),
        )

    def limits(self, service: ServiceName, process_type: str) -> Limits:
        """Those that are declared."""
        return self.declaration.limits_of(self.deployment, service, process_type)

    def task(self, member: Member, slug: Slug | None, command: Command, *, id: str, release: int) -> RunSpec:
        """The order to run a command once, with the environment and files of the service's processes."""
        process = Process(type="run", command=command, count=1)
        spec = self.spec(member, process, slug, id=id, ordinal=1, release=release, ports={})
        return replace(spec, restart=False, volumes=())

    def one_off(
        self,
        member: Member,
        slug: Slug | None,
        command: Command,
        *,
        id: str,
        release: int,
        env: Mapping[str, str],
    ) -> RunSpec:
        """The order to run a command that someone attends to: with the service's volumes, too, as its processes have
        them; of an appliance, as a client that is given its address and credentials."""
        process = Process(type="run", command=command, count=1)
        spec = self.spec(member, process, slug, id=id, ordinal=1, release=release, ports={})
        stop = Stop(signal="SIGHUP", timeout=HANG_UP_TIMEOUT)
        if member.appliance:
            client = client_environment(
                APPLIANCES[member.appliance], self.environment(member), member.address
            )
            return replace(spec, env={**spec.env, **client, **env}, volumes=(), restart=False, stop=stop)
        return replace(spec, env={**spec.env, **env}, restart=False, stop=stop)

    def reach(self, member: Member) -> str:
        """HOST:PORT under which the others reach the service."""
        neighbour = self._neighbour(member, hidden=True)
        return f"{neighbour.address}:{next(iter(neighbour.ports.values()))}" if neighbour.ports else ""

    def volumes(self, member: Member) -> tuple[Volume, ...]:
        """The service's volumes, named within the deployment."""
        given = member.definition.volumes
        if member.appliance:
            kept = APPLIANCES[member.appliance].volume
            name = given[0].name if given else kept.name
            return (Volume(name=f"{member.name}.{name}", path=kept.path),)
        resolved = resolve(member.definition, self._values(member))
        return tuple(Volume(name=f"{member.name}.{each.name}", path=each.path) for each in resolved.volumes)

    def healthcheck(self, member: Member) -> Healthcheck:
        return resolve(member.definition, self._values(member)).healthcheck

    def server(self, member: Member) -> Process:
        """The one process of an appliance. Raises CalzionError (unsupported) for keys that it can't honour."""
        unusable = [
            key
            for key in ("cmd", "entrypoint", "release", "processes", "overlap")
            if getattr(member.definition, key)
        ]
        if unusable:
            raise CalzionError(
                f"{member.name}: {unusable[0]} is not supported for the appliance {member.appliance}",
                hint="leave it out: Calzion starts this server itself",
                code="unsupported",
            )
        return Process(type=SERVER, command="", count=1)

    def neighbours(self, member: Member, hidden: bool = False) -> list[Neighbour]:
        """The other services as this one sees them, under the prefixes that it chose."""
        exposed = dict(member.definition.expose)
        return [
            replace(self._neighbour(other, hidden), prefix=exposed.get(name, ""))
            for name, other in sorted(self.members.items())
            if name != member.name
        ]

    def _values(self, member: Member) -> dict[str, str]:
        return environment.values_of(
            deployment=self.deployment,
            service=member.name,
            env=self.env,
            generated=self.generated,
            secrets=self.secrets,
        )

    def _appliance_environment(
        self, member: Member, appliance: Appliance, own: Mapping[str, str]
    ) -> dict[str, str]:
        password = self.generated.get(generated_password(member.name).name, "")
        return own_environment(appliance, own, password)

    def _neighbour(self, member: Member, hidden: bool = False) -> Neighbour:
        if not member.appliance:
            numbered = zip(member.ports, self.internal_ports, strict=False)
            ports = {port.name: port.number or number for port, number in numbered}
            return Neighbour(service=member.name, address=member.address, ports=ports)
        appliance = APPLIANCES[member.appliance]
        reach = "" if hidden else url(appliance, self.environment(member), member.address)
        return Neighbour(
            service=member.name,
            address=member.address,
            ports={"": appliance.port},
            appliance=appliance.kind,
            url=reach,
        )


def _with_defaults(limits: Limits) -> Limits:
    return replace(
        INSTANCE_LIMITS,
        memory=limits.memory,
        cpus=limits.cpus,
        processes=limits.processes or INSTANCE_LIMITS.processes,
    )
