import os
from pathlib import Path

import pytest

from calzion.build.interpreter import Interpreter, choose
from calzion.build.interpreters import MachineInterpreters
from calzion.build.pythondownload import PythonDownloads
from calzion.build.pythonrequest import python_request
from calzion.build.pythons import Pythons
from calzion.errors import CalzionError


def interpreter(version, place="/pythons"):
    return Interpreter(version=version, program=Path(f"{place}/{version}/bin/python"))


HERE = [interpreter(version) for version in ("3.8.18", "3.10.13", "3.11.2", "3.11.7", "3.12.1", "3.13.0")]
DEFAULT = HERE[2]


def asking(version):
    return python_request((".python-version",), lambda _name: version.encode())


@pytest.mark.parametrize(
    ("asked", "version"),
    [
        ("3.12", "3.12.1"),
        ("3.11", "3.11.2"),
        ("3.11.7", "3.11.7"),
        (">=3.8", "3.11.2"),
        (">=3.12", "3.12.1"),
        ("<3.11", "3.10.13"),
        (">3.11.2,<3.12", "3.11.7"),
        ("3", "3.11.2"),
    ],
)
def test_the_default_or_what_is_nearest_to_it(asked, version):
    choice = choose(asking(asked), HERE, DEFAULT)
    assert (choice.interpreter.version, choice.note) == (version, "")


def test_nothing_asked_for_gives_the_default():
    assert choose(None, HERE, DEFAULT).interpreter == DEFAULT


def test_another_patch_is_said():
    choice = choose(asking("3.12.9"), HERE, DEFAULT)
    assert choice.interpreter.version == "3.12.1"
    assert choice.note == "Python 3.12.9 (.python-version) is not on this server: 3.12.1 is used instead"


@pytest.mark.parametrize("asked", ["3.9", "2.7.18", ">=3.14", ">=3.12.4,<3.13"])
def test_what_is_not_there_is_named_with_its_place_and_what_is(asked):
    with pytest.raises(CalzionError) as caught:
        choose(asking(asked), HERE, DEFAULT)
    assert caught.value.message == (
        f"Python {asked}, which .python-version asks for, is not on this server; "
        "there is 3.8.18, 3.10.13, 3.11.2, 3.11.7, 3.12.1 and 3.13.0"
    )
    assert "pyenv install" in caught.value.hint


@pytest.mark.parametrize("asked", ["3.12", ">=3.8", "3.8", "3.12.9"])
def test_one_more_that_is_not_asked_for_changes_nothing(asked):
    more = [*HERE, interpreter("3.9.18"), interpreter("3.7.1"), interpreter("3.12.1", "/elsewhere")]
    assert choose(asking(asked), more, DEFAULT) == choose(asking(asked), HERE, DEFAULT)


def test_a_machine_without_any():
    with pytest.raises(CalzionError, match="no Python for apps"):
        choose(None, [], None)
    with pytest.raises(CalzionError, match="there is none at all"):
        choose(asking("3.12"), [], None)


@pytest.fixture
def pyenv(tmp_path):
    """pyenv's directory with an installation that says what it is told to."""

    def install(version, said=None):
        prefix = tmp_path / "pyenv/versions" / version
        name = f"python{version.rpartition('.')[0]}"
        (prefix / "lib" / name).mkdir(parents=True)
        (prefix / "lib" / name / "os.py").touch()
        (prefix / "bin").mkdir()
        (prefix / "bin" / name).write_text(f"#!/bin/sh\necho 'Python {said or version}'\n")
        (prefix / "bin" / name).chmod(0o755)
        (prefix / "bin/python3").symlink_to(name)
        return prefix / "bin" / name

    return install


@pytest.fixture
def interpreters(tmp_path):
    environ = {"HOME": str(tmp_path / "home"), "PYENV_ROOT": str(tmp_path / "pyenv"), "PATH": os.defpath}
    return MachineInterpreters(environ, tmp_path / "data", "/usr/bin:/bin")


@pytest.fixture
def pythons(interpreters):
    return Pythons(interpreters)


def decide(pythons, version):
    files = {".python-version": version.encode()}
    return pythons.decide(("python",), tuple(files), files.get)


