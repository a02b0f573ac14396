"""What is known of images by their names. Pure."""

from __future__ import annotations

import re

_DATA = re.compile(
    r"postgres|postgresql|postgis|timescaledb|pgvector|mysql|mariadb|percona|mongo|mongodb|redis|valkey|keydb|memcached"
    r"|rabbitmq|minio|elasticsearch|opensearch|influxdb|clickhouse|clickhouse-server|neo4j|couchdb|cassandra|cockroach"
    r"|nats|kafka|zookeeper|etcd|consul|vault|meilisearch|typesense|mssql-server"
)
_APPLIANCES = frozenset({"postgres", "redis"})


def last_part(image: str) -> str:
    """The last part of an image's path, without tag and digest."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def is_data(image: str) -> bool:
    """Whether it is a database or the like, whose passwords are its own to choose."""
    return bool(_DATA.fullmatch(last_part(image)))


def is_appliance(image: str) -> bool:
    """Whether Calzion can be that service itself."""
    return last_part(image) in _APPLIANCES


def is_pinned(image: str) -> bool:
    """Whether a reference has a tag or a digest."""
    return "@" in image or ":" in image.rpartition("/")[2]
