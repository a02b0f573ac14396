"""Why an image can't be pulled, as a user can act on it. Pure."""

from __future__ import annotations

from calzion.backends.docker.engine import DISK_FULL, FREE_SPACE, tells_full
from calzion.errors import CalzionError
from calzion.template.image import ImageReference
from calzion.template.registry import registry_of

_DENIED = ("unauthorized", "no basic auth credentials", "authentication required", "denied", "forbidden")
_UNKNOWN = ("manifest unknown", "name unknown", "not found", "repository name not known")
_OTHER_MACHINE = ("no matching manifest for",)
_PLAIN = ("server gave http response to https client",)
_DISTRUSTED = ("x509:", "certificate")
_UNREACHED = (
    "connection refused",
    "no such host",
    "timeout",
    "no route to host",
    "network is unreachable",
    "connection reset",
    "server misbehaving",
    "eof",
)


def refusal(reference: ImageReference, said: str, *, with_login: bool) -> CalzionError:
    """The error for what an engine `said`; `with_login` where credentials were given to the registry."""
    why, hint = _explained(registry_of(reference), said.lower(), said, with_login)
    return CalzionError(f"{reference} can't be pulled: {why}", hint=hint, detail=[said], code="build")


def _explained(host: str, text: str, said: str, with_login: bool) -> tuple[str, str]:
    def names(words: tuple[str, ...]) -> bool:
        return any(word in text for word in words)

    if tells_full(said):
        return DISK_FULL, FREE_SPACE
    if names(_DENIED):
        return _denied(host, with_login)
    if names(_OTHER_MACHINE):
        return "there is none for this machine's architecture", "use an image that was made for it"
    if names(_UNKNOWN):
        return f"{host} has no such image", "see whether its name and tag are right"
    if names(_PLAIN):
        return (
            f"{host} does not speak HTTPS",
            f'have the engine trust it: "insecure-registries": ["{host}"] in /etc/docker/daemon.json',
        )
    if names(_DISTRUSTED):
        return (
            f"the engine does not trust the certificate of {host}",
            f"give it the authority's: /etc/docker/certs.d/{host}/ca.crt",
        )
    if names(_UNREACHED):
        return f"{host} can't be reached", "see whether the engine's machine reaches it, and push again"
    return said, "'calzion doctor' looks at the engine"


def _denied(host: str, with_login: bool) -> tuple[str, str]:
    add = f"calzion registries add {host} --user NAME"
    if with_login:
        return (
            f"{host} does not give it to the user whose credentials are set",
            f"let them be set anew by the server's administrator: {add}",
        )
    return f"{host} has no such image, or wants credentials", f"let the server's administrator run: {add}"
