"""Which values look like secrets: they never get into a template. Pure."""

from __future__ import annotations

import re

_ENDS = re.compile(
    r"(?:^|_)(?:PASSWORDS?|PASSWD|PASS|PWD|PASSPHRASE|PASSCODE|SECRETS?|TOKENS?|KEYS?|APIKEY|KEY_ID|KEY_BASE|CREDENTIALS?"
    r"|CREDS|SALT|DSN|AUTH|PEM|WEBHOOK|WEBHOOK_URL|PRIVATE)$"
)
_HOLDS = re.compile(r"PASSWORD|PASSWD|SECRET|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|TOKEN|CREDENTIAL")
_HARMLESS_ENDS = re.compile(
    r"(?:^|_)(?:FILE|PATH|DIR|PUBLIC_KEY|PUBLISHABLE_KEY|HEADER|ALGORITHM|ALG|TYPE|ISSUER|URL|URI)$"
)
_TELLTALE = re.compile(
    r"-----BEGIN |^(?:sk|pk|rk)_(?:live|test)_|^gh[opsu]_|^github_pat_|^glpat-|^xox[abprs]-|^AKIA[0-9A-Z]{12}"
    r"|^AIza[\w-]{30}|^SG\.[\w-]{16}|^ey[\w-]{10,}\.ey[\w-]+\.|^sk-[\w-]{16}"
)
_USERINFO = re.compile(r"(?P<before>[A-Za-z][A-Za-z0-9+.-]*://[^\s/@:]*:)(?P<password>[^\s@/]+)(?=@)")
_SETTING = re.compile(r"(?i:true|false|yes|no|on|off|none|null|[0-9.]+ ?(?:ms|s|m|h|d)?)")
_LOCAL = re.compile(
    r"(?:(?:DJANGO|FLASK|RAILS|APP|SESSION|COOKIE|CSRF|JWT|AUTH|NEXTAUTH|NODE|WEB|SERVER|HASH|PASSWORD)_)*"
    r"(?:SECRET|SECRET_KEY|SECRET_KEY_BASE|SECRET_TOKEN|SALT)"
)
_PASSWORD = re.compile(r"PASSWORD|PASSWD|(?:^|_)(?:PASS|PWD)$")


def is_secret(name: str, value: str = "") -> bool:
    """Whether a variable's name, or its value, looks like a secret. One in a URL does not count here."""
    name = name.upper()
    if _TELLTALE.search(value):
        return True
    if value.lower() in ("true", "false", "yes", "no") or _HARMLESS_ENDS.search(name):
        return False
    if _ENDS.search(name):
        return True
    return bool(_HOLDS.search(name)) and not _SETTING.fullmatch(value)


def url_password(value: str) -> re.Match[str] | None:
    """The `password` of the first URL in `value` that holds one."""
    return _USERINFO.search(value)


def is_password(name: str) -> bool:
    """Whether the name is that of a password, which two services share to reach each other."""
    return bool(_PASSWORD.search(name.upper()))


def any_value_will_do(name: str) -> bool:
    """Whether the application alone uses the value, such as a key for signing cookies: it can be generated."""
    return bool(_LOCAL.fullmatch(name.upper()))
