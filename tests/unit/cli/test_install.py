"""`calzion install` and `uninstall`, with a directory in which no systemd looks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from calzion.systemd.unit import MARK
from calzion.systemd.variables import parse

Run = Callable[..., int]
Capture = pytest.CaptureFixture[str]
NAMES = ["calzion-controller.service", "calzion-host.service", "calzion-reconciler.service"]
NAMES += ["calzion-router.service", "calzion-sshd.service", "calzion.target"]


@pytest.fixture
def data(tmp_path: Path, environ: dict[str, str]) -> Path:
    environ["CALZION_DATA"] = str(tmp_path / "data")
    environ["CALZION_BACKEND"] = "process"
    return tmp_path / "data"


@pytest.fixture
def units(tmp_path: Path) -> Path:
    return tmp_path / "units"


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def variables(data: Path) -> dict[str, str]:
    return parse((data / "units.env").read_text())


def test_units_are_written_and_removed_again(calzion: Run, data: Path, units: Path, capsys: Capture) -> None:
    assert calzion("install", "--dir", str(units)) == 0
    assert names(units) == NAMES
    assert {path.stat().st_mode & 0o777 for path in units.iterdir()} == {0o644}
    assert (data / "units.env").stat().st_mode & 0o777 == 0o600
    assert calzion("install", "--dir", str(units)) == 0
    assert "6 units, 0 of them changed" in capsys.readouterr().out
    assert calzion("uninstall", "--dir", str(units)) == 0
    assert names(units) == [] and (data / "backend").exists() and not (data / "units.env").exists()
    assert calzion("uninstall", "--dir", str(units)) == 3


def test_print_writes_nothing(calzion: Run, data: Path, units: Path, capsys: Capture) -> None:
    assert calzion("install", "--dir", str(units), "--print") == 0
    assert capsys.readouterr().out.count("==> ") == 6
    assert not units.exists() and not data.exists()


def test_settings_are_kept_until_they_are_given_anew(
    calzion: Run, environ: dict[str, str], data: Path, units: Path
) -> None:
    place = ("--dir", str(units))
    environ["CALZION_DOMAIN"] = "example.com"
    assert calzion("install", *place, "--build-memory", "4G", "--http", "0.0.0.0:80") == 0
    del environ["CALZION_DOMAIN"]
    assert calzion("install", *place, "--http", "0.0.0.0:81") == 0
    kept = {name: value for name, value in variables(data).items() if name.startswith("CALZION_")}
    assert kept == {
        "CALZION_DATA": str(data),
        "CALZION_BACKEND": "process",
        "CALZION_DOMAIN": "example.com",
        "CALZION_BUILD_MEMORY": "4G",
        "CALZION_HTTP": "0.0.0.0:81",
    }


def test_a_file_of_settings_is_named_and_not_copied(
    calzion: Run, data: Path, units: Path, tmp_path: Path
) -> None:
    file = tmp_path / "calzion.toml"
    file.write_text('domain = "example.org"\n')
    assert calzion("install", "--dir", str(units), "--config", str(file)) == 0
    assert calzion("install", "--dir", str(units)) == 0
    assert variables(data)["CALZION_CONFIG"] == str(file) and "CALZION_DOMAIN" not in variables(data)


def test_a_file_of_settings_in_data_may_come_and_go(calzion: Run, data: Path, units: Path) -> None:
    data.mkdir()
    (data / "calzion.toml").write_text('domain = "example.org"\n')
    assert calzion("install", "--dir", str(units)) == 0
    assert not {"CALZION_CONFIG", "CALZION_DOMAIN"} & set(variables(data))


def test_what_builds_are_told_stands_in_no_unit(
    calzion: Run, environ: dict[str, str], data: Path, units: Path
) -> None:
    environ["HTTPS_PROXY"] = "http://me:s3cret@proxy:3128"
    assert calzion("install", "--dir", str(units)) == 0
    del environ["HTTPS_PROXY"]
    assert calzion("install", "--dir", str(units)) == 0
    assert variables(data)["HTTPS_PROXY"] == "http://me:s3cret@proxy:3128"
    assert not [unit for unit in units.iterdir() if "s3cret" in unit.read_text()]


def test_an_installation_elsewhere_is_found_again(
    calzion: Run, environ: dict[str, str], data: Path, units: Path
) -> None:
    assert calzion("install", "--dir", str(units)) == 0
    del environ["CALZION_DATA"]
    assert calzion("install", "--dir", str(units), "--domain", "example.com") == 0
    assert variables(data)["CALZION_DOMAIN"] == "example.com"


@pytest.mark.parametrize(
    "text", ["[Unit]\nDescription=mine\n", f"{MARK}\n[Unit]\n\n[X-Calzion]\nData=/srv/other\n"]
)
def test_units_of_others_are_left_alone(
    calzion: Run, data: Path, units: Path, text: str, capsys: Capture
) -> None:
    units.mkdir()
    (units / "calzion-sshd.service").write_text(text)
    assert calzion("install", "--dir", str(units)) == 1
    assert names(units) == ["calzion-sshd.service"]
    assert (units / "calzion-sshd.service").read_text() == text
    assert calzion("uninstall", "--dir", str(units)) == 3
    assert str(units / "calzion-sshd.service") in capsys.readouterr().err


def test_a_store_that_depends_on_the_current_directory_is_refused(
    calzion: Run, data: Path, units: Path, capsys: Capture
) -> None:
    assert calzion("install", "--dir", str(units), "--store", "sqlite:///here.db") == 2
    assert "sqlite:////PATH" in capsys.readouterr().err and not units.exists()


def test_units_of_an_older_version_go_with_an_upgrade(calzion: Run, data: Path, units: Path) -> None:
    units.mkdir()
    (units / "calzion-gone.service").write_text(f"{MARK}\n\n[X-Calzion]\nData={data}\n")
    (units / "calzion-mine.service").write_text("[Unit]\n")
    assert calzion("install", "--dir", str(units)) == 0
    assert names(units) == sorted([*NAMES, "calzion-mine.service"])
