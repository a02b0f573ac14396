"""Databases and other services: not there, not reachable, or not in the state that the code expects."""

from __future__ import annotations

import re

from calzion.causes.cause import Cause
from calzion.causes.facts import Facts, Phase
from calzion.causes.rule import RUNNING, explained, rule, tidy

KINDS = {
    "5432": "postgres",
    "6379": "redis",
    "3306": "mysql",
    "5672": "rabbitmq",
    "27017": "mongo",
    "11211": "memcached",
    "9200": "elasticsearch",
}
URLS = {"postgres": "DATABASE_URL", "redis": "REDIS_URL"}


def _postgres(match: re.Match[str], facts: Facts) -> Cause:
    return _unreachable("postgres", match["place"] or "", facts)


def _redis(match: re.Match[str], facts: Facts) -> Cause:
    return _unreachable("redis", match["place"] or "", facts)


def _by_port(match: re.Match[str], facts: Facts) -> Cause:
    return _unreachable(KINDS.get(match["port"], ""), f"{match['host']}:{match['port']}", facts)


def _unreachable(kind: str, place: str, facts: Facts) -> Cause:
    where = f" at {tidy(place)}" if place else ""
    sentence = f"no {kind} answers{where}" if kind else f"nothing answers{where}"
    return Cause(sentence, _how_to_reach(kind, facts))


def _how_to_reach(kind: str, facts: Facts) -> str:
    if facts.phase is Phase.BUILD:
        return "a build reaches no service of the deployment: do this in the Procfile's 'release:' line"
    variable = URLS.get(kind)
    if variable is None:
        name = kind or "the service"
        return (
            f"let template.yaml have {name}, read its address from the environment (its name in capitals with _HOST and"
            f" _PORT), and name it under 'require:' of {facts.service}"
        )
    if variable in facts.variables:
        return f"read the address from {variable}, which {facts.service} has, instead of writing one into the code"
    return f"add 'mycompany/{kind}:' to template.yaml, and read its address from {variable}"


def _no_relation(match: re.Match[str], facts: Facts) -> Cause:
    name = tidy(next(value for value in match.groups() if value))
    committed = "see that every migration is committed, and that they build on one another"
    if facts.phase is Phase.RELEASE:
        return Cause(f"the database has no {name}", committed)
    return Cause(
        f"the database has no {name}",
        "let a release command make it before the code runs, such as 'release: python manage.py migrate' in the"
        f" Procfile; {committed}",
    )


_EXISTS = (
    "the schema was made in another way than by these migrations: mark them as done ('migrate --fake-initial',"
    " 'alembic stamp'), or let them go on from what is there"
)

RULES = (
    explained(
        r'connection to server at "(?P<place>[^"\n]+)"[^\n]*(?:failed: Connection refused|could not be established)'
        r"|could not connect to server: Connection refused",
        _postgres,
    ),
    explained(
        r"(?:connection to server on socket|could not connect to server: No such file).*(?P<place>)",
        _postgres,
    ),
    explained(r"\bredis\b.*Error 111 connecting to (?P<place>[\w.-]+:\d+)", _redis),
    explained(r"ECONNREFUSED[ (]*(?P<host>[\w.:]*?[\w.]):(?P<port>\d+)", _by_port),
    explained(r"Connect call failed \('(?P<host>[^'\n]+)', (?P<port>\d+)", _by_port, raised=True),
    explained(
        r"Cannot connect to \w+://(?:[^@\s]*@)?(?P<host>[\w.-]+):(?P<port>\d+)\S*: .*Connection refused",
        _by_port,
    ),
    rule(
        r"""(?:failed to resolve host|could not translate host name|getaddrinfo (?:ENOTFOUND|EAI_AGAIN)|
           NameResolutionError.*resolve) ['"]?(?P<host>[\w-]{1,63})['"]?(?![\w.-])""".replace(
            "\n           ", ""
        ),
        "there is no host named {host}",
        "name a service of template.yaml: '{host}:' there makes it one; or read the address from the environment"
        " (its name in capitals with _HOST and _PORT)",
        phases=RUNNING,
    ),
    rule(
        r"Error -[235] connecting to (?P<host>[\w.-]+):\d+\. (?:Name or service not known|Temporary failure)",
        "there is no host named {host}",
        "name a service of template.yaml: '{host}:' there makes it one; or read the address from REDIS_URL",
        phases=RUNNING,
    ),
    rule(
        r"password authentication failed for user \"(?P<user>[^\"\n]+)\"",
        "the database refuses the password of {user!r}",
        "read the address with its password from DATABASE_URL; a password that template.yaml changes does not change"
        " the database that exists",
    ),
    rule(
        r"database \"(?P<name>[^\"\n]+)\" does not exist",
        "the database server has no database {name!r}",
        "read the address from DATABASE_URL, or set 'env: {{POSTGRES_DB: {name}}}' of the postgres service before its"
        " first start",
    ),
    rule(
        r"role \"(?P<name>[^\"\n]+)\" does not exist",
        "the database server has no user {name!r}",
        "read the address with its user from DATABASE_URL",
    ),
    rule(
        r"NOAUTH Authentication required|WRONGPASS|invalid username-password pair",
        "redis wants a password",
        "read the address with its password from REDIS_URL; 'env: {{REDIS_PASSWORD: \"\"}}' of the redis service has"
        " none",
    ),
    rule(
        r"Conflicting migrations detected; multiple leaf nodes in the migration graph: \((?P<names>[^)\n]+)\)",
        "two migrations follow the same one: {names}",
        "run 'python manage.py makemigrations --merge' where the app is developed, and commit what it makes",
    ),
    rule(
        r"Multiple head revisions are present",
        "two migrations of alembic follow the same one",
        "run 'alembic merge heads' where the app is developed, and commit what it makes",
    ),
    rule(
        r"Can't locate revision identified by '(?P<revision>\w+)'",
        "the database is at migration {revision}, which this commit does not have",
        "push a commit that has it, or downgrade the database first; a rollback undoes no migration",
    ),
    rule(
        r"The migration directory is corrupt, the following files are missing: (?P<names>.+)",
        "the database has had migrations that this commit does not have: {names}",
        "commit these files again: knex wants every migration that was ever run",
    ),
    rule(
        r"The following migration\(s\) (?:have|has) failed|P3009\b|P3018\b",
        "an earlier migration of prisma failed half-way",
        "mend the database, then say so: 'calzion run {deployment}:{service} -- npx prisma migrate resolve ...'",
    ),
    rule(
        r"NodeNotFoundError: Migration (?P<name>\S+) dependencies reference nonexistent parent node",
        "the migration {name} follows one that is not there",
        "commit every migration: a .gitignore may leave some out",
        raised=True,
    ),
    rule(
        r"(?:relation|table|type|column) \"(?P<name>[^\"\n]+)\"(?: of relation \"[^\"\n]+\")? already exists"
        r"|table (?P<other>\w+) already exists",
        "the database has {name}{other} already",
        _EXISTS,
    ),
    explained(
        r"(?:relation|table|column) \"(?P<name>[^\"\n]+)\"(?: of relation \"[^\"\n]+\")? does not exist"
        r"|no such (?:table|column): (?P<other>[\w.]+)|column (?P<third>[\w.]+) does not exist",
        _no_relation,
    ),
    rule(
        r"unable to open database file",
        "the directory of the SQLite database is not there, or can't be written",
        "keep it in a volume ('volumes: {{data: /app/data}}' of {service}), or use postgres: files of an app are new"
        " with every release",
    ),
)
