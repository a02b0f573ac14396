"""infrastructure.yaml -> Declaration; all mistakes at once, each with its place."""

from __future__ import annotations

from collections.abc import Iterator

from calzion.infrastructure.declaration import Declaration, Domain
from calzion.model import Limits
from calzion.template.data import Data, described
from calzion.template.document import decode, read_document
from calzion.template.places import Places
from calzion.template.problem import Misfit, Path, Problem, Unreadable
from calzion.template.report import template_error
from calzion.template.sources import SourceFile, Sources

_HINT = "The sections of an infrastructure file are described in docs/infrastructure.md."


def parse_infrastructure(text: bytes, file: str = "infrastructure.yaml") -> Declaration:
    """Raises CalzionError (template) whose detail lists every mistake as `FILE:LINE:COLUMN: sentence`."""
    from calzion.infrastructure.shape import InfrastructureShape  # loads pydantic
    from calzion.template.check import check

    places, problems, data = _read(text)
    shape = None
    if not problems or data is not None:
        found: Data = {} if data is None else data
        shape, mistakes = check(InfrastructureShape, found, ())
        problems += [*mistakes, *_domain_problems(found)]
    if problems or shape is None:
        sources = Sources([SourceFile(name=file, places=places)])
        raise template_error(file, problems, sources, hint=_HINT)
    domains = {
        host: Domain(
            paths=({"/": each.http} if each.http else {}) | each.paths,
            redirect=each.redirect or "",
            auth=each.auth,
            sticky=bool(each.sticky),
        )
        for host, each in shape.Domains.items()
    }
    limits = {
        name: {
            unit: Limits(memory=each.memory, cpus=each.cpus, processes=each.pids)
            for unit, each in bounds.items()
        }
        for name, bounds in shape.Limits.items()
    }
    return Declaration(domains=domains, ports=shape.Ports, scale=shape.Scale, limits=limits)


def _read(text: bytes) -> tuple[Places, list[Problem], Data]:
    places = Places("")
    try:
        decoded = decode(text)
        places = Places(decoded)
        document = read_document(decoded)
    except Unreadable as error:
        return places if places.text else Places(text.decode("utf-8-sig", "replace")), [error.problem], None
    return document.places, list(document.problems), document.data


def _domain_problems(data: Data) -> Iterator[Problem]:
    """What no single value of a domain shows."""
    domains = data.get("Domains") if isinstance(data, dict) else None
    for host, keys in domains.items() if isinstance(domains, dict) else ():
        path: Path = ("Domains", host)
        if keys is None:
            yield Misfit("nothing says where the domain leads: write DEPLOYMENT:SERVICE").at(
                path, on_key=True
            )
        elif isinstance(keys, dict):
            yield from _map_problems(host, keys, path)


def _map_problems(host: str, keys: dict[str, Data], path: Path) -> Iterator[Problem]:
    if not keys.keys() & {"http", "paths", "redirect"}:
        yield Misfit("nothing says where the domain leads: give it http, paths or redirect").at(
            path, on_key=True
        )
    beside = sorted(keys.keys() & {"http", "paths", "auth", "sticky"}) if "redirect" in keys else []
    if beside:
        sentence = f"a domain that redirects does nothing else: leave out redirect, or {' and '.join(beside)}"
        yield Misfit(sentence).at((*path, "redirect"), on_key=True)
    if isinstance(to := keys.get("redirect"), str) and to.split("://")[-1].rstrip("/") == host:
        yield Misfit("a domain can't redirect to itself").at((*path, "redirect"))
    yield from _foreign(keys, path)


def _foreign(keys: dict[str, Data], path: Path) -> Iterator[Problem]:
    """One domain belongs to one deployment."""
    paths = keys.get("paths")
    places: list[tuple[Path, Data]] = [((*path, "http"), keys.get("http"))]
    if isinstance(paths, dict):
        places += [((*path, "paths", prefix), target) for prefix, target in paths.items()]
        if "http" in keys and any(prefix.rstrip("/") == "" for prefix in paths):
            yield Misfit("http says already where '/' leads").at((*path, "paths", "/"), on_key=True)
    elif paths is not None:
        yield Misfit(f"paths is a map of prefixes to DEPLOYMENT:SERVICE, found {described(paths)}").at(path)
    owners = [(at, _owner(value)) for at, value in places]
    first = next((owner for _, owner in owners if owner), "")
    for at, owner in owners:
        if owner and owner != first:
            sentence = (
                f"one domain belongs to one deployment: this leads to {owner}, what stands before to {first}"
            )
            yield Misfit(sentence).at(at)


def _owner(value: Data) -> str:
    return value.partition(":")[0] if isinstance(value, str) and ":" in value else ""
