"""HAProxy's configuration and map as text, for HAProxy 2.6 and later. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from calzion.ranges import LOOPBACK, NETWORK_BITS
from calzion.routing import frontend
from calzion.routing.frontend import DOMAINS, ROUTES
from calzion.routing.slots import Server, slot_names
from calzion.routing.state import RouterState

CONFIGURATION = "haproxy.cfg"

ROOT, DOOR_SOCKET = "root", "door.sock"
"""The directory to which HAProxy is confined where it gives up root, and what it finds in there."""

NOBODY = 65534

GRACE = 5
"""Seconds that open connections may last when the router is told to end."""

_CHECKED = "check inter 10s fastinter 500ms downinter 500ms rise 1 fall 2"
_WATCHED = "observe layer4 error-limit 3 on-error mark-down"


@dataclass(frozen=True, kw_only=True)
class Relay:
    """Leads containers from port 80 of `address` to `port` of this machine's loopback interface.

    The address is one of the services' range that no service has.
    """

    address: str
    port: int


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What stays while HAProxy runs. `control`, `http`, `internal`, `outside` are descriptors of listening sockets.

    `containers` is the one to which the engine's machine redirects what containers send to `services`, the range of
    services' stable addresses; `discovery` is where they ask for one another. `trusted` are the networks of routers
    whose word on a request's client is taken.
    """

    control: int
    http: int
    internal: tuple[int, ...]
    outside: tuple[int, ...] = ()
    maxconn: int
    threads: int
    drop_root: bool
    containers: int | None = None
    services: str = str(LOOPBACK)
    discovery: Relay | None = None
    trusted: tuple[str, ...] = ()


def server_options(http: bool) -> str:
    """Explicit where defaults differ between versions and between `add server` and the file: without the pool
    options HAProxy 2.6 reuses no connection of a server that was added at runtime."""
    pool = " pool-purge-delay 2s pool-max-conn -1" if http else ""
    return f"{_CHECKED} {_WATCHED}{pool}"


def render_map(entries: Mapping[str, str]) -> str:
    return "".join(f"{key} {value}\n" for key, value in sorted(entries.items()))


def render_configuration(frame: Frame, state: RouterState) -> str:
    door = f"/{DOOR_SOCKET}" if frame.drop_root else f"{ROOT}/{DOOR_SOCKET}"
    parts = [_global(frame), _HTTP_DEFAULTS, frontend.web(f"  bind fd@{frame.http}\n", frame.trusted)]
    parts += _slots(state, http=True)
    parts += [_TCP_DEFAULTS, frontend.doorkeeper(door), _internal(frame), _outside(frame)]
    parts += [*_slots(state, http=False)]
    return "".join(parts)


def render_files(frame: Frame, state: RouterState) -> dict[str, str]:
    """All that HAProxy reads at its start, by name within its working directory."""
    return {
        CONFIGURATION: render_configuration(frame, state),
        frontend.DOOR: frontend.DOOR_CONFIGURATION,
        ROUTES: render_map(state.routes),
        DOMAINS: render_map(state.names),
    }


def _global(frame: Frame) -> str:
    lines = [
        "global",
        f"  stats socket fd@{frame.control} level admin",
        "  stats timeout 1m",
        f"  nbthread {frame.threads}",
        f"  maxconn {frame.maxconn}",
        f"  hard-stop-after {GRACE}s",
    ]
    if frame.drop_root:
        lines += [f"  uid {NOBODY}", f"  gid {NOBODY}", f"  chroot {ROOT}"]
    return "\n".join(lines) + "\n"


# A request is sent again only while no byte of it can have reached the application: with any other kind of
# retry a single request that ends its process ends every instance in turn.
_HTTP_DEFAULTS = """
defaults
  mode http
  balance leastconn
  option idle-close-on-response
  option redispatch 1
  retries 3
  retry-on conn-failure
  http-reuse safe
  timeout connect 2s
  timeout queue 10s
  timeout http-request 10s
  timeout http-keep-alive 60s
  timeout client 5m
  timeout client-fin 30s
  timeout server 5m
  timeout tunnel 1h
  http-error status 502 content-type "text/plain; charset=utf-8" string "The application ended without an answer.\\n"
  http-error status 503 content-type "text/plain; charset=utf-8" string "This application is starting or stopped.\\n" hdr Retry-After 1
  http-error status 504 content-type "text/plain; charset=utf-8" string "The application did not answer in time.\\n"
"""  # noqa: E501

_TCP_DEFAULTS = """
defaults
  mode tcp
  balance leastconn
  option redispatch 1
  retries 3
  option clitcpka
  option srvtcpka
  timeout connect 2s
  timeout queue 10s
  timeout client 12h
  timeout server 12h
"""


def _internal(frame: Frame) -> str:
    listeners = frame.internal if frame.containers is None else (*frame.internal, frame.containers)
    binds = "".join(f"  bind fd@{descriptor}\n" for descriptor in listeners)
    accept, lead, backend = _discovery(frame.discovery)
    return f"""
frontend internal
{binds}  tcp-request connection reject if !{{ dst {frame.services} }}
{accept}  tcp-request connection set-var-fmt(sess.key) a:%[dst]:%[dst_port]
  tcp-request connection set-var-fmt(sess.member) m:%[src,ipmask({NETWORK_BITS})]:%[dst]
  tcp-request connection reject if !{{ src 127.0.0.0/8 }} !{{ var(sess.member),map_str({ROUTES}) -m found }}
  tcp-request connection reject if !{{ var(sess.key),map_str({ROUTES}) -m found }}
{lead}  use_backend %[var(sess.key),map_str({ROUTES})]
{backend}"""


def _outside(frame: Frame) -> str:
    """Ports that lead to services where an infrastructure file says so; others turn everybody away."""
    if not frame.outside:
        return ""
    binds = "".join(f"  bind fd@{descriptor}\n" for descriptor in frame.outside)
    return f"""
frontend outside
{binds}  tcp-request connection set-var-fmt(sess.key) x:%[dst_port]
  tcp-request connection reject if !{{ var(sess.key),map_str({ROUTES}) -m found }}
  use_backend %[var(sess.key),map_str({ROUTES})]
"""


def _discovery(relay: Relay | None) -> tuple[str, str, str]:
    """Whoever comes from a container may ask; the token that it shows says what it is told."""
    if relay is None:
        return "", "", ""
    meant = f"{{ dst {relay.address} }} {{ dst_port 80 }}"
    return (
        f"  tcp-request connection accept if {meant}\n",
        f"  use_backend discovery if {meant}\n",
        f"\nbackend discovery\n  server here 127.0.0.1:{relay.port}\n",
    )


def _slots(state: RouterState, http: bool) -> Iterator[str]:
    placed = {pool.slot: pool.endpoints for pool in state.pools.values()}
    options = server_options(http)
    for slot in slot_names(http):
        yield f"backend {slot}\n{frontend.IN_SLOT if http else ''}"
        for endpoint in placed.get(slot, ()):
            server = Server.of(slot, endpoint)
            yield f"  server {server.name} {server.address} {options}\n"
