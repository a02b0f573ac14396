"""One run of the command: its environment, and the settings that its flags choose."""

from __future__ import annotations

import pwd
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from calzion.config import SETTINGS, Setting, Settings, load

if TYPE_CHECKING:
    from calzion.cli.client import Client

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


@dataclass
class Invocation:
    environ: MutableMapping[str, str]
    uid: int
    flags: dict[str, str | None] = field(default_factory=dict)
    file: Path | None = None

    def settings(self) -> Settings:
        """Raises CalzionError (usage) that lists what is wrong with them."""
        return load(self.flags, self.environ, self.file, self.uid)

    @property
    def user(self) -> str:
        """The name under which this machine knows who runs the command."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)

    def client(self) -> Client:
        from calzion.cli.client import Client

        return Client(self.settings().layout.api_socket)


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

    default = f" [{setting.default}]" if setting.default else ""
    return click.option(
        f"--{setting.name}",
        metavar=setting.name.rpartition("-")[2].upper(),
        help=setting.meaning + default,
        expose_value=False,
        callback=remember,
    )


def _config_option(command: Decorated) -> Decorated:
    def remember(context: click.Context, _: click.Parameter, value: str | None) -> None:
        if value is not None:
            context.ensure_object(Invocation).file = Path(value)

    return click.option(
        "--config", metavar="FILE", help="a calzion.toml with settings", expose_value=False, callback=remember
    )(command)
