"""`calzion restore`."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from calzion.cli.importing import import_from
from calzion.cli.invocation import Invocation, connection_options, pass_invocation
from calzion.cli.problem import problem_lines
from calzion.cli.target import DeploymentType
from calzion.errors import CalzionError
from calzion.model import DeploymentName

if TYPE_CHECKING:
    from calzion.backup.contents import Contents
    from calzion.backup.reading import BackupReader
    from calzion.cli.client import Client


@click.command("restore")
@click.argument("source", metavar="DIRECTORY|FILE.tar", help="what 'calzion backup' wrote")
@click.option(
    "--only", type=DeploymentType(), multiple=True, metavar="DEPLOYMENT", help="this one alone; repeatable"
)
@click.option("--host-keys", is_flag=True, help="be known to SSH clients as the old server was")
@connection_options
@pass_invocation
def restore(invocation: Invocation, source: str, only: tuple[DeploymentName, ...], host_keys: bool) -> int:
    """Have on this server all that is in a backup: users' keys, registries' credentials, and every deployment.

    Deployments are imported one after the other, as 'calzion import' does: code is built here, data is put in place
    before anything of an app runs. What is there already stays as it is, so a restore that was cut off is run again.
    With --only nothing but the deployments that are named is restored.

    Exits 1 where a deployment could not be restored; the others are.
    """
    from calzion.backup import reading

    began, client = time.monotonic(), invocation.local_client()
    with reading.opened(source) as reader:
        contents = reading.read_contents(reader)
        chosen = _chosen(contents, only)
        print(f"-----> A backup of {contents.made} (Calzion {contents.version})", flush=True)
        if not only:
            _restore_access(client, contents)
        if host_keys:
            _restore_host_keys(invocation, contents)
        failed = _restore_deployments(invocation, client, reader, chosen)
    restored = len(chosen) - len(failed)
    print(f"-----> {restored} of {len(chosen)} deployments are here   ({time.monotonic() - began:.1f} s)")
    return 1 if failed else 0


def _chosen(contents: Contents, only: tuple[DeploymentName, ...]) -> tuple[DeploymentName, ...]:
    if missing := sorted(set(only) - set(contents.deployments)):
        raise CalzionError(
            f"there is no {missing[0]} in this backup",
            hint=f"there is: {', '.join(contents.deployments) or 'none'}",
            code="not_found",
        )
    return only or contents.deployments


def _restore_access(client: Client, contents: Contents) -> None:
    from urllib.parse import quote

    for key in contents.keys:
        body = {
            "name": key.name,
            "key": key.line,
            "allow": list(key.allow),
            "repositories": list(key.repositories),
            "admin": key.admin,
        }
        try:
            client.post("/keys", body)
            print(f"       a key of {key.name}")
        except CalzionError as error:
            if error.code != "conflict":
                raise
    known = {each["host"] for each in client.get("/registries")}
    for login in contents.logins:
        if login.host not in known:
            client.put(
                f"/registries/{quote(login.host, safe='')}", {"user": login.user, "password": login.password}
            )
            print(f"       the credentials for {login.host}")


def _restore_host_keys(invocation: Invocation, contents: Contents) -> None:
    from calzion.sshd.hostkeys import replace_host_keys

    replace_host_keys(invocation.settings().layout.ssh_keys, contents.host_keys)
    print("       the host keys, which count from the next start of 'calzion serve'")


def _restore_deployments(
    invocation: Invocation, client: Client, reader: BackupReader, names: tuple[DeploymentName, ...]
) -> list[DeploymentName]:
    """Returns those that could not be restored, each of which has said why."""
    from calzion.backup.contents import export_name

    there = {each["name"] for each in client.get("/deployments") if each["release"]}
    failed = []
    for name in names:
        if name in there:
            print(f"       {name} is there already")
            continue
        try:
            with reader.open(export_name(name)) as archive:
                import_from(invocation, client, archive, name)
        except FileNotFoundError:
            failed.append(name)
            print(f" !     {name}: its file is missing", file=sys.stderr)
        except CalzionError as error:
            if error.code in ("cancelled", "unreachable"):
                raise
            failed.append(name)
            for line in problem_lines(error):
                print(line, file=sys.stderr)
    return failed
