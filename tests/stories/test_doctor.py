from __future__ import annotations

from tests.stories.site import Site


def test_doctor_names_each_program_that_is_used(site: Site) -> None:
    findings = {each["name"]: each for each in site.json("doctor")}
    assert {"git", "bwrap", "haproxy", "postgres", "redis", "node", "python"} <= set(findings)
    assert all(findings[name]["ok"] and findings[name]["found"] for name in ("git", "bwrap", "haproxy"))
