"""Secrets: set before the first push, used by it, and seen nowhere but in the processes that need them."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stories.apps import web
from tests.stories.site import DEADLINE, Site, eventually
from tests.stories.terminal import Person

VALUE = "tr0ub4dor & 3 + caf\u00e9"
SECOND = "c0rrect-h0rse"
TEMPLATE = """
Env: {URL: "https://${API_KEY}@example"}
Generate: {TOKEN: {length: 32}}
calzion/redis:
web:
  git: .
  env: {KEY: "${API_KEY}", BOTH: "${TOKEN}-${API_KEY}", PLAIN: here}
  build_env: [KEY]
  release: echo "the release has $KEY and $TOKEN_COPY"; exit ${FAIL:-0}
"""


def set_secret(site: Site, deployment: str, name: str, value: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "calzion", "--data", str(site.data), "secrets", "set", deployment, name]
    return subprocess.run(command, input=value, capture_output=True, text=True, timeout=DEADLINE, check=False)


def app(**more: str) -> dict[str, str]:
    files = web(template__yaml=TEMPLATE, **more)
    files[".buildpacks"] = "./leaky\nprocfile\n"
    files["leaky/bin/detect"] = "#!/bin/sh\necho leaky\n"
    files["leaky/bin/compile"] = '#!/bin/sh\necho "the build has $(cat $3/KEY)"\n'
    return files


def found_in(directory: Path, values: list[str]) -> list[Path]:
    """Files that hold one of the values, or its base64 at any of the three offsets."""
    wanted = [value.encode() for value in values]
    for value in values:
        for shift in range(3):
            encoded = base64.b64encode(b"x" * shift + value.encode())
            wanted.append(encoded[4 if shift else 0 : -4])
    files = [path for path in directory.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in files if any(each in _content(path) for each in wanted)]


def _content(path: Path) -> bytes:
    """Nothing where it is gone meanwhile: old instances end beside the test."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


@pytest.fixture(scope="module")
def kept(site: Site) -> Site:
    unset = site.repository("kept", app()).push("kept")
    assert unset.status != 0 and "calzion secrets set DEPLOYMENT API_KEY" in unset, unset
    told = set_secret(site, "kept", "API_KEY", VALUE + "\n")
    assert (told.returncode, told.stdout) == (0, "set: API_KEY of kept\n"), told
    push = site.repository("kept", app()).push("kept")
    assert push.status == 0, push
    assert "the build has [API_KEY]" in push and "the release has [API_KEY]" in push, push
    return site


def environment(site: Site, host: str) -> dict[str, str]:
    status, body = site.get(host)
    assert status == 200, body
    env: dict[str, str] = json.loads(body)["env"]
    return env


def test_the_process_sees_it_and_nothing_else_does(kept: Site) -> None:
    env = environment(kept, "kept")
    assert env["KEY"] == VALUE and env["URL"] == f"https://{VALUE}@example" and env["PLAIN"] == "here"
    generated = env["BOTH"].removesuffix(f"-{VALUE}")
    password = env["REDIS_URL"].split(":")[2].split("@")[0]
    assert len(generated) == len(password) == 32
    assert found_in(kept.data, [VALUE, generated, password]) == []
    told = [
        kept.calzion(*command).stdout
        for command in (
            ("show", "kept"),
            ("show", "kept:web"),
            ("show", "kept:web", "--json"),
            ("env", "kept:web"),
            ("env", "kept:web", "--json"),
            ("env", "kept:redis"),
            ("secrets", "list", "kept", "--json"),
            ("logs", "kept", "--release"),
            ("logs", "kept"),
            ("releases", "kept"),
        )
    ]
    assert all(told)
    assert not [text for text in told if any(each in text for each in (VALUE, generated, password))]


