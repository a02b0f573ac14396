from pathlib import Path

import pytest

from calzion.host.pythons import find_installations, python_mounts


@pytest.fixture
def machine(tmp_path):
    return {"HOME": str(tmp_path / "home"), "PATH": str(tmp_path / "path"), "DATA": tmp_path / "data"}


def install(prefix, name="python3.19", mode=0o755):
    (prefix / "lib" / name).mkdir(parents=True)
    (prefix / "lib" / name / "os.py").touch()
    (prefix / "bin").mkdir()
    program = prefix / "bin" / name
    program.touch(mode)
    program.chmod(mode)
    (prefix / "bin/python3").symlink_to(name)
    return program


def found(machine):
    home = Path(machine["HOME"]).parent
    programs = [each.program for each in find_installations(machine, machine["DATA"])]
    return [program for program in programs if program.is_relative_to(home)]


def test_where_they_are_looked_for(machine, tmp_path):
    home = tmp_path / "home"
    programs = [
        install(home / ".pyenv/versions/3.19.1"),
        install(home / ".local/share/uv/python/cpython-3.19.2-linux-x86_64-gnu"),
        install(machine["DATA"] / "pythons/cpython-3.19.3-linux-x86_64-gnu"),
        install(tmp_path / "opt/python"),
    ]
    (tmp_path / "path").mkdir()
    (tmp_path / "path/python3.19").symlink_to(programs[-1])
    assert found(machine) == programs


def test_variables_of_pyenv_and_uv(machine, tmp_path):
    program = install(tmp_path / "a/versions/3.19.1")
    managed = install(tmp_path / "b/cpython-3.19.2-linux-x86_64-gnu")
    machine |= {"PYENV_ROOT": str(tmp_path / "a"), "UV_PYTHON_INSTALL_DIR": str(tmp_path / "b")}
    assert found(machine) == [program, managed]


def test_other_kinds_are_left_out(machine, tmp_path):
    versions = tmp_path / "home/.pyenv/versions"
    install(versions / "pypy3.10-7.3")
    install(versions / "3.19.0t", "python3.19t")
    install(versions / "3.19.5", mode=0o750)
    install(tmp_path / "home/.local/share/uv/python/cpython-3.19.2+freethreaded-linux-x86_64-gnu")
    (versions / "my-env").symlink_to("3.19.5")
    (versions / "3.18.0/bin").mkdir(parents=True)
    (versions / "3.18.0/bin/python3").symlink_to("/usr/bin/true")
    assert found(machine) == []


def test_an_installation_that_holds_a_home_or_the_data_is_left_out(machine, tmp_path):
    install(tmp_path)
    install(tmp_path / "home")
    machine["PATH"] = f"{tmp_path}/bin:{tmp_path}/home/bin"
    assert found(machine) == []


def test_a_slug_gets_its_own_interpreter_and_none_that_is_unknown(machine, tmp_path):
    program = install(tmp_path / "home/.pyenv/versions/3.19.1")
    install(tmp_path / "home/.pyenv/versions/3.19.2")
    slug = tmp_path / "slug"
    (slug / ".calzion/python/bin").mkdir(parents=True)
    link = slug / ".calzion/python/bin/python"
    link.symlink_to(program)
    (mount,) = python_mounts(slug, machine, machine["DATA"])
    assert (str(mount.source), mount.target, mount.writable) == (
        str(program.parent.parent),
        str(program.parent.parent),
        False,
    )
    for target in ("/etc/shadow", "/usr/bin/python3", f"{program}/../python3.19", "relative"):
        link.unlink()
        link.symlink_to(target)
        assert python_mounts(slug, machine, machine["DATA"]) == ()
    assert python_mounts(None, machine, machine["DATA"]) == ()
    assert python_mounts(tmp_path / "nothing", machine, machine["DATA"]) == ()
