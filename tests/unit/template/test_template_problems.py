"""What is said about mistakes: each at its place, with what was found, meant, and allowed."""

from __future__ import annotations

import time
from textwrap import dedent

import pytest

from calzion.errors import CalzionError
from calzion.template import parse_template


def problems(text: str | bytes) -> list[str]:
    """The lines of the error's detail without the file's name."""
    data = dedent(text).encode() if isinstance(text, str) else text
    with pytest.raises(CalzionError) as caught:
        parse_template(data)
    assert caught.value.code == "template"
    assert isinstance(caught.value.detail, list)
    return [line.removeprefix("template.yaml:") for line in caught.value.detail]


def problem(text: str | bytes) -> str:
    [found] = problems(text)
    return found


def test_all_mistakes_are_told_in_order_of_place() -> None:
    with pytest.raises(CalzionError) as caught:
        parse_template(
            dedent("""\
                redis:
                  imge: redis
                web:
                  git: ../x
                  ports: {http: 99999}
                  healthcheck: {interval: fast}
                  require: [rediss]
                Environment: {A: 1}
                """).encode(),
            "deploy/app.yaml",
        )
    assert str(caught.value) == "deploy/app.yaml has 6 mistakes:"
    places = [line.split(": ")[0] for line in caught.value.detail]
    assert places == [f"deploy/app.yaml:{place}" for place in ("2:3", "4:8", "5:17", "6:27", "7:13", "8:1")]
    assert "did you mean 'image'? (allowed: image, git, build, cmd" in caught.value.detail[0]
    assert "did you mean 'redis'?" in caught.value.detail[4]
    assert "did you mean 'Env'?" in caught.value.detail[5]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1:1: the template is empty"),
        ("# only a comment\n", "1:1: the template is empty"),
        ("{}", "1:1: the template names no service"),
        ("- a", "1:1: a template is a map of services and sections, found a list"),
        ("just text", "1:1: a template is a map of services and sections, found 'just text'"),
        (b"a:\n  env: {A: \xff}", "2:12: byte 0xff is no UTF-8"),
        (b"a: \x00", "1:4: the character U+0000 is not allowed in YAML"),
        (b"\xff\xfea\x00", "1:1: byte 0xff is no UTF-8"),
        ("a: b: c", "1:5: this is not valid YAML: mapping values are not allowed"),
        ("a: [", "1:5: this is not valid YAML"),
        ("a: {image: x}\n---\nb: {image: x}", "2:1: one YAML document is wanted"),
        ("a: &a [*a]", "1:8: the alias '*a' refers to itself"),
        ("a: *b", "1:4: the alias '*b' refers to no anchor before it"),
        ("a: {image: x}\n*a : 1", "2:1: a key must be written out"),
        ("? [a]\n: 1", "1:3: a key must be text"),
        ("a: {image: x}\na: {git: .}", "2:1: the key 'a' stands twice; the first is on line 1"),
        ("a: {image: x, <<: {git: .}}", "1:15: merge keys (<<) are not supported"),
        (
            "a: !!python/object:os.system {image: x}",
            "1:4: the tag 'tag:yaml.org,2002:python/object:os.system'",
        ),
        ("a: {image: x, env: {A: !local y}}", "1:24: the tag '!local': tags are not supported"),
    ],
)
def test_text_that_is_no_template(text: str | bytes, expected: str) -> None:
    assert problem(text).startswith(expected)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("{git: ^/etc}", "'/etc' is absolute"),
        ("{git: ^a/../b}", "'a/../b' leads out of the directory"),
        (
            "{git: ^true}",
            "a directory of the repository (. is its root) is needed here, found the boolean true",
        ),
        ("{git: ^~}", "a directory of the repository (. is its root) is needed here, found nothing"),
        ("{image: ^'a b'}", "'a b' is no image reference"),
        ("{image: ^Redis}", "'Redis' is no image reference"),
        ("{^image: x, git: .}", "a service has either 'image' or 'git', not both"),
        ("{git: ., ^entrypoint: x}", "'entrypoint' belongs to an image"),
        ("{git: ., ^port: 1, ports: {}}", "write either 'port' or 'ports', not both"),
        ("{git: ., port: ^0}", "a port is a number from 1 to 65535, or assign; found the whole number 0"),
        ("{git: ., port: ^'80'}", "a port is a number from 1 to 65535, or assign; found '80'"),
        ("{git: ., port: ^1.5}", "a port is a number from 1 to 65535, or assign; found the number 1.5"),
        ("{git: ., ports: ^x}", "a map is needed here; found 'x'"),
        ("{git: ., ports: {^A: 1}}", "'A' is no name of a port"),
        ("{git: ., ports: [a, ^a]}", "'a' stands twice in this list"),
        ("{git: ., cmd: [a, ^[b]]}", "text, a number or a boolean is needed here, found a list"),
        ("{git: ., cmd: ^[]}", "the command is empty"),
        ("{git: ., cmd: ^' '}", "the command is empty"),
        ("{git: ., cmd: ^{a: b}}", "a command (text, or a list of arguments) is needed here, found a map"),
        ("{git: ., release: ^[a]}", "the release command is text, found a list"),
        ("{git: ., env: {A: ^~}}", "a value is needed here, found nothing"),
        ("{git: ., cmd: ^~}", "a value is needed here, found nothing"),
        ("{git: ., ports: ^~}", "a value is needed here, found nothing"),
        ("{git: ., processes: ^~}", "a value is needed here, found nothing"),
        ("{git: ., buildpacks: ^~}", "a value is needed here, found nothing"),
        ("{git: ., env: {A: ^[1]}}", "text, a number or a boolean is needed here, found a list"),
        ("{git: ., env: {^1A: x}}", "'1A' is no name of a variable"),
        ("{git: ., env: ^[A]}", "a map is needed here; found a list"),
        ('{git: ., env: {A: ^"a\\0b"}}', "'a\\x00b' holds a NUL character"),
        ("{git: ., volumes: {d: ^data}}", "'data' is no path of a volume"),
        ("{git: ., volumes: {d: ^/}}", "'/' is no path of a volume"),
        ("{git: ., volumes: {d: ^/a/../b}}", "'/a/../b' is no path of a volume"),
        ("{git: ., volumes: {d: ^/a/}}", "'/a/' is no path of a volume"),
        ("{git: ., volumes: {d: ^/proc/x}}", "'/proc/x' can't be a volume"),
        ("{git: ., volumes: {^D_: /a}}", "'D_' is no name of a volume"),
        ("{image: x, ^processes: [web]}", "'processes' are those of a Procfile"),
        ("{git: ., processes: ^[]}", "no process type would run"),
        ("{git: ., processes: [^'a b']}", "'a b' is no process type"),
        ("{git: ., processes: ^web}", "a list is needed here; found 'web'"),
        ("{git: ., healthcheck: ^up}", "'up' is no path of a request"),
        ("{git: ., healthcheck: ^[a]}", "a health check is a path such as /healthz, or a map; found a list"),
        ("{git: ., healthcheck: {^pth: /}}", "unknown key 'pth'; did you mean 'path'?"),
        ("{git: ., healthcheck: {^path: /, cmd: x}}", "a health check has either 'cmd' or 'path', not both"),
        ("{git: ., healthcheck: {port: ^adm}, ports: [admin]}", "the service has no port named 'adm'; did"),
        ("{git: ., ports: [], healthcheck: ^/}", "a health check with a path needs a port"),
        ("{git: ., healthcheck: {interval: ^0}}", "a time of at least 0.1s is needed here"),
        ("{git: ., healthcheck: {grace: ^.inf}}", "a time is needed here, found the number .inf"),
        ("{git: ., stop: {timeout: ^25h}}", "a time from 0 to 24h is needed here, found '25h'"),
        ("{git: ., stop: {timeout: ^-1}}", "a time from 0 to 24h is needed here"),
        (
            "{git: ., stop: {signal: ^SIGTREM}}",
            "'SIGTREM' is no signal that a service can be stopped with; did",
        ),
        ("{git: ., stop: ^SIGTERM}", "stop is a map of signal and timeout; found 'SIGTERM'"),
        ("{git: ., labels: {^a b: x}}", "'a b' is no label"),
        ("{git: ., require: [^web]}", "'web' requires itself"),
        ("{git: ., require: [^nothing]}", "no service or task is named 'nothing'"),
        ("{git: ., require: ^x}", "a list is needed here; found 'x'"),
        ("{git: ., overlap: ^no}", "true or false is needed here, found 'no'"),
        ("{git: ., privileged: ^1}", "true or false is needed here, found the whole number 1"),
        ("{git: ., buildpacks: ^python}", "a list is needed here; found 'python'"),
        ("{git: ., buildpacks: ^[]}", "no buildpack is named: leave 'buildpacks' out to detect it"),
        ("{git: ., buildpacks: [^'a b']}", "'a b' can't be used: this is no buildpack"),
        (
            "{git: ., buildpacks: [^'https://a:b@c/x y']}",
            "'https://***@c/x y' can't be used: this is no address",
        ),
        ("{git: ., buildpacks: [^'git@a.b:c.git']}", "'git@a.b:c.git' can't be used: ssh needs a key"),
        ("{image: x, ^buildpacks: [python]}", "'buildpacks' build an app; only a service with 'git' is one"),
        ("{image: x, ^build_env: [A], env: {A: 1}}", "'build_env' is for the build of an app"),
        (
            "{git: ., build_env: [^TOKEN], env: {TOKENS: a}}",
            "neither 'env' nor 'Env' gives the variable 'TOKEN'; did",
        ),
        ("{git: ., ^build: .}", "a service has either 'build' or 'git', not both"),
        ("{^image: x, build: .}", "a service has either 'image' or 'build', not both"),
        ("{build: ^../x}", "'../x' leads out of the directory"),
        ("{git: ., expose: ^[redis]}", "a map is needed here; found a list"),
        ("{git: ., expose: {^redis: R}}", "no service is named 'redis'"),
        ("{git: ., expose: {^web: R}}", "'web' is this service itself"),
        ("{git: ., ^environment: {}}", "unknown key 'environment'; did you mean 'env'?"),
        ("{git: ., ^Image: x}", "unknown key 'Image'; did you mean 'image'?"),
        ("^mycompany/redis", "a service is a map of keys, or empty; found 'mycompany/redis'"),
    ],
)
def test_each_key_says_what_is_wrong(keys: str, expected: str) -> None:
    """`^` in `keys` marks the place."""
    column = len("web: ") + keys.index("^") + 1
    assert problem(f"web: {keys.replace('^', '')}").startswith(f"1:{column}: {expected}")


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("my_app: {git: .}", "'my_app' is no service name"),
        ("my/redis: {git: .}", "'my/redis' is no service name"),
        ("team/my_app:", "'my_app' is no service name"),
        ("my app:", "'my app' is no image reference"),
        ("'':", "'' is no image reference"),
    ],
)
def test_names_of_services(key: str, sentence: str) -> None:
    assert problem(key).startswith(f"1:1: {sentence}")


