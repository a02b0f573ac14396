"""One run of the command: its environment, and the settings that its flags choose."""

from __future__ import annotations

import pwd
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from calzion.config import SETTINGS, Setting, Settings, find_config_file, load

if TYPE_CHECKING:
    from calzion.cli.client import Client

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


_DERIVED = {
    "data": "/var/lib/calzion as root, else ~/.local/share/calzion",
    "store": "DATA/calzion.db",
}
"""What counts where a setting has no default of its own."""


@dataclass
class Invocation:
    environ: MutableMapping[str, str]
    uid: int
    flags: dict[str, str | None] = field(default_factory=dict)
    file: Path | None = None

    def settings(self) -> Settings:
        """Raises CalzionError (usage) that lists what is wrong with them."""
        file = self.file or find_config_file(self.flags, self.environ, self.uid)
        return load(self.flags, self.environ, file, self.uid)

    @property
    def user(self) -> str:
        """The name under which this machine knows who runs the command."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)

    def client(self, timeout: float | None = None) -> Client:
        """The server's client, with its own patience or `timeout` seconds for an answer.

        It is the one that 'calzion login' chose, unless an installation of this machine is named.
        """
        from calzion.cli.client import TIMEOUT, Client
        from calzion.cli.credentials import find_remote

        remote = None if self._names_installation() else find_remote(self.environ)
        return Client(remote or self.settings().layout.api_socket, timeout or TIMEOUT)

    def local_client(self) -> Client:
        """That of this machine's installation, wherever one has logged in."""
        from calzion.cli.client import TIMEOUT, Client

        return Client(self.settings().layout.api_socket, TIMEOUT)

    def _names_installation(self) -> bool:
        named = self.flags.get("data") or self.file
        return bool(named or self.environ.get("CALZION_DATA") or self.environ.get("CALZION_CONFIG"))


pass_invocation = click.make_pass_decorator(Invocation)


def connection_options(command: Decorated) -> Decorated:
    """--data and --config, which say which installation is meant."""
    data = next(setting for setting in SETTINGS if setting.name == "data")
    return _config_option(_setting_option(data)(command))


def settings_options(command: Decorated) -> Decorated:
    """A flag for every setting, and --config."""
    for setting in reversed(SETTINGS):
        command = _setting_option(setting)(command)
    return _config_option(command)


def _setting_option(setting: Setting) -> Callable[[Decorated], Decorated]:
    def remember(context: click.Context, _: click.Parameter, value: str | None) -> None:
        if value is not None:
            context.ensure_object(Invocation).flags[setting.name] = value

    default = setting.default or _DERIVED.get(setting.name, "")
    return click.option(
        f"--{setting.name}",
        metavar=setting.name.rpartition("-")[2].upper(),
        help=f"{setting.meaning}  [default: {default}]",
        expose_value=False,
        callback=remember,
    )


def _config_option(command: Decorated) -> Decorated:
    def remember(context: click.Context, _: click.Parameter, value: str | None) -> None:
        if value is not None:
            context.ensure_object(Invocation).file = Path(value)

    return click.option(
        "--config",
        metavar="FILE",
        help="a calzion.toml with settings  [default: DATA/calzion.toml, if there]",
        expose_value=False,
        callback=remember,
    )(command)
