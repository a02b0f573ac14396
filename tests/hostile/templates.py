"""Templates that no deployment may come of."""

from __future__ import annotations

from tests.hostile.pack import blob
from tests.hostile.push import FILE, LINK, Push, history, replacing

_MANY = b"".join(b"s%d: {git: .}\n" % number for number in range(10_000))
_LAUGHS = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9)) for n in range(12)
)
_BAD = {
    "nothing": (b"", "template.yaml"),
    "no text": (b"\xff\xfe\x00", "UTF-8"),
    "a NUL": (b"web: {git: .}\n\0", "U+0000"),
    "a NUL in a variable": (b'web: {git: ., env: {A: "a\\0b"}}\n', "NUL"),
    "an escape in a variable's name": (b'web: {git: ., env: {"\\e[31m": x}}\n', "name of a variable"),
    "a line break in a variable's name": (b'web: {git: ., env: {"A\\nB": x}}\n', "name of a variable"),
    "aliases of aliases": (_LAUGHS, "more than 10000 keys and values"),
    "an alias of itself": (b"web: &a {git: ., env: *a}\n", "template.yaml:1"),
    "an alias of nothing": (b"web: *nothing\n", "template.yaml:1"),
    "a key twice": (b"web: {git: ., git: x}\n", "template.yaml:1"),
    "a service twice": (b"web: {git: .}\nweb: {git: .}\n", "template.yaml:2"),
    "a tag": (b"web: !!python/object/apply:os.system [id]\n", "template.yaml:1"),
    "a tag of its own": (b"web: !x {git: .}\n", "template.yaml:1"),
    "two documents": (b"web: {git: .}\n---\nweb: {git: .}\n", "template.yaml:"),
    "a list": (b"- web\n", "template.yaml:1"),
    "a service that is a number": (b"web: 5\n", "template.yaml:1"),
    "a directory that is a list": (b"web: {git: [., .]}\n", "template.yaml:1"),
    "a port that is text": (b"web: {git: ., port: '80; id'}\n", "template.yaml:1"),
    "a port of the system": (b"web: {git: ., port: 99999}\n", "template.yaml:1"),
    "a port of another part": (b"web: {git: ., port: 8080}\n", "8080"),
    "a directory outside": (b"web: {git: ../..}\n", "leads out"),
    "an absolute directory": (b"web: {git: /etc}\n", "absolute"),
    "a service that requires itself": (b"web: {git: ., require: [web]}\n", "web"),
    "a circle": (b"a: {git: ., require: [b]}\nb: {git: ., require: [c]}\nc: {git: ., require: [a]}\n", "circle"),
    "an include outside": (b"Includes: [../../../../etc/passwd]\nweb: {git: .}\n", "leads out"),
    "an absolute include": (b"Includes: [/etc/passwd]\nweb: {git: .}\n", "absolute"),
    "an include of itself": (b"Includes: [template.yaml]\nweb: {git: .}\n", "circle"),
    "an include of nothing": (b"Includes: [no.yaml]\nweb: {git: .}\n", "there is no file"),
    "10,000 services": (_MANY, "more than 10000 keys and values"),
    "300 services": (b"".join(b"s%d: {git: .}\n" % number for number in range(300)), "at most 200 are allowed"),
    "10,000 levels": (b"a: " + b"[" * 10_000, "more than 32"),
    "a megabyte and a byte": (b"#" * ((1 << 20) + 1), "template-size"),
    "a service named as a way out": (b"../x: {git: .}\n", "service"),
    "a service named as a section": (b"Env: {git: .}\n", "template.yaml:"),
    "a healthcheck of another host": (b"web: {git: ., healthcheck: {path: 'http://169.254.169.254/'}}\n", "1:"),
    "a volume over the code": (b"web: {git: ., volumes: {data: /app}}\n", "template.yaml:1"),
    "a volume of the machine": (b"web: {git: ., volumes: {data: /proc/self}}\n", "template.yaml:1"),
    "a privileged container": (b"web: {git: ., privileged: true}\n", "privileged"),
    "a reference to nothing": (b"web: {git: ., env: {A: '${NOTHING}'}}\n", "NOTHING"),
    "a duration without end": (b"web: {git: ., stop: {timeout: .inf}}\n", "template.yaml:1"),
    "a year of YAML 1.1": (b"web: {git: ., env: {A: 2001-12-14t21:59:43.10-05:00, A: 1}}\n", "template.yaml:1"),
}  # fmt: skip


def pushes() -> dict[str, Push]:
    circle = [
        (FILE, b"one.yaml", blob(b"Includes: [two.yaml]\n")),
        (FILE, b"two.yaml", blob(b"Includes: [one.yaml]\n")),
    ]
    large = (FILE, b"large.yaml", blob(b"#" * ((1 << 20) + 1)))
    return {
        **{name: replacing(history(template=blob(text)), says) for name, (text, says) in _BAD.items()},
        "includes in a circle": replacing(
            history(*circle, template=blob(b"Includes: [one.yaml]\n")), "circle"
        ),
        "a linked include": replacing(
            history((LINK, b"passwd", blob(b"/etc/passwd")), template=blob(b"Includes: [passwd]\n")),
            "there is no file",
        ),
        "an include that is too large": replacing(
            history(large, template=blob(b"Includes: [large.yaml]\n")), "can't be read"
        ),
    }
