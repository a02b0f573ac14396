"""The settings of an installation: those that are given now, and else those of the install before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from calzion.config import SETTINGS, Settings, find_config_file, load
from calzion.configfile import NAME as CONFIG_FILE
from calzion.errors import CalzionError
from calzion.supervisor.command import variables
from calzion.systemd.variables import from_environment, parse

FILE = "units.env"
"""In DATA: the variables with which the parts start."""

CONFIG = "CALZION_CONFIG"
"""Names a file of settings."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a command was given: flags, environment, and the file of settings that it names."""

    flags: Mapping[str, str | None]
    environ: Mapping[str, str]
    file: Path | None
    uid: int

    def load(self, kept: Mapping[str, str]) -> tuple[Settings, Path | None]:
        """The settings, with `kept` as variables behind the command's own, and the file that some came from."""
        environ = {**kept, **self.environ}
        file = self.file or find_config_file(self.flags, environ, self.uid)
        return load(self.flags, environ, file, self.uid), file


def settings_and_variables(given: Given) -> tuple[Settings, dict[str, str]]:
    """The settings in force, and the variables from which the parts will read them.

    Those that come from a file stay there: the parts are told its name. Raises CalzionError (usage) for settings that
    can't be used.
    """
    first, _ = given.load({})
    earlier = kept_variables(first.data)
    unsaid = {each.variable for each in SETTINGS if first.origins[each.name] == "default"}
    if given.file is None:
        unsaid.add(CONFIG)
    settings, file = given.load({name: earlier[name] for name in unsaid & earlier.keys()})
    values = variables(settings)
    said = {
        each.variable: values[each.variable]
        for each in SETTINGS
        if settings.origins[each.name] not in ("default", str(file))
    }
    others = {name: value for name, value in earlier.items() if not name.startswith("CALZION_")}
    told = {**others, **from_environment(given.environ), **said, "CALZION_DATA": str(settings.data)}
    # One in DATA is found at each start, also when it comes or goes.
    elsewhere = file is not None and file.absolute() != settings.data / CONFIG_FILE
    return settings, told | ({CONFIG: str(file.absolute())} if file and elsewhere else {})


def kept_variables(data: Path) -> dict[str, str]:
    """The variables with which the parts of an installation start, none where there is no installation.

    Raises CalzionError (refused) where they can't be read.
    """
    file = data / FILE
    try:
        return parse(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise CalzionError(f"{file} can't be read: {error}", code="refused") from error