def test_what_is_installed_meanwhile_counts(pythons, pyenv):
    with pytest.raises(CalzionError):
        decide(pythons, "3.19")
    program = pyenv("3.19.1")
    found = decide(pythons, "3.19")
    assert found.identity == ("3.19.1", str(program))
    assert [mount.target for mount in found.mounts] == [str(program.parent.parent)]
    assert found.variables["CALZION_PYTHON"] == str(program)
    pyenv("3.18.1")
    assert decide(pythons, "3.19").identity == found.identity
    program.write_text("#!/bin/sh\necho 'Python 3.19.22'\n")
    assert decide(pythons, "3.19").identity == ("3.19.22", str(program))


def test_an_installation_that_does_not_work_is_none(interpreters, pyenv):
    pyenv("3.19.1", said="who knows")
    pyenv("3.18.1").write_text("#!/nonexistent/shell\n")
    versions = [each.version for each in interpreters.available()]
    assert not {"3.19.1", "3.18.1"} & set(versions)


def test_other_buildpacks_get_none(pythons):
    assert pythons.decide(("node",), (".python-version",), lambda _name: b"9.9") is None


@pytest.fixture
def fake_uv(tmp_path):
    """A program in uv's place that records how it is called, then does what a script says."""

    def make(script):
        program = tmp_path / "uv"
        program.write_text(
            f'#!/bin/sh\necho "$@" >>{tmp_path}/calls\nwhile [ $# -gt 2 ]; do shift; done\n{script}\n'
        )
        program.chmod(0o755)
        return program

    return make


def with_downloads(tmp_path, uv, now=lambda: 0.0):
    environ = {"HOME": str(tmp_path / "home"), "PATH": os.defpath}
    data = tmp_path / "data"
    interpreters = MachineInterpreters(environ, data, "/usr/bin:/bin")
    return Pythons(interpreters, PythonDownloads(uv, data / "pythons", environ, now))


def test_a_missing_interpreter_is_downloaded_where_that_is_allowed(tmp_path, fake_uv):
    uv = fake_uv(
        'p="$1/cpython-3.19.4-linux-x86_64-gnu"; mkdir -p "$p/bin" "$p/lib/python3.19"\n'
        'touch "$p/lib/python3.19/os.py"\n'
        'printf "#!/bin/sh\\necho Python 3.19.4\\n" >"$p/bin/python3.19"; chmod 755 "$p/bin/python3.19"\n'
        'ln -s python3.19 "$p/bin/python3"'
    )
    pythons = with_downloads(tmp_path, uv)
    assert decide(pythons, "3.19").identity[0] == "3.19.4"
    assert decide(pythons, "3.19").identity[0] == "3.19.4"
    (call,) = (tmp_path / "calls").read_text().splitlines()
    assert call.startswith("python install ") and call.endswith(
        f"--install-dir {tmp_path}/data/pythons ==3.19.*"
    )


def test_a_download_that_fails_says_why_and_is_not_tried_again_at_once(tmp_path, fake_uv):
    clock = [0.0]
    pythons = with_downloads(
        tmp_path, fake_uv('printf "error: no\\n  cause: no network\\n" >&2; exit 1'), lambda: clock[0]
    )
    for _ in range(2):
        with pytest.raises(
            CalzionError, match=r"is not on this server; .*; it could not be downloaded: no network$"
        ):
            decide(pythons, "3.19")
    clock[0] = 61.0
    with pytest.raises(CalzionError):
        decide(pythons, "3.19")
    assert len((tmp_path / "calls").read_text().splitlines()) == 2


def test_what_would_be_downloaded_is_foreseen_without_a_download(tmp_path, fake_uv):
    pythons = with_downloads(tmp_path, fake_uv("exit 1"))
    names = (".python-version",)
    assert pythons.foresee(("python",), names, lambda _name: b"3.19") == ("to be downloaded", "3.19")
    assert pythons.foresee(("node",), names, lambda _name: b"3.19") is None
    assert not (tmp_path / "calls").exists() and not (tmp_path / "data").exists()


def test_what_is_here_is_foreseen_as_it_is_chosen(pythons):
    read = {".python-version": b"3.11", "runtime.txt": b"python-9.9"}.get
    chosen = pythons.decide(("python",), (".python-version",), read)
    assert pythons.foresee(("python",), (".python-version",), read) == chosen.identity
    with pytest.raises(CalzionError, match=r"9\.9.*is not on this server"):
        pythons.foresee(("python",), ("runtime.txt",), read)
