"""The audit trail: read, and looked at whether it is whole. Nothing here changes it."""

from __future__ import annotations

import re
from typing import Any

import falcon

from calzion.controller.api.permission import needs
from calzion.controller.auditbook import AuditBook
from calzion.controller.scope import Right
from calzion.controller.trail import Finding, Link
from calzion.controller.views import iso
from calzion.errors import CalzionError

MAX_RECORDS = 10_000

_KNOWN = re.compile(r"([0-9]{1,15}):([0-9a-f]{8,64})")


class Audit:
    def __init__(self, book: AuditBook) -> None:
        self._book = book

    @needs(Right.ADMIN, query={"most": "integer", "deployment": "string", "user": "string"})
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """The newest first; of ?deployment=NAME and ?user=NAME alone; at most ?most=N."""
        most = request.get_param_as_int("most", min_value=1, max_value=MAX_RECORDS, default=100)
        deployment, user = request.get_param("deployment") or "", request.get_param("user") or ""
        response.media = [
            record_view(each) for each in self._book.latest(most, deployment=deployment, user=user)
        ]


class Inspection:
    def __init__(self, book: AuditBook) -> None:
        self._book = book

    @needs(Right.ADMIN, query={"known": "string"})
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Whether the trail is whole: ?known=NUMBER:DIGEST is a record that was noted earlier."""
        response.media = finding_view(self._book.inspect(_known(request.get_param("known") or "")))


def record_view(link: Link) -> dict[str, Any]:
    """A record that is none any more shows as what it is, rather than hide the others."""
    try:
        view = link.view()
        return {**view, "time": iso(view["time"])}
    except (ValueError, KeyError, TypeError, OverflowError):
        return {"number": link.number, "damaged": link.text[:1000]}


def finding_view(finding: Finding) -> dict[str, Any]:
    head = finding.head
    return {
        "whole": not finding.broken,
        "records": finding.records,
        "first": finding.first.number if finding.first else None,
        "head": {"number": head.number, "digest": head.digest} if head else None,
        "broken": finding.broken or None,
        "reason": finding.reason,
    }


def _known(text: str) -> tuple[int, str] | None:
    if not text:
        return None
    match = _KNOWN.fullmatch(text)
    if not match:
        raise CalzionError(
            f"{text[:80]!a} is no record that was noted",
            hint="it is NUMBER:DIGEST, as 'calzion audit --verify' prints it",
            code="usage",
        )
    return int(match[1]), match[2]