def test_env_says_where_each_value_comes_from(kept: Site) -> None:
    listed = {each["name"]: each for each in kept.json("env", "kept:web")}
    assert listed["KEY"] == {"name": "KEY", "value": "${API_KEY}", "from": "env"}
    assert listed["URL"] == {"name": "URL", "value": "https://${API_KEY}@example", "from": "Env"}
    assert listed["BOTH"]["value"] == "${TOKEN}-${API_KEY}"
    assert listed["PLAIN"]["value"] == "here"
    assert listed["REDIS_URL"]["value"].startswith("redis://:${redis.password}@127.")
    assert listed["REDIS_URL"]["from"] == "appliance redis"
    assert (listed["REDIS_PORT"]["value"], listed["REDIS_PORT"]["from"]) == ("6379", "address of redis")
    assert (listed["DEPLOYMENT"]["value"], listed["DEPLOYMENT"]["from"]) == ("kept", "Calzion")
    seen = environment(kept, "kept")
    assert listed.keys() - seen.keys() == set()
    assert {each["name"] for each in kept.json("env", "kept:redis")} >= {"REDIS_PASSWORD", "SERVICE"}
    assert kept.calzion("env", "kept:nothing").returncode == 3


def test_a_failure_s_last_lines_do_not_tell_it(kept: Site) -> None:
    files = app(Procfile='web: echo "down with $KEY and $BOTH"; exit 3\n')
    push = kept.repository("kept", files).push("kept", "--force")
    assert push.status != 0 and "down with [API_KEY] and [TOKEN]-[API_KEY]" in push, push
    assert found_in(kept.data, [VALUE]) == []


def test_a_changed_one_is_used_by_the_next_release(kept: Site) -> None:
    told = set_secret(kept, "kept", "API_KEY", SECOND)
    assert "calzion redeploy kept" in told.stderr
    assert environment(kept, "kept")["KEY"] == VALUE
    again = kept.calzion("redeploy", "kept")
    assert again.returncode == 0 and "the release has [API_KEY]" in again.stdout, again
    eventually(lambda: environment(kept, "kept")["KEY"] == SECOND)
    assert found_in(kept.data, [VALUE, SECOND]) == []


def test_list_and_remove(kept: Site) -> None:
    assert set_secret(kept, "early", "ONE", "value-one").returncode == 0
    assert kept.json("secrets", "list", "early")[0]["services"] == []
    listed = kept.json("secrets", "list", "kept")
    assert [(each["name"], each["services"]) for each in listed] == [("API_KEY", ["web"])]
    assert kept.calzion("secrets", "remove", "early", "ONE").stdout == "removed: ONE of early\n"
    again = kept.calzion("secrets", "remove", "early", "ONE")
    assert again.returncode == 3 and "early has no secret ONE" in again.stderr
    assert kept.json("secrets", "list", "early") == []


def test_several_at_once_or_none(kept: Site, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("A='first value'\nB=\"two\\nlines\"\n")
    assert kept.calzion("secrets", "set", "bulk", "--from", str(file)).returncode == 0
    assert [each["name"] for each in kept.json("secrets", "list", "bulk")] == ["A", "B"]
    file.write_text("C=fine\nD=\n")
    refused = kept.calzion("secrets", "set", "bulk", "--from", str(file))
    assert refused.returncode == 2 and "D: the value is empty" in refused.stderr
    assert [each["name"] for each in kept.json("secrets", "list", "bulk")] == ["A", "B"]


def test_no_value_on_the_command_line(kept: Site) -> None:
    refused = kept.calzion("secrets", "set", "kept", f"KEY={VALUE}")
    assert refused.returncode == 2 and "does not belong on the command line" in refused.stderr
    assert VALUE not in refused.stderr
    assert "is no UTF-8" in kept_bytes(kept, b"\xff\xfe")
    assert "NUL" in kept_bytes(kept, b"a\0b")


def kept_bytes(site: Site, value: bytes) -> str:
    command = [sys.executable, "-m", "calzion", "--data", str(site.data), "secrets", "set", "kept", "KEY"]
    done = subprocess.run(command, input=value, capture_output=True, timeout=DEADLINE, check=False)
    assert done.returncode == 2
    return done.stderr.decode()


def test_at_a_terminal_it_is_asked_for_twice_and_not_shown(kept: Site) -> None:
    person = Person(kept, "secrets", "set", "typed", "KEY")
    person.sees("value of KEY: ")
    person.type("unseen-value\r")
    person.sees("once more: ")
    person.type("unseen-value\r")
    assert person.leaves() == 0
    assert "set: KEY of typed" in person.seen and "unseen-value" not in person.seen
