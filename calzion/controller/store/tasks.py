"""Which tasks of `Run` a deployment has done, once and for all."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Connection, delete, insert, select

from calzion.controller.store.schema import tasks


class TaskState(StrEnum):
    RUNNING = "running"  # also where a crash hid how it ended: then it runs again
    DONE = "done"


def done(connection: Connection, deployment_id: int) -> frozenset[str]:
    chosen = (tasks.c.deployment_id == deployment_id) & (tasks.c.state == TaskState.DONE)
    return frozenset(connection.execute(select(tasks.c.name).where(chosen)).scalars())


def set_state(connection: Connection, deployment_id: int, name: str, state: TaskState, now: float) -> None:
    forget(connection, deployment_id, name)
    connection.execute(
        insert(tasks).values(deployment_id=deployment_id, name=str(name), state=state, changed=now)
    )


def forget_all(connection: Connection, deployment_id: int) -> None:
    """What they did is gone."""
    connection.execute(delete(tasks).where(tasks.c.deployment_id == deployment_id))


def forget(connection: Connection, deployment_id: int, name: str) -> None:
    """It failed, or never ran: it will be tried again."""
    chosen = (tasks.c.deployment_id == deployment_id) & (tasks.c.name == str(name))
    connection.execute(delete(tasks).where(chosen))
