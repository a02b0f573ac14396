"""The part of HAProxy's configuration that takes requests from outside to their slots, and the groups around it. Pure.

A request is known by its host: by a domain of exactly that name, else by a name of a deployment, else by a domain
`*.` for the names below another one. The rules of a domain and where it leads are entries of one map, so they change
at one moment.
"""

from __future__ import annotations

DOMAINS, ROUTES = "domains.map", "routes.map"
"""Names within HAProxy's working directory: relative, so that no path needs quoting. The runtime API knows the maps by
the same names."""

DOOR = "door.cfg"

COOKIE = "calzion_instance"

_PLAIN = 'content-type "text/plain; charset=utf-8"'

_KNOWN = "{ var(txn.rules) -m found }"
_PLACED = "{ var(txn.slot) -m found }"
_AUTH = "{ var(txn.rules) -m sub auth }"
_STICKY = "{ var(txn.rules) -m sub sticky }"


def web(bind: str, trusted: tuple[str, ...] = ()) -> str:
    """The frontend and where requests end that lead to no slot. `bind` are its lines `bind`, `trusted` networks of
    routers."""
    return f"\nfrontend web\n{bind}{_FOUND}{_GUARDED}{_MOVED}{_forwarded(trusted)}{_STUCK}{_LED}{_NOWHERE}"


_FOUND = f"""  filter spoe engine door config {DOOR}
  http-request set-var(txn.host) req.hdr(host),host_only,lower,rtrim(.)
  http-request set-var-fmt(txn.domain) n:%[var(txn.host)]
  http-request set-var(txn.rules) var(txn.domain),map_str({DOMAINS})
  http-request set-var-fmt(txn.key) h:%[var(txn.host)] if !{_KNOWN}
  http-request set-var(txn.slot) var(txn.key),map_str({ROUTES})
  http-request set-var-fmt(txn.domain) n:*%[var(txn.host),regsub(^[^.]*,)] if !{_KNOWN} !{_PLACED}
  http-request set-var(txn.rules) var(txn.domain),map_str({DOMAINS}) if !{_KNOWN} !{_PLACED}
  http-request set-var-fmt(txn.place) p:%[var(txn.domain),bytes(2)]%[path]/ if {_KNOWN}
  http-request set-var(txn.key) var(txn.place),map_beg({DOMAINS}) if {_KNOWN}
  http-request set-var(txn.slot) var(txn.key),map_str({ROUTES}) if {_KNOWN}
"""

# Without an answer of the doorkeeper nobody comes in.
_GUARDED = f"""  http-request send-spoe-group door check if {_AUTH} {{ req.hdr(authorization) -m found }}
  http-request auth realm restricted if {_AUTH} !{{ req.hdr(authorization) -m found }}
  http-request return status 503 {_PLAIN} hdr Retry-After 1 string "Passwords can't be checked at the moment.\\n" if {_AUTH} !{{ var(txn.door.open) -m found }}
  http-request auth realm restricted if {_AUTH} !{{ var(txn.door.open) -m bool }}
  http-request del-header authorization if {_AUTH}
"""  # noqa: E501

_MOVED = f"""  http-request return status 308 {_PLAIN} hdr Location "%[var(txn.key)]%[pathq]" hdr Cache-Control max-age=3600 string "This has moved.\\n" if {{ var(txn.key) -m beg http }} {{ path_beg / }}
"""  # noqa: E501


def _forwarded(trusted: tuple[str, ...]) -> str:
    """Clients could claim to be anybody: only other routers are believed."""
    known = f"  acl trusted src {' '.join(trusted)}\n" if trusted else ""
    unless = " unless trusted { req.hdr(x-forwarded-for) -m found }" if trusted else ""
    return f"""{known}  http-request set-header X-Forwarded-For %[src]{unless}
  http-request set-header X-Forwarded-Proto http{unless}
  http-request set-header X-Forwarded-Host %[req.hdr(host)]{unless}
  http-request del-header Forwarded
  http-request del-header Proxy
"""


# The cookie holds a token: only one that the map knows, for a server that is in this slot now, leads anywhere.
_STUCK = f"""  http-request set-var-fmt(txn.cookie) s:%[var(txn.slot)]:%[req.cook({COOKIE})] if {_STICKY}
  http-request set-var(txn.server) var(txn.cookie),map_str({ROUTES}) if {_STICKY}
  http-response set-var-fmt(txn.served) t:%[var(txn.slot)]:%[srv_name] if {_STICKY}
  http-response set-var(txn.token) var(txn.served),map_str({ROUTES}) if {_STICKY}
  http-response add-header Set-Cookie "{COOKIE}=%[var(txn.token)]; Path=/; HttpOnly; SameSite=Lax" if {{ var(txn.token) -m found }} !{{ srv_name,strcmp(txn.server) eq 0 }}
"""  # noqa: E501

_LED = """  use_backend %[var(txn.slot)] if { var(txn.slot) -m found }
  use_backend absent if { var(txn.key) -m beg r: }
  default_backend unknown
"""

IN_SLOT = "  use-server %[var(txn.server)] if { var(txn.server) -m found }\n"
"""Heads to the server that the client had before."""

_NOWHERE = f"""
backend absent
  http-request return status 503 {_PLAIN} hdr Retry-After 1 string "This application is starting or stopped.\\n"

backend unknown
  acl speakable var(txn.host) -m reg ^[a-z0-9._-]{{1,253}}$
  http-request return status 404 {_PLAIN} hdr X-Content-Type-Options nosniff string "Nothing answers to this path here.\\n" if {_KNOWN}
  http-request return status 404 {_PLAIN} hdr X-Content-Type-Options nosniff lf-string "No deployment answers to %[var(txn.host)] here.\\n" if speakable
  http-request return status 404 {_PLAIN} hdr X-Content-Type-Options nosniff string "No deployment answers to this host name here.\\n"
"""  # noqa: E501


def doorkeeper(socket: str) -> str:
    """The group that asks the doorkeeper at a unix socket; stands where defaults are of TCP."""
    return f"""
backend door
  timeout server 3m
  server door unix@{socket}
"""


DOOR_CONFIGURATION = """[door]
spoe-agent door
  groups check
  option var-prefix door
  timeout hello 2s
  timeout idle 2m
  timeout processing 4s
  use-backend door

spoe-message verify
  args domain=var(txn.domain) authorization=req.hdr(authorization)

spoe-group check
  messages verify
"""
"""What HAProxy asks of the doorkeeper, by the protocol that its doc/SPOE.txt describes."""
