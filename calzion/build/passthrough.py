"""Which of the administrator's settings a build gets: certificates, proxies, and where packages come from.

Builds get these variables and no others of the server's. pip's configuration is translated for uv.
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from calzion.host.sandbox import RUNTIMES, Mount

CERTIFICATES = (
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
)
PROXIES = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
)
PIP = (
    "index-url",
    "extra-index-url",
    "find-links",
    "trusted-host",
    "no-index",
    "cert",
    "client-cert",
    "proxy",
    "timeout",
    "retries",
    "only-binary",
    "no-binary",
    "prefer-binary",
)
UV = re.compile(
    r"UV_(DEFAULT_INDEX|INDEX|INDEX_[A-Z0-9_]+|EXTRA_INDEX_URL|FIND_LINKS|INSECURE_HOST|NATIVE_TLS|SYSTEM_CERTS"
    r"|HTTP_TIMEOUT|HTTP_RETRIES|NO_INDEX|KEYRING_PROVIDER|EXCLUDE_NEWER|CONCURRENT_[A-Z]+)"
)
NPM = re.compile(
    r"(@[^:/\s]+:registry|registry|ca|cafile|proxy|https?-proxy|noproxy|strict-ssl|fetch-[a-z-]+|//\S+:[\w-]+)"
)
NPMRC = f"{RUNTIMES}/etc/npmrc"
APT = (
    "etc/apt/apt.conf.d",
    "etc/apt/keyrings",
    "etc/apt/preferences.d",
    "etc/apt/sources.list.d",
    "etc/apt/trusted.gpg.d",
    "var/lib/dpkg/status",
)
"""What apt needs to know of this machine, whose packages the sandbox shows; no credentials (auth.conf) are in it."""
APT_SOURCES = "etc/apt/sources.list"
_VISIBLE = ("/usr", "/etc/ssl", "/etc/pki", "/etc/ca-certificates")


@dataclass(frozen=True, kw_only=True)
class Passthrough:
    """Variables, mounts, and texts of files by their paths inside; none of it appears in the repr."""

    environment: Mapping[str, str]
    mounts: tuple[Mount, ...]
    files: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Passthrough({len(self.environment)} variables, {len(self.files)} files)"


def look(environ: Mapping[str, str], root: Path = Path("/"), *, container: bool = False) -> Passthrough:
    """Read the settings in force for whoever runs the server, whose environment is `environ`.

    A `container` shows nothing of this machine by itself, and has packages of its own, which apt knows already.
    """
    home = Path(environ.get("HOME", "/nonexistent"))
    pip = _pip_settings(environ, home, root)
    environment = {name: environ[name] for name in (*CERTIFICATES, *PROXIES) if environ.get(name)}
    environment |= {name: value for name, value in environ.items() if UV.fullmatch(name) and value}
    environment |= _npm_environment(environ)
    environment |= {f"PIP_{name.upper().replace('-', '_')}": " ".join(value) for name, value in pip.items()}
    environment = for_uv(pip) | environment
    files = _files(home, root)
    if NPMRC in files:
        environment["NPM_CONFIG_GLOBALCONFIG"] = NPMRC
    texts = [*environment.values(), *files.values()]
    if container:
        return Passthrough(environment=environment, mounts=tuple(_files_and_others(texts)), files=files)
    apt = {f"/{APT_SOURCES}": _text(root / APT_SOURCES)}
    return Passthrough(
        environment=environment, mounts=(*_mounts(texts), *_apt_mounts(root)), files=files | apt
    )


def for_uv(pip: Mapping[str, list[str]]) -> dict[str, str]:
    """uv's variables that mean what pip's settings mean: one version is chosen from all indexes alike."""
    names = {
        "index-url": ("UV_DEFAULT_INDEX", " "),
        "extra-index-url": ("UV_INDEX", " "),
        "find-links": ("UV_FIND_LINKS", ","),
        "trusted-host": ("UV_INSECURE_HOST", " "),
        "cert": ("SSL_CERT_FILE", " "),
        "timeout": ("UV_HTTP_TIMEOUT", " "),
        "no-index": ("UV_NO_INDEX", " "),
        "proxy": ("ALL_PROXY", " "),
    }
    found = {
        variable: separator.join(pip[name]) for name, (variable, separator) in names.items() if pip.get(name)
    }
    if "extra-index-url" in pip:
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return found


def _pip_settings(environ: Mapping[str, str], home: Path, root: Path) -> dict[str, list[str]]:
    """pip's settings, later files before earlier ones, variables before files."""
    config = environ.get("XDG_CONFIG_HOME") or home / ".config"
    places = [root / "etc/pip.conf", home / ".pip/pip.conf", Path(config) / "pip/pip.conf"]
    if environ.get("PIP_CONFIG_FILE"):
        places.append(Path(environ["PIP_CONFIG_FILE"]))
    found: dict[str, list[str]] = {}
    for place in places:
        found |= _pip_file(_text(place))
    for name in PIP:
        value = environ.get(f"PIP_{name.upper().replace('-', '_')}", "")
        if value:
            found[name] = value.split()
    return found


def _pip_file(text: str) -> dict[str, list[str]]:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return {}
    found: dict[str, list[str]] = {}
    for section in ("global", "install"):
        for name, value in parser.items(section) if parser.has_section(section) else ():
            if (name := name.replace("_", "-")) in PIP and value:
                found[name] = value.split()
    return found


def _npm_environment(environ: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for name, value in environ.items():
        key = name.lower().removeprefix("npm_config_").replace("_", "-")
        if name.lower().startswith("npm_config_") and NPM.fullmatch(key) and value:
            found[name] = value
    return found


def _files(home: Path, root: Path) -> dict[str, str]:
    npm = [
        line
        for place in (root / "usr/etc/npmrc", root / "etc/npmrc", home / ".npmrc")
        for line in _text(place).splitlines()
        if NPM.fullmatch(line.partition("=")[0].strip())
    ]
    files = {NPMRC: "\n".join(npm) + "\n"} if npm else {}
    for place in (home / ".config/uv/uv.toml", root / "etc/uv/uv.toml"):
        if text := _text(place):
            return files | {"/etc/uv/uv.toml": text}
    return files


def _apt_mounts(root: Path) -> Iterable[Mount]:
    return (Mount(source=root / name, target=f"/{name}") for name in APT if (root / name).exists())


def _mounts(texts: Iterable[str]) -> Iterable[Mount]:
    """Those that a sandbox does not show anyway."""
    return (mount for mount in _named(texts) if not _is_visible(mount.source))


def _files_and_others(texts: Iterable[str]) -> Iterable[Mount]:
    """Those that a container lacks, which has the directories of the system as its own."""
    return (mount for mount in _named(texts) if mount.source.is_file() or not _is_visible(mount.source))


def _named(texts: Iterable[str]) -> Iterable[Mount]:
    """Files and directories of this machine that the settings name. An index's files lie beside `simple`."""
    named = {part for text in texts for part in re.split(r"[\s,='\"\[\]]+", text)}
    paths = {path for part in named if (path := _local_path(part))}
    for path in sorted(path.parent if path.name == "simple" else path for path in paths):
        if path != Path("/") and path.exists():
            yield Mount(source=path, target=str(path))


def _is_visible(path: Path) -> bool:
    return any(path.is_relative_to(visible) for visible in _VISIBLE)


def _local_path(text: str) -> Path | None:
    if text.startswith("file://"):
        text = unquote(urlsplit(text).path)
    return Path(os.path.normpath(text)) if text.startswith("/") and not text.startswith("//") else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
