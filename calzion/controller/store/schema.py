"""The tables. Times are seconds since the epoch (UTC); JSON columns hold plain data."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    true,
)

metadata = MetaData()

ssh_keys = Table(
    "ssh_keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False),
    Column("fingerprint", String(64), nullable=False, unique=True),
    Column("type", String(32), nullable=False),
    Column("blob", Text, nullable=False),
    Column("allow", JSON, nullable=False),
    Column("repositories", JSON, nullable=False, server_default="[]"),
    Column("admin", Boolean, nullable=False),
    Column("added", Float, nullable=False),
)

installation = Table(
    "installation",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", JSON, nullable=False),
)

deployments = Table(
    "deployments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(63), nullable=False, unique=True),
    Column("repository", String(63)),
    Column("uid", Integer, nullable=False, unique=True),
    Column("created", Float, nullable=False),
    Column("destroying", Boolean, nullable=False, default=False),
    Column("copying", Boolean, nullable=False, server_default=false()),
    Column("ttl", Integer, nullable=False, server_default="0"),
    Column("expires", Float),
    sqlite_autoincrement=True,
)

releases = Table(
    "releases",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("deployment_id", ForeignKey("deployments.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("commit", String(64), nullable=False),
    Column("user", String(64), nullable=False),
    Column("message", Text, nullable=False),
    Column("env", JSON, nullable=False),
    Column("generate", JSON, nullable=False),
    Column("tasks", JSON, nullable=False, server_default="[]"),
    Column("source", String(64), nullable=False),
    Column("secrets", JSON, nullable=False, server_default="{}"),
    Column("changes", JSON, nullable=False, server_default="[]"),
    Column("act", String(160), nullable=False, server_default=""),
    Column("restores", Integer),
    Column("data_from", String(63), nullable=False, server_default=""),
    Column("ttl", Integer),
    Column("created", Float, nullable=False),
    Column("started", Float),
    Column("finished", Float),
    UniqueConstraint("deployment_id", "number"),
    Index("releases_state", "state"),
    sqlite_autoincrement=True,
)

release_services = Table(
    "release_services",
    metadata,
    Column("release_id", ForeignKey("releases.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(63), primary_key=True),
    Column("definition", JSON, nullable=False),
    Column("source", String(64), nullable=False),
    Column("slug", String(64), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("held", Text, nullable=False),
)

addresses = Table(
    "addresses",
    metadata,
    Column("address", BigInteger, primary_key=True, autoincrement=False),
    Column("deployment_id", ForeignKey("deployments.id", ondelete="CASCADE"), nullable=False),
    Column("service", String(63), nullable=False),
    UniqueConstraint("deployment_id", "service"),
)

generated = Table(
    "generated",
    metadata,
    Column("deployment_id", ForeignKey("deployments.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("ciphertext", LargeBinary, nullable=False),
)

tasks = Table(
    "tasks",
    metadata,
    Column("deployment_id", ForeignKey("deployments.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(63), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("changed", Float, nullable=False),
)

secrets = Table(
    "secrets",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("deployment_id", ForeignKey("deployments.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(255), nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("changed", Float, nullable=False),
    Column("newest", Boolean, nullable=False),
    Index("secrets_deployment", "deployment_id"),
    sqlite_autoincrement=True,
)

registries = Table(
    "registries",
    metadata,
    Column("host", String(255), primary_key=True),
    Column("user", String(255), nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("changed", Float, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("user", String(64), nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("right", String(8), nullable=False),
    Column("allow", JSON, nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float),
)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("record", Text, nullable=False),
    Column("digest", String(64), nullable=False),
)

domains = Table(
    "domains",
    metadata,
    Column("host", String(255), primary_key=True),
    Column("settings", JSON, nullable=False),
)

formations = Table(
    "formations",
    metadata,
    Column("deployment_id", ForeignKey("deployments.id", ondelete="CASCADE"), primary_key=True),
    Column("service", String(63), primary_key=True),
    Column("process_type", String(63), primary_key=True),
    Column("count", Integer, nullable=False),
)

instances = Table(
    "instances",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("deployment_id", ForeignKey("deployments.id", ondelete="CASCADE"), nullable=False),
    Column("release_id", ForeignKey("releases.id", ondelete="CASCADE"), nullable=False),
    Column("service", String(63), nullable=False),
    Column("process_type", String(63), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("pool", String(160), nullable=False),
    Column("web", Boolean, nullable=False, server_default=true()),
    Column("ports", JSON, nullable=False),
    Column("endpoints", JSON, nullable=False),
    Column("limits", JSON, nullable=False, server_default="{}"),
    Index("instances_deployment", "deployment_id"),
)

ports = Table(
    "ports",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("instance_id", ForeignKey("instances.id", ondelete="CASCADE"), nullable=False),
)
