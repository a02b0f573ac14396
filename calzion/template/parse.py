"""template.yaml -> Template, and the keys of one service -> ServiceDefinition; all mistakes at once."""

from __future__ import annotations

from collections.abc import Mapping

from calzion.model import Pairs, ServiceDefinition, ServiceName, Template
from calzion.template.data import Data, from_json
from calzion.template.document import decode, read_document
from calzion.template.naming import interpolated, unfinished_references
from calzion.template.places import Places
from calzion.template.problem import Misfit, Problem, Unreadable
from calzion.template.report import keys_error, template_error


def parse_template(
    text: bytes, file: str = "template.yaml", *, secrets: frozenset[str] = frozenset()
) -> Template:
    """The template in `text`. References may name what is in `secrets` besides what the template defines.

    Raises CalzionError (template) whose detail lists every mistake as `FILE:LINE:COLUMN: sentence`.
    """
    from calzion.template.draft import Draft  # loads pydantic, which most processes never need

    places = Places("")
    try:
        decoded = decode(text)
        places = Places(decoded)
        document = read_document(decoded)
    except Unreadable as error:
        if not places.text:
            places = Places(text.decode("utf-8-sig", "replace"))
        raise template_error(file, [error.problem], places) from None
    draft = Draft(document, secrets)
    problems = [*document.problems, *draft.problems()]
    if problems:
        raise template_error(file, problems, document.places)
    return draft.template()


def parse_service(name: ServiceName, keys: Mapping[str, object], env: Pairs = ()) -> ServiceDefinition:
    """The definition of one service from JSON data with a service's keys; `env` lies beneath its own.

    Raises CalzionError (template) whose detail lists every mistake as `key.path: sentence`. Whether
    references and requirements name something is not known here.
    """
    from calzion.template.draft import Entry

    subject = f"the definition of {name}"
    try:
        data: Data = from_json(keys)
    except ValueError as error:
        raise keys_error(subject, [Problem(sentence=str(error))]) from None
    entry = Entry.read(str(name), data, ())
    problems = [*entry.problems, *_own_problems(name, entry.keys)]
    problems += unfinished_references(interpolated(entry.keys, ()))
    if problems:
        raise keys_error(subject, problems)
    return entry.definition(dict(env))


def _own_problems(name: ServiceName, keys: Mapping[str, Data]) -> list[Problem]:
    required = keys.get("require")
    if isinstance(required, list) and name in required:
        return [Misfit("a service can't require itself").at(("require", required.index(name)))]
    return []