def test_two_services_with_one_name_show_both_lines() -> None:
    assert problem("redis:\nmycompany/redis:7:\n").startswith(
        "2:1: a second service is named 'redis': 'redis' on line 1 is the first"
    )


def test_requirements_must_not_lead_back() -> None:
    text = "a: {image: x, require: [b]}\nb: {image: x, require: [c]}\nc: {image: x, require: [a]}"
    assert "these require each other in a circle: " in problem(text)


def test_two_circles_are_two_mistakes() -> None:
    pairs = [("a", "b"), ("b", "a"), ("c", "d"), ("d", "c")]
    assert len(problems("\n".join(f"{one}: {{image: x, require: [{two}]}}" for one, two in pairs))) == 2


def test_two_volumes_must_not_share_a_path() -> None:
    found = problems("a: {image: x, volumes: {d: /d, e: /d, f: /f}}")
    assert [line.split(": ")[0] for line in found] == ["1:28", "1:35"]


def test_a_reference_to_nothing_is_told_at_its_own_place() -> None:
    text = """\
        web:
          git: .
          env:
            URL: |
              http://a
              http://${HOTS}/
          cmd: echo ${HOTS}
        Env: {HOST: a}
        """
    assert problem(text).startswith("6:14: '${HOTS}' names nothing")
    assert "did you mean 'HOST'?" in problem(text)


