"""What the reconciler does for exports and imports: each answers with a line, and goes on in frames."""

from __future__ import annotations

from typing import Any

from calzion.controller.channel import Channel, Operation
from calzion.controller.deployer import Deployer
from calzion.controller.live import find_live
from calzion.controller.moving.exporting import ExportOrder, export
from calzion.controller.moving.history import Histories
from calzion.controller.moving.importing import ImportOrder, Imports
from calzion.controller.moving.wire import Wire
from calzion.controller.operations import find_deployment
from calzion.controller.parts import Parts
from calzion.controller.store import audit
from calzion.model import DeploymentName
from calzion.progress import Story


class MovingDesk:
    def __init__(self, parts: Parts, deployer: Deployer, histories: Histories, imports: Imports) -> None:
        self._parts = parts
        self._deployer = deployer
        self._histories = histories
        self._imports = imports

    def operations(self) -> dict[str, Operation]:
        return {"export": self._export, "import": self._import}

    def _export(self, message: dict[str, Any], channel: Channel) -> None:
        order = ExportOrder(
            deployment=DeploymentName(message["deployment"]),
            user=str(message["user"]),
            with_secrets=bool(message["secrets"]),
            pause=bool(message["pause"]),
        )
        find_live(self._parts, find_deployment(self._parts, order.deployment))
        with self._parts.database.write() as connection:
            on, secrets = order.deployment, order.with_secrets
            audit.record(connection, "export", now=self._parts.now(), outcome="begun", on=on, secrets=secrets)
        channel.send({"answer": {"deployment": order.deployment}})
        wire = Wire(channel)
        wire.watch()
        story = Story(wire.tell)
        turn = self._deployer.turn(order.deployment, f"{order.user}'s export", wire.tell, wire.cancellation)
        with wire.telling(), turn:
            export(self._parts, self._histories, order, wire.give, story, wire.cancellation)

    def _import(self, message: dict[str, Any], channel: Channel) -> None:
        order = ImportOrder(
            deployment=DeploymentName(message["deployment"]),
            user=str(message["user"]),
            sanitize=bool(message["sanitize"]),
        )
        self._imports.check_name(order.deployment)
        channel.send({"answer": {"deployment": order.deployment}})
        wire = Wire(channel)
        story = Story(wire.tell)
        with wire.telling():
            story.step("Receiving and checking the file")
            with self._imports.received(order, wire) as package:
                wire.watch()
                holder = f"{order.user}'s import"
                with self._deployer.turn(order.deployment, holder, wire.tell, wire.cancellation):
                    self._imports.roll_out(order, package, wire.tell, wire.cancellation)
