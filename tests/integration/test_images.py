"""The images as they were built: their programs run, without privileges, and nothing of this machine is in them."""

import json
import os
import subprocess

import pytest

from calzion.cli.main import run
from calzion.images.recipe import recipe, recipes
from tests.containers import need_images

HARD = ("--cap-drop=ALL", "--security-opt=no-new-privileges", "--read-only", "--tmpfs=/tmp", "--network=none")


@pytest.fixture(autouse=True)
def images():
    need_images()


def output(name, *words, options=()):
    command = ["docker", "run", "--rm", *HARD, *options, recipe(name).tag, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def test_the_launcher_takes_the_profile_and_becomes_the_command(tmp_path):
    (tmp_path / ".profile.d").mkdir()
    (tmp_path / ".profile.d" / "one.sh").write_text("export GREETING=hello; set -- other\n")
    (tmp_path / ".profile").write_text('export GREETING="$GREETING world"\n')
    tmp_path.chmod(0o755)
    mount = (f"--volume={tmp_path}:/app:ro", "--env=NAME=a b")
    told = 'echo "$GREETING, $NAME"; pwd; id -un; umask; echo $HOME; ls -l /proc/self/exe >/dev/null; echo $$'
    assert output("slugrunner", "shell", told, options=mount) == [
        "hello world, a b",
        "/app",
        "app",
        "0022",
        "/app",
        "1",
    ]
    assert output("slugrunner", "exec", "printf", "%s\\n", "a b", "$HOME", options=mount) == ["a b", "$HOME"]


def test_what_slugs_are_built_with_is_there_when_they_run():
    told = "python3 -V; node -p process.version; npm --version"
    runs, builds = output("slugrunner", "shell", told), output("slugbuilder", "/bin/bash", "-c", told)
    assert runs == builds
    assert output("slugbuilder", "/bin/sh", "-c", "cc --version >/dev/null && /opt/calzion/bin/uv --version")


def test_clients_of_the_appliances_are_on_the_path():
    assert output("redis", "shell", "command -v redis-cli") == ["/opt/calzion/clients/redis-cli"]
    assert output("postgres", "exec", "psql", "--version")[0].startswith("psql (PostgreSQL)")


def test_nothing_of_this_machine_is_in_the_history():
    for name in recipes():
        history = subprocess.run(
            ["docker", "history", "--no-trunc", recipe(name).tag], capture_output=True, text=True, check=True
        ).stdout
        assert os.uname().nodename not in history
        assert "PROXY" not in history.upper()


def test_the_list_names_them_all(capsys):
    assert run(["images", "list", "--json"], dict(os.environ)) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["tag"] for each in found] == [each.tag for each in recipes().values()]
    assert all(each["size"] > 0 for each in found)
