from pathlib import Path

import pytest

from calzion.build.passthrough import NPMRC, look


@pytest.fixture
def machine(tmp_path):
    """A root directory and a home, and a function that writes files below them."""

    def write(path, text):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    write("home/.keep", "")
    return tmp_path, write


def seen(root, **environ):
    return look({"HOME": str(root / "home"), **environ}, root)


def test_nothing_but_the_allowed_variables_is_given(machine):
    root, _ = machine
    passed = seen(
        root,
        AWS_SECRET_ACCESS_KEY="x",
        CALZION_DATA="/x",
        LD_PRELOAD="/x",
        UV_CACHE_DIR="/x",
        PIP_TARGET="/x",
        NPM_CONFIG_PREFIX="/x",
        HTTPS_PROXY="http://proxy:1",
        npm_config_registry="https://npm.example",
    )
    assert passed.environment == {
        "HTTPS_PROXY": "http://proxy:1",
        "npm_config_registry": "https://npm.example",
    }


def test_pip_settings_reach_uv(machine):
    root, write = machine
    write("etc/pip.conf", "[global]\nindex-url = https://one.example/simple\ntimeout = 7\n")
    write(
        "home/.config/pip/pip.conf",
        "[install]\nextra-index-url =\n  https://a.example\n  https://b.example\n",
    )
    environment = seen(root, PIP_TIMEOUT="9").environment
    assert environment["UV_DEFAULT_INDEX"] == "https://one.example/simple"
    assert environment["UV_INDEX"] == "https://a.example https://b.example"
    assert environment["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    assert environment["UV_HTTP_TIMEOUT"] == environment["PIP_TIMEOUT"] == "9"
    assert environment["PIP_EXTRA_INDEX_URL"] == "https://a.example https://b.example"


def test_what_is_set_for_uv_itself_stays(machine):
    root, _ = machine
    environment = seen(
        root, PIP_INDEX_URL="https://pip.example", UV_DEFAULT_INDEX="https://uv.example"
    ).environment
    assert environment["UV_DEFAULT_INDEX"] == "https://uv.example"


def test_a_container_gets_files_that_a_sandbox_has_anyway_and_no_apt(machine):
    root, write = machine
    write("wheels/x", "")
    write("etc/apt/sources.list", "deb http://mirror.example bookworm main")
    environ = {
        "HOME": str(root / "home"),
        "SSL_CERT_FILE": "/etc/ssl/openssl.cnf",
        "SSL_CERT_DIR": "/etc/ssl",
        "PIP_FIND_LINKS": f"{root}/wheels",
    }
    passed = look(environ, root, container=True)
    assert [str(mount.source) for mount in passed.mounts] == ["/etc/ssl/openssl.cnf", f"{root}/wheels"]
    assert passed.files == {}


def test_local_directories_and_certificates_are_mounted(machine):
    root, write = machine
    for path in ("wheels/x", "mirror/simple/six/index.html", "ca.pem"):
        write(path, "")
    passed = seen(
        root,
        PIP_FIND_LINKS=f"{root}/wheels {root}/missing",
        PIP_EXTRA_INDEX_URL=f"file://{root}/mirror/simple",
        SSL_CERT_FILE=f"{root}/ca.pem",
        REQUESTS_CA_BUNDLE="/etc/ssl/certs/ca-certificates.crt",
    )
    assert [mount.source for mount in passed.mounts] == [root / "ca.pem", root / "mirror", root / "wheels"]
    assert not any(mount.writable for mount in passed.mounts)
    assert passed.environment["UV_FIND_LINKS"] == f"{root}/wheels,{root}/missing"


def test_npm_settings_are_filtered(machine):
    root, write = machine
    write("etc/npmrc", "cafile=/etc/ssl/x\nprefix=/evil\n")
    write("home/.npmrc", "//npm.example/:_authToken=secret\n@corp:registry=https://npm.example\ncache=/x\n")
    passed = seen(root)
    assert passed.files[NPMRC].splitlines() == [
        "cafile=/etc/ssl/x",
        "//npm.example/:_authToken=secret",
        "@corp:registry=https://npm.example",
    ]
    assert passed.environment["NPM_CONFIG_GLOBALCONFIG"] == NPMRC
    assert "secret" not in repr(passed)


def test_the_root_is_never_mounted(machine):
    root, _ = machine
    assert seen(root, PIP_EXTRA_INDEX_URL="file:///simple", PIP_FIND_LINKS="/ //").mounts == ()
    assert Path("/").exists()