@pytest.mark.parametrize(
    "place",
    ["image: x/${NO}", "healthcheck: /${NO}", "volumes: {d: '/${NO}'}", "healthcheck: {path: '/${NO}'}"],
)
def test_references_are_checked_wherever_they_count(place: str) -> None:
    base = "" if place.startswith("image") else "git: ., "
    quoted = place.replace("x/${NO}", "'x/${NO}'").replace(": /${NO}", ": '/${NO}'")
    assert "'${NO}' names nothing" in problem(f"web: {{{base}{quoted}}}")


def test_an_unfinished_reference_is_no_reference() -> None:
    assert problem("web: {git: ., env: {A: 'x ${B'}}").startswith(
        "1:27: '${B' is no reference: write ${NAME}"
    )


def test_env_must_not_refer_to_itself() -> None:
    found = problem("a:\nEnv: {A: '${B}', B: '${A}'}")
    assert "values refer to each other in a circle: " in found
    assert problem("a:\nEnv: {A: '${A}'}").endswith("A -> A")


def test_mistakes_in_sections() -> None:
    found = problems("a:\nEnv: {1X: 1}\nGenerate: {P: {lenght: 1}, Q: {length: 0}, R: 32}")
    assert [line.split(": ")[0] for line in found] == ["2:7", "3:16", "3:40", "3:47"]


def test_a_mistake_does_not_hide_others_of_the_same_service() -> None:
    assert len(problems("web: {git: ., image: y, nope: 1, port: 0, require: [x], env: {A: '${B}'}}")) == 5


