"""What the controller knows of appliances: their port, data, credentials, URLs, and how they end. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from calzion.model import Generate, Stop, Volume


@dataclass(frozen=True, kw_only=True)
class Appliance:
    """`reads` are the variables that it looks at; `url_variable` is given where a deployment has one of the kind."""

    kind: str
    port: int
    reads: tuple[str, ...]
    password: str
    url_variable: str
    volume: Volume
    stop: Stop


APPLIANCES: Mapping[str, Appliance] = {
    "postgres": Appliance(
        kind="postgres",
        port=5432,
        reads=("POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"),
        password="POSTGRES_PASSWORD",
        url_variable="DATABASE_URL",
        volume=Volume(name="data", path="/data"),
        stop=Stop(
            signal="SIGINT", timeout=60.0
        ),  # a fast shutdown; SIGTERM would wait for every client to leave
    ),
    "redis": Appliance(
        kind="redis",
        port=6379,
        reads=("REDIS_PASSWORD",),
        password="REDIS_PASSWORD",
        url_variable="REDIS_URL",
        volume=Volume(name="data", path="/data"),
        stop=Stop(signal="SIGTERM", timeout=30.0),
    ),
}


def generated_password(service: str) -> Generate:
    """The rule for the password that an appliance gets where its template sets none."""
    return Generate(name=f"{service}.password", length=32)


def own_environment(appliance: Appliance, env: Mapping[str, str], password: str) -> dict[str, str]:
    """What the appliance itself sees: the variables that it reads, the template's before the generated ones."""
    given = {name: env[name] for name in appliance.reads if name in env}
    values = {**_names(given), appliance.password: password, **given}
    return {name: values[name] for name in appliance.reads}


def client_environment(appliance: Appliance, env: Mapping[str, str], address: str) -> dict[str, str]:
    """What its own command line clients go by: libpq's variables, and redis-cli's with those of our wrapper."""
    port = str(appliance.port)
    if appliance.kind == "redis":
        return {"REDIS_HOST": address, "REDIS_PORT": port, "REDISCLI_AUTH": env[appliance.password]}
    return {
        "PGHOST": address,
        "PGPORT": port,
        "PGUSER": env["POSTGRES_USER"],
        "PGPASSWORD": env["POSTGRES_PASSWORD"],
        "PGDATABASE": env["POSTGRES_DB"],
    }


def _names(given: Mapping[str, str]) -> dict[str, str]:
    """User and database. Code that brings one of the variables expects the defaults of the image postgres."""
    if not given:
        return {"POSTGRES_USER": "app", "POSTGRES_DB": "app"}
    user = given.get("POSTGRES_USER", "postgres")
    return {"POSTGRES_USER": user, "POSTGRES_DB": user}


def url(appliance: Appliance, env: Mapping[str, str], address: str) -> str:
    """The URL with credentials under which the others of the deployment reach it."""
    password = quote(env[appliance.password], safe="")
    if appliance.kind == "redis":
        credentials = f":{password}@" if password else ""
        return f"redis://{credentials}{address}:{appliance.port}/0"
    user, database = quote(env["POSTGRES_USER"], safe=""), quote(env["POSTGRES_DB"], safe="")
    return f"postgresql://{user}:{password}@{address}:{appliance.port}/{database}"
