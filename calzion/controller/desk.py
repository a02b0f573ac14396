"""What the reconciler does for the API's workers: each operation of its socket."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from calzion.controller import views
from calzion.controller.channel import Channel, Operation
from calzion.controller.claim import Claim
from calzion.controller.code import is_known, opened
from calzion.controller.deployer import Deployer, ServiceChange
from calzion.controller.expiry import set_ttl
from calzion.controller.infrastructure import Infrastructure
from calzion.controller.locks import CancellationToken
from calzion.controller.oneoff import run_attached
from calzion.controller.operations import destroy, find_deployment, restart
from calzion.controller.ownership import check_owner
from calzion.controller.parts import Parts
from calzion.controller.promote import promote, promotion
from calzion.controller.proposed import Proposed
from calzion.controller.redeploy import redeploy
from calzion.controller.rollback import rollback
from calzion.controller.scaling import scale
from calzion.controller.store import audit, instances, releases
from calzion.controller.store.deployments import Deployment
from calzion.controller.store.releases import Release, ReleaseState
from calzion.controller.traffic import Traffic
from calzion.controller.volumes import remove_volume
from calzion.errors import CalzionError
from calzion.infrastructure.declaration import Declaration
from calzion.infrastructure.plan import plan_data
from calzion.model import DeploymentName, LogStream, ServiceName, TerminalSize
from calzion.progress import Story
from calzion.template import parse_service


class Desk:
    """Answers that are data are one line `{"answer": …}`; the others are events."""

    def __init__(self, parts: Parts, traffic: Traffic, deployer: Deployer) -> None:
        self._parts = parts
        self._traffic = traffic
        self._deployer = deployer
        self._infrastructure = Infrastructure(parts, traffic, deployer)

    def operations(self) -> dict[str, Operation]:
        return {
            "ping": self._ping,
            "deployments": self._deployments,
            "deployment": self._deployment,
            "instances": self._instances,
            "environment": self._environment,
            "doctor": self._doctor,
            "troubles": self._troubles,
            "plan": self._plan,
            "set_service": self._set_service,
            "remove_service": self._remove_service,
            "upload": self._upload,
            "activate": self._activate,
            "cancel": self._cancel,
            "redeploy": self._redeploy,
            "rollback": self._rollback,
            "promote": self._promote,
            "promotion": self._promotion,
            "follow": self._follow,
            "logs": self._logs,
            "restart": self._restart,
            "scale": self._scale,
            "run": self._run,
            "ttl": self._ttl,
            "plan_infrastructure": self._plan_infrastructure,
            "apply_infrastructure": self._apply_infrastructure,
            "remove_volume": self._remove_volume,
            "destroy": self._destroy,
        }

    def _ping(self, _message: dict[str, Any], channel: Channel) -> None:
        channel.send({"answer": "pong"})

    def _doctor(self, _message: dict[str, Any], channel: Channel) -> None:
        channel.send({"answer": self._parts.backend.doctor()})

    def _troubles(self, _message: dict[str, Any], channel: Channel) -> None:
        channel.send({"answer": self._parts.troubles.sentences()})

    def _deployments(self, _message: dict[str, Any], channel: Channel) -> None:
        channel.send({"answer": views.deployment_list(self._parts)})

    def _deployment(self, message: dict[str, Any], channel: Channel) -> None:
        channel.send({"answer": views.deployment_view(self._parts, str(message["deployment"]))})

    def _instances(self, message: dict[str, Any], channel: Channel) -> None:
        channel.send({"answer": views.instance_views(self._parts, str(message["deployment"]))})

    def _environment(self, message: dict[str, Any], channel: Channel) -> None:
        deployment, service = str(message["deployment"]), str(message["service"])
        channel.send({"answer": views.environment_view(self._parts, deployment, service)})

    def _plan(self, message: dict[str, Any], channel: Channel) -> None:
        name = DeploymentName(message["deployment"])
        proposed = Proposed.parse(message["proposed"])
        claim = Claim(user=str(message["user"]), data_from=str(message.get("origin", "")))
        check_owner(self._parts, name, claim.repository)
        claim = self._deployer.with_origin(name, claim)
        forecast = self._deployer.forecast(name, proposed.template, proposed.codes, claim)
        channel.send({"answer": forecast.as_dict()})

    def _set_service(self, message: dict[str, Any], channel: Channel) -> None:
        name = ServiceName(message["service"])
        change = ServiceChange(name=name, definition=parse_service(name, message["keys"]))
        self._change(message, change, channel)

    def _remove_service(self, message: dict[str, Any], channel: Channel) -> None:
        self._change(message, ServiceChange(name=ServiceName(message["service"])), channel)

    def _upload(self, message: dict[str, Any], channel: Channel) -> None:
        deployment = find_deployment(self._parts, str(message["deployment"]))
        name = ServiceName(message["service"])
        with self._parts.database.read() as connection:
            current = releases.current(connection, deployment.id)
            services = releases.services(connection, current.id) if current else ()
        definition = next((each.definition for each in services if each.name == name), None)
        if definition is None or definition.code is None:
            raise CalzionError(
                f"{deployment.name} has no service {name} that takes code",
                hint="set it first, with 'git' or 'build'",
                code="not_found",
            )
        source = str(message["source"])
        change = ServiceChange(name=name, definition=definition, source=source)
        with self._parts.uploads.held(source):
            self._change(message, change, channel)

    def _change(self, message: dict[str, Any], change: ServiceChange, channel: Channel) -> None:
        name = DeploymentName(message["deployment"])
        claim = Claim(user=str(message.get("user", "")))
        with self._turn(message, claim.holder, channel) as (_, cancellation):
            self._deployer.change_service(name, change, claim, channel.tell, cancellation)

    def _activate(self, message: dict[str, Any], channel: Channel) -> None:
        deployment = find_deployment(self._parts, str(message["deployment"]))
        release = self._open_release(deployment, int(message["release"]))
        claim = Claim(user=release.user, commit=release.commit)
        with self._cancellable_turn(deployment.name, claim.holder, channel, release) as cancellation:
            # Its turn may have come after it was given up.
            release = self._open_release(deployment, release.number)
            with self._parts.database.read() as connection:
                services = releases.services(connection, release.id)
            known = [service for service in services if is_known(release, service)]
            with opened(self._parts, deployment, release, known) as sources:
                self._deployer.activation.activate(
                    deployment, release.id, sources, channel.tell, cancellation, may_hold=False
                )

    def _open_release(self, deployment: Deployment, number: int) -> Release:
        with self._parts.database.read() as connection:
            release = releases.find(connection, deployment.id, number)
        if release is None or release.state is not ReleaseState.OPEN:
            raise CalzionError(f"v{number} is no open release", code="conflict")
        return release

    def _cancel(self, message: dict[str, Any], channel: Channel) -> None:
        number = int(message["release"])
        self._deployer.cancel(DeploymentName(message["deployment"]), number)
        channel.send({"answer": {"version": number}})

    def _redeploy(self, message: dict[str, Any], channel: Channel) -> None:
        name = DeploymentName(message["deployment"])
        claim = Claim(user=str(message["user"]))
        with self._cancellable_turn(name, claim.holder, channel) as cancellation:
            redeploy(
                self._parts,
                self._deployer,
                name,
                claim,
                channel.tell,
                cancellation,
                rebuild=bool(message["rebuild"]),
            )

    def _rollback(self, message: dict[str, Any], channel: Channel) -> None:
        name, number = DeploymentName(message["deployment"]), message["release"]
        with self._cancellable_turn(name, f"{message['user']}'s rollback", channel) as cancellation:
            rollback(
                self._parts,
                self._deployer,
                name,
                int(number) if number else None,
                str(message["user"]),
                channel.tell,
                cancellation,
            )

    def _promote(self, message: dict[str, Any], channel: Channel) -> None:
        name, origin = DeploymentName(message["deployment"]), DeploymentName(message["origin"])
        with self._cancellable_turn(name, f"{message['user']}'s promotion", channel) as cancellation:
            user = str(message["user"])
            promote(self._parts, self._deployer, origin, name, user, channel.tell, cancellation)

    def _promotion(self, message: dict[str, Any], channel: Channel) -> None:
        name, origin = DeploymentName(message["deployment"]), DeploymentName(message["origin"])
        channel.send({"answer": promotion(self._parts, self._deployer, origin, name).as_dict()})

    def _follow(self, message: dict[str, Any], channel: Channel) -> None:
        deployment = find_deployment(self._parts, str(message["deployment"]))
        story = self._parts.stories.read(
            deployment.id, int(message["release"]), int(message.get("after", 0)), bool(message.get("follow"))
        )
        for event in story:
            if channel.gone.is_set():
                return
            channel.tell(event)

    def _logs(self, message: dict[str, Any], channel: Channel) -> None:
        deployment = find_deployment(self._parts, str(message["deployment"]))
        with self._parts.database.read() as connection:
            records = instances.of_deployment(connection, deployment.id)
        wanted = message.get("service")
        names = {record.id: record.display for record in records if wanted in (None, record.service)}
        if wanted and not names:
            raise _nothing_of(deployment.name, str(wanted), {record.service for record in records})
        mask, since = self._deployer.mask(deployment.name), float(message.get("since") or 0)
        lines = self._parts.backend.logs(sorted(names), int(message["lines"]), bool(message["follow"]))
        threading.Thread(target=_close_when_gone, args=(lines, channel), name="logs", daemon=True).start()
        for line in lines:
            if line.time >= since:
                name = names.get(line.instance, line.instance)
                channel.send({"instance": name, "text": mask.text(line.text), "time": round(line.time, 3)})

    def _restart(self, message: dict[str, Any], channel: Channel) -> None:
        service = message.get("service")
        self._record("restart", message, service=service or "")
        with self._turn(message, "a restart", channel) as (story, cancellation):
            restart(
                self._parts,
                self._traffic,
                DeploymentName(message["deployment"]),
                ServiceName(service) if service else None,
                story,
                cancellation,
            )

    def _run(self, message: dict[str, Any], channel: Channel) -> None:
        command, size = message["command"], message["terminal"]
        # What follows the program's name may hold what nobody else is to see.
        program = (command.split() if isinstance(command, str) else command)[:1]
        self._record("run", message, service=message["service"] or "", program=" ".join(program)[:200])
        run_attached(
            self._parts,
            str(message["deployment"]),
            message["service"],
            command if isinstance(command, str) else tuple(command),
            message["env"],
            TerminalSize(**size) if size else None,
            channel,
        )

    def _scale(self, message: dict[str, Any], channel: Channel) -> None:
        counts = {_process(name): int(count) for name, count in message["counts"].items()}
        with self._turn(message, "a change of scale", channel) as (story, cancellation):
            name = DeploymentName(message["deployment"])
            scale(self._parts, self._traffic, name, counts, story, cancellation)

    def _plan_infrastructure(self, message: dict[str, Any], channel: Channel) -> None:
        entries = self._infrastructure.plan(Declaration.of(message["declaration"]))
        channel.send({"answer": plan_data(entries)})

    def _apply_infrastructure(self, message: dict[str, Any], channel: Channel) -> None:
        declaration = Declaration.of(message["declaration"])
        self._infrastructure.apply(declaration, message["confirmed"], channel.tell)

    def _ttl(self, message: dict[str, Any], channel: Channel) -> None:
        found = set_ttl(self._parts, str(message["deployment"]), int(message["ttl"]))
        channel.send({"answer": {"name": found.name, "expires": views.iso(found.expires)}})

    def _remove_volume(self, message: dict[str, Any], channel: Channel) -> None:
        with self._turn(message, "the removal of a volume", channel) as (story, _):
            name, service = DeploymentName(message["deployment"]), ServiceName(message["service"])
            self._record("volume removed", message, volume=f"{service}/{message['volume']}")
            remove_volume(self._parts, name, service, str(message["volume"]), story)

    def _destroy(self, message: dict[str, Any], channel: Channel) -> None:
        with self._turn(message, "its destruction", channel) as (story, _):
            name = DeploymentName(message["deployment"])
            destroy(self._parts, self._traffic, name, str(message.get("confirm", "")), story)

    def _record(self, act: str, message: dict[str, Any], **detail: Any) -> None:
        """What makes no change of the store's own; recorded before it begins."""
        find_deployment(self._parts, str(message["deployment"]))
        with self._parts.database.write() as connection:
            now = self._parts.now()
            audit.record(connection, act, now=now, outcome="begun", on=str(message["deployment"]), **detail)

    @contextmanager
    def _turn(
        self, message: dict[str, Any], holder: str, channel: Channel
    ) -> Iterator[tuple[Story, CancellationToken]]:
        # An API client that goes away does not undo what it asked for, but for a deploy.
        cancellation = CancellationToken()
        name = DeploymentName(message["deployment"])
        with self._deployer.turn(name, holder, channel.tell, cancellation):
            yield Story(channel.tell, self._deployer.mask(name)), cancellation

    @contextmanager
    def _cancellable_turn(
        self, name: DeploymentName, holder: str, channel: Channel, release: Release | None = None
    ) -> Iterator[CancellationToken]:
        """The client's leaving cancels until the switch, as with a push."""
        cancellation = CancellationToken()
        threading.Thread(target=_watch, args=(channel, cancellation), name="client", daemon=True).start()
        with (
            self._deployer.cancellable(release.id, cancellation) if release else nullcontext(),
            self._deployer.turn(name, holder, channel.tell, cancellation),
        ):
            yield cancellation


def _nothing_of(deployment: str, service: str, others: set[str]) -> CalzionError:
    return CalzionError(
        f"{deployment} has no instance of a service {service}",
        hint=f"it has instances of: {', '.join(sorted(others))}" if others else "nothing of it runs yet",
        code="not_found",
    )


def _watch(channel: Channel, cancellation: CancellationToken) -> None:
    for _ in channel.messages():
        pass
    cancellation.cancel()


def _process(text: str) -> tuple[str, str]:
    service, _, process_type = text.partition(".")
    return service, process_type or "web"


def _close_when_gone(lines: LogStream, channel: Channel) -> None:
    for _ in channel.messages():
        pass
    lines.close()