def test_control_characters_never_reach_the_reader() -> None:
    assert "\x1b" not in problem('"\\e[2J": {git: .}')


def test_many_mistakes_are_counted_and_the_first_are_shown() -> None:
    keys = "\n".join(f"  key{number}: 1" for number in range(120))
    with pytest.raises(CalzionError, match="120 mistakes") as caught:
        parse_template(f"web:\n  git: .\n{keys}".encode())
    assert len(caught.value.detail) == 51
    assert caught.value.detail[-1] == "... and 70 more"


def _laughs() -> str:
    lines = ["l0: &l0 [a, a, a, a, a, a, a, a, a, a]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 10)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"a" * (1 << 20) + b"a", "are more than 1048576"),
        (b"[" * 100_000, "more than 32 maps and lists"),
        (b"{a: " * 100_000, "more than 32 maps and lists"),
        (b"- " * 100_000, "more than 32 maps and lists"),
        (b"? " * 100_000, "a key must be text"),
        (_laughs().encode(), "more than 10000 keys and values"),
        (b"a: &a [" + b"x," * 4000 + b"]\nb: [*a, *a, *a]", "more than 10000 keys and values"),
        (b"a: &a " + b"x" * 500_000 + b"\nb: [" + b"*a," * 100 + b"]", "more than 10000 keys and values"),
        (b"\n".join(b"s%d:" % n for n in range(300)), "300 services; at most 200 are allowed"),
    ],
    ids=["size", "lists", "maps", "items", "keys", "laughs", "wide", "long", "services"],
)
def test_hostile_templates_end_soon(text: bytes, sentence: str) -> None:
    begun = time.process_time()
    assert sentence in problem(text)
    assert time.process_time() - begun < 10


def test_many_mistakes_end_soon() -> None:
    references = "".join(f"${{N{number}}}" for number in range(10_000))
    keys = "\n".join(f"  k{number}: 1" for number in range(2_000))
    again = "  git: .\n" * 2_000
    begun = time.process_time()
    assert len(problems(f"web:\n  git: .\n  env: {{A: '{references}'}}\n{keys}\n{again}")) == 51
    assert time.process_time() - begun < 10


def test_depth_counts_through_aliases() -> None:
    chain = "\n".join(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 40))
    assert "more than 32 maps and lists" in problem(f"a0: &a0 [x]\n{chain}")


TASKS = """\
web: {git: ., require: [seed]}
db: {image: postgres}
Run:
"""


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("  ^web: {service: web, cmd: x}", "a service is named 'web' too"),
        ("  seed: {service: ^wbe, cmd: x}", "no service is named 'wbe'; did you mean 'web'?"),
        ("  seed: {service: ^db, cmd: x}", "'db' is no app: a task runs in the code of a service with"),
        (
            "  seed: ^{service: web}",
            "a task is a map of service, cmd, require and sanitize; 'cmd' is missing",
        ),
        (
            "  seed: ^python seed.py",
            "a task is a map of service, cmd, require and sanitize; found 'python seed.py'",
        ),
        ("  seed: {service: web, cmd: ^''}", "a command (text, or a list of arguments) is needed here"),
        (
            "  seed: {service: web, cmd: x, require: [^dbb]}",
            "no service or task is named 'dbb'; did you mean 'db'?",
        ),
        ("  seed: {service: web, cmd: x, require: [^seed]}", "'seed' requires itself"),
        ("  seed: {service: web, cmd: x, sanitize: ^maybe}", "true or false is needed here"),
        (
            "  seed: {service: web, cmd: x, sanitize: true, require: [^other]}\n  other: {service: web, cmd: x}",
            "'other' comes after a task with 'sanitize', which sees copied data first",
        ),
        ("  seed: {service: web, cmd: x, ^env: {}}", "unknown key 'env'"),
    ],
)
def test_what_is_wrong_with_tasks(task: str, expected: str) -> None:
    """`^` marks the place on the line of the task."""
    found = problems(TASKS + task.replace("^", "") + "\n")
    assert any(line.startswith(f"4:{task.index('^') + 1}: {expected}") for line in found), found


def test_circles_lead_through_tasks() -> None:
    text = "web: {git: ., require: [seed]}\nRun: {seed: {service: web, cmd: x, require: [web]}}"
    assert "these require each other in a circle: " in problem(text)


def test_prefixes_must_differ() -> None:
    text = "web: {git: ., expose: {main-db: DB}}\nmain-db: {image: postgres}\ndb: {image: postgres}"
    assert problem(text) == "1:33: the prefix 'DB' is that of 'db' already"
    text = "web: {git: ., expose: {db: 1DB}}\ndb: {image: postgres}"
    assert problem(text).startswith("1:28: '1DB' is no name of a variable")
