"""What a Compose file says that a template does not: where it belongs, or that it has no place."""

from __future__ import annotations

from calzion.scaffold.compose.context import Owner
from calzion.scaffold.compose.reading import scalar, scalars
from calzion.template.data import Data

_CARRIED = (
    "build command container_name depends_on entrypoint env_file environment expose extends healthcheck image init"
    " labels links logging platform ports profiles pull_policy restart stdin_open stop_grace_period stop_signal"
    " tmpfs tty volumes attach annotations deploy networks privileged secrets configs"
)
"""Keys that are carried over, told about elsewhere here, or that say nothing which Calzion does not do itself."""

_WHY = {
    "network_mode": "every deployment has a network of its own",
    "extra_hosts": "name the host in the variable that needs it",
    "external_links": "give the address in a variable",
    "hostname": "services are reached by their names",
    "volumes_from": "name the volumes",
    "user": "instances run as a user of their own",
    "working_dir": "begin the command with 'cd DIRECTORY &&'",
    "mem_limit": "limits belong to the server",
    "mem_reservation": "limits belong to the server",
    "cpus": "limits belong to the server",
    "cpu_shares": "limits belong to the server",
    "ulimits": "limits belong to the server",
    "scale": "how many run belongs to the server: calzion scale",
    "cap_add": "instances get no capabilities",
    "devices": "instances get no devices",
    "develop": "it is for development",
}


def say_left(service: dict[str, Data], owner: Owner) -> None:
    """Note every key of the service that is not carried over."""
    for key in service:
        if key not in _CARRIED.split() and not key.startswith("x-"):
            owner.leave(f"{key}: {_WHY[key]}" if key in _WHY else key)
    if scalar(service.get("privileged")) == "true":
        owner.leave("privileged: instances get no such rights")
    _say_networks(service, owner)
    _say_deploy(service.get("deploy"), owner)
    for key in ("secrets", "configs"):
        if service.get(key):
            owner.leave(f"{key}: give the values in variables, and set them with calzion secrets set")
    if scalar(service.get("restart")) == "no":
        owner.leave("restart: no: a service that ends is started again")


def say_left_at_root(data: dict[str, Data], owner_leave: Owner) -> None:
    """Note the sections of the file that are not carried over."""
    volumes = data.get("volumes")
    for name, volume in volumes.items() if isinstance(volumes, dict) else ():
        if isinstance(volume, dict) and (volume.get("external") or volume.get("driver_opts")):
            owner_leave.leave(
                f"the volume {name}: it becomes one that each deployment has for itself, and is empty"
            )
    for key in ("secrets", "configs", "include"):
        if data.get(key):
            owner_leave.leave(f"the section {key}")


def _say_networks(service: dict[str, Data], owner: Owner) -> None:
    networks = service.get("networks")
    names = list(networks) if isinstance(networks, dict) else scalars(networks)
    if any(name != "default" for name in names):
        owner.leave(f"networks ({', '.join(names)}): the services of a deployment reach each other")


def _say_deploy(data: Data, owner: Owner) -> None:
    if not isinstance(data, dict):
        return
    for key in data:
        if key in ("replicas", "mode"):
            owner.leave(f"deploy.{key}: how many run belongs to the server: calzion scale")
        elif key == "resources":
            owner.leave("deploy.resources: limits belong to the server")
        elif key not in ("restart_policy", "update_config", "rollback_config"):
            owner.leave(f"deploy.{key}")
