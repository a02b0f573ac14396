"""One-off commands in what is live: the code, the environment and the volumes of one service, or a client of one."""

from __future__ import annotations

from calzion.controller.attachment import Attachment
from calzion.controller.channel import Channel
from calzion.controller.live import Live, find_live
from calzion.controller.operations import find_deployment
from calzion.controller.parts import Parts
from calzion.controller.surroundings import Member
from calzion.errors import CalzionError
from calzion.model import Command, RunSpec, TerminalSize


def run_attached(
    parts: Parts,
    deployment: str,
    service: str | None,
    command: Command,
    env: dict[str, str],
    terminal: TerminalSize | None,
    channel: Channel,
) -> None:
    """Run a command with the client of `channel` attached: a line that it began, then frames (calzion.frames).

    Raises CalzionError (not_found, usage, start, unsupported) before anything runs.
    """
    live = find_live(parts, find_deployment(parts, deployment))
    spec = _order(parts, live, _member(live, service), command, env)
    # The store knows nothing of it: this keeps the reconciler from ending it as an orphan.
    parts.tasks.add(spec.id)
    try:
        attached = parts.backend.attach(spec, terminal)
        channel.send({"answer": {"id": spec.id, "release": live.release.number, "service": spec.service}})
        Attachment(attached, channel.connection, channel.reader).run()
    finally:
        parts.tasks.discard(spec.id)


def _member(live: Live, service: str | None) -> Member:
    if service is not None:
        return live.member(service)
    apps = [member for member in live.surroundings.members.values() if not member.appliance]
    if len(apps) != 1:
        names = ", ".join(f"{live.deployment.name}:{name}" for name in sorted(live.surroundings.members))
        raise CalzionError(
            f"{live.deployment.name} has {len(apps)} apps: say which service is meant",
            hint=f"one of {names}",
            code="usage",
        )
    return apps[0]


def _order(parts: Parts, live: Live, member: Member, command: Command, env: dict[str, str]) -> RunSpec:
    slug = live.slugs.get(member.name)
    if slug is None and not member.appliance:
        raise CalzionError(
            f"{live.deployment.name}:{member.name} has no code yet", hint="push it", code="not_found"
        )
    return live.surroundings.one_off(
        member, slug, command, id=parts.new_id(), release=live.release.number, env=env
    )
