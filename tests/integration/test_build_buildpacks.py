"""Third-party buildpacks: by address, several in order, in the shapes of the best known ones."""

import io
import os
import socket
import subprocess
import tarfile
import zipfile
from dataclasses import replace
from urllib.parse import quote

import pytest

from calzion.errors import CalzionError
from calzion.template.buildpack import parse_reference
from tests.integration.build_site import Cancel, Output, anywhere, site_of
from tests.integration.git_site import PASSWORD, USER, GitSite

APP = {"Procfile": "web: run\n", "app.txt": "x"}


@pytest.fixture
def site(tmp_path, request):
    yield from site_of(tmp_path, request)


@pytest.fixture
def web(site, tmp_path, monkeypatch):
    web = GitSite(tmp_path / "web", site.host)
    monkeypatch.setenv("GIT_SSL_CAINFO", str(web.certificate))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield web
    web.close()


def pack(compile, release="", detect="echo Pack"):
    files = {"bin/detect": f"#!/bin/sh\n{detect}\n", "bin/compile": f"#!/bin/bash\nset -e\n{compile}\n"}
    if release:
        files["bin/release"] = f"#!/bin/sh\ncat <<'END'\n{release}\nEND\n"
    return files


def build(site, *buildpacks, files=APP, builder=None, **environment):
    order = replace(site.order(files, **environment), buildpacks=buildpacks)
    output = Output()
    slug = (builder or site.builder()).build(order, output, Cancel())
    return slug, output.lines


def refusal(site, *buildpacks, files=APP):
    with pytest.raises(CalzionError) as caught:
        build(site, *buildpacks, files=files)
    assert caught.value.code == "build"
    return caught.value.message


def test_a_branch_a_tag_and_a_commit(site, web):
    first = web.commit("pack", pack("echo one"), tag="v1")
    web.commit("pack", pack("echo two"))
    url = f"{web.url}/pack.git"
    for ref, said in (
        ("", "two"),
        ("#main", "two"),
        ("#v1", "one"),
        (f"#{first}", "one"),
        (f"#{first[:8]}", "one"),
    ):
        _, lines = build(site, url + ref, files=APP | {"ref": ref})
        assert lines[-2:] == ["Pack app detected", said], ref
    assert any(
        line.startswith(f"fetched {url}#v1 at {first[:12]} in ") for line in build_lines(site, web, first)
    )


def build_lines(site, web, commit):
    """What a server says that has fetched nothing yet."""
    subprocess.run(["rm", "-rf", site.layout.buildpacks], check=True)
    return build(site, f"{web.url}/pack.git#v1", files=APP | {"new": commit})[1]


def test_a_branch_is_looked_at_each_time_and_fetched_only_when_it_moved(site, web):
    web.commit("pack", pack("echo one"))
    url, builder = f"{web.url}/pack.git#main", site.builder()
    slug, _ = build(site, url, builder=builder)
    assert build(site, url, builder=builder) == (slug, [])
    _, lines = build(site, url, builder=builder, files=APP | {"new": ""})
    assert not [line for line in lines if line.startswith("fetch")]
    web.commit("pack", pack("echo two"))
    moved, lines = build(site, url, builder=builder)
    assert "two" in lines
    assert moved.key != slug.key


def test_one_order_means_one_version(site, web):
    web.commit("pack", pack("echo one"))
    builder, order = site.builder(), replace(site.order(APP), buildpacks=(f"{web.url}/pack.git",))
    key = builder.key(order)
    web.commit("pack", pack("echo two"))
    assert builder.build(order, Output(), Cancel()).key == key


@anywhere
def test_what_was_fetched_serves_while_the_network_is_away(site, web):
    web.commit("pack", pack("echo one"))
    url = f"{web.url}/pack.git#main"
    build(site, url)
    web.close()
    _, lines = build(site, url, files=APP | {"new": ""})
    assert lines[0].startswith(f"{url}: it can't be reached: what was fetched before is used (")
    assert "one" in lines
    assert refusal(site, f"{web.url}/other.git") == (
        f"the buildpack {web.url}/other.git can't be fetched: it can't be reached"
    )


def test_what_can_not_be_fetched_is_a_sentence(site, web):
    web.commit("pack", pack("true"))
    (web.root / "no.tgz").write_text("no archive")
    web.redirects["/elsewhere.tgz"] = f"{web.plain_url}/x.tgz"
    web.redirects["/elsewhere.git/info/refs"] = f"{web.plain_url}/pack.git/info/refs?service=git-upload-pack"
    start = f"the buildpack {web.url}"
    assert (
        refusal(site, f"{web.url}/pack.git#v9")
        == f"{start}/pack.git#v9 can't be fetched: it has no branch or tag 'v9'"
    )
    for path, reason in (
        ("/none.git", "there is no such repository"),
        ("/none.tgz", "the server answers 404"),
        ("/no.tgz", "it is no archive that can be unpacked"),
        ("/elsewhere.tgz", "it leads to an address that nothing is fetched from"),
        ("/elsewhere.git", "it leads to an address that nothing is fetched from"),
        (f"/pack.git#{'1' * 40}", "it does not have that commit"),
    ):
        assert refusal(site, web.url + path) == f"{start}{path} can't be fetched: {reason}"


def test_an_address_that_never_answers(site):
    builder = site.builder()
    remotes = replace(builder.remotes, look_seconds=0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        for path in ("/x.git", "/x.tgz"):
            with pytest.raises(
                CalzionError, match=f"{path} can't be fetched: it (took too long|can't be reached)"
            ):
                remotes.pin([parse_reference(url + path)])
    assert site.leftovers() == []


def test_plain_http_needs_a_commit(site, web):
    commit = web.commit("pack", pack("echo one"))
    with pytest.raises(CalzionError) as caught:
        build(site, f"{web.plain_url}/pack.git#main")
    assert "http:// does not prove what comes" in caught.value.detail[0]
    assert build(site, f"{web.plain_url}/pack.git#{commit}")[1][-1] == "one"


def test_credentials_are_used_and_never_shown(site, web, capfd):
    web.commit(
        "private",
        pack("echo one; ps -ef 2>/dev/null; cat /proc/*/cmdline; env; ls -R /opt/calzion/job* || :"),
    )
    (web.root / "private.tgz").write_bytes(archive(pack("echo two")))
    secret = f"{USER}:{quote(PASSWORD, safe='')}"
    host = web.url.removeprefix("https://")
    for path in ("/private.git#main", "/private.tgz"):
        _, lines = build(site, f"https://{secret}@{host}{path}")
        assert lines[-1]
        assert not [line for line in lines if PASSWORD in line or quote(PASSWORD, safe="") in line], lines
    assert refusal(site, f"{web.url}/private.git") == (
        f"the buildpack {web.url}/private.git can't be fetched: it is not there, or needs a login"
    )
    for entry in (f"https://{secret}@{host}/private.git#..", f"https://{USER}:{PASSWORD}@{host}/a b"):
        with pytest.raises(CalzionError) as caught:
            build(site, entry)
        assert "s3cret" not in str(caught.value.as_dict())
    slug_lines = build(site, "./p", files=APP | local("echo https://me:s3cret@example.org/x"))[1]
    assert slug_lines[-1] == "https://***@example.org/x"


def local(compile, directory="p"):
    return {f"{directory}/{name}": text for name, text in pack(compile).items()}


def archive(files, prefix=""):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(prefix + name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return data.getvalue()


def test_archives(site, web):
    (web.root / "a.tgz").write_bytes(archive(pack("echo tgz")))
    (web.root / "b.tar.gz").write_bytes(archive(pack("echo below"), "pack-main/"))
    with zipfile.ZipFile(web.root / "c.zip", "w") as file:
        for name, text in pack("echo zip").items():
            file.writestr(f"top/{name}", text)
    builder = site.builder()
    assert build(site, f"{web.url}/b.tar.gz")[1][-1] == "below"
    assert build(site, f"{web.url}/c.zip")[1][-1] == "zip"
    slug, lines = build(site, f"{web.url}/a.tgz?x=1", builder=builder)
    assert lines[-1] == "tgz"
    assert build(site, f"{web.url}/a.tgz?x=1", builder=builder)[0] == slug
    (web.root / "a.tgz").write_bytes(archive(pack("echo changed")))
    assert build(site, f"{web.url}/a.tgz?x=1", builder=builder)[1][-1] == "changed"


def test_a_buildpacks_file_with_all_kinds(site, web):
    web.commit(
        "apt",
        pack('echo "export A=1" > "$(dirname "$0")/../export"', "default_process_types: {web: apt, a: b}"),
    )
    files = local('echo "A is $A"') | {
        ".buildpacks": f"# in order\n{web.url}/apt.git\n./p\nheroku/nodejs\n",
        "package.json": '{"scripts": {"start": "node x.js"}}',
    }
    order, output = site.order(files), Output()
    slug = site.builder().build(order, output, Cancel())
    assert output.lines[0] == "heroku/nodejs: Calzion's own node buildpack is used"
    assert f"buildpack 1 of 3: {web.url}/apt.git" in output.lines
    assert "A is 1" in output.lines
    assert slug.process_types == (("web", "node x.js"),), "the last bin/release counts"
    assert slug.language.startswith("Node")


def test_the_last_release_counts_also_before_one_that_has_none(site, web):
    web.commit("one", pack("true", "default_process_types: {web: one}"))
    slug, _ = build(site, f"{web.url}/one.git", "./p", files=local("true"))
    assert slug.process_types == (("web", "one"),)


def test_detect_of_a_listed_buildpack_must_succeed(site, web):
    web.commit("pack", pack("true", detect="exit 1"))
    with pytest.raises(CalzionError) as caught:
        build(site, f"{web.url}/pack.git")
    assert f"the buildpack {web.url}/pack.git does not fit this app" in caught.value.detail
    with pytest.raises(CalzionError) as caught:
        build(site, "./nothing")
    assert "./nothing is no buildpack: it has no bin/compile" in caught.value.detail


# The shapes of the best known third-party buildpacks: inline (the app's own bin/ directory), subdir and monorepo
# (/app is replaced as a whole), run (a script of the app), multi (which fetches others), apt.

INLINE = {
    "bin/detect": '#!/usr/bin/env bash\nset -e\n[ -f "$1/bin/compile" ] || exit 1\n"$1/bin/detect" "$1"\n',
    "bin/compile": '#!/usr/bin/env bash\nset -e\nchmod +x "$1"/bin/*\n"$1/bin/compile" "$@"\n',
    "bin/release": '#!/usr/bin/env bash\n"$1/bin/release" "$1"\n',
}
MONOREPO = pack(
    'base=$(cat "$3/APP_BASE"); stage=$(mktemp -d)\nmv "$1/$base" "$stage/"\nrm -rf "$1"\n'
    'mv "$stage/$(basename "$base")" "$1"\necho "moved $base"'
)
RUN = pack('file="$1/$(cat "$3/BUILDPACK_RUN")"\nchmod +x "$file"\nexec "$file" "$1" "$2" "$3"')
MULTI = pack(
    'for line in $(cat "$1/.packs"); do dir=$(mktemp -d)\n'
    '  git clone -q "${line%#*}" "$dir"; (cd "$dir"; git checkout -q "${line#*#}")\n'
    '  chmod -f +x "$dir"/bin/*; "$dir/bin/detect" "$1"; "$dir/bin/compile" "$1" "$2" "$3"\n'
    '  if [ -e "$dir/export" ]; then source "$dir/export"; fi\ndone'
)


@anywhere
def test_the_shapes_of_inline_monorepo_and_run(site, web):
    for name, files in (("inline", INLINE), ("monorepo", MONOREPO), ("run", RUN)):
        web.commit(name, files)
    scripts = {"detect": "echo Inline", "compile": "touch $1/made"}
    scripts["release"] = "echo 'default_process_types: {web: x}'"
    app = {f"bin/{name}": f"#!/bin/sh\n{text}\n" for name, text in scripts.items()}
    slug, _ = build(site, f"{web.url}/inline.git", files=app)
    assert (slug.root / "made").exists()
    assert slug.process_types == (("web", "x"),)

    app = {"apps/web/Procfile": "web: inner", "apps/web/build.sh": "#!/bin/sh\ntouch built; pwd", "other": ""}
    slug, lines = build(
        site,
        f"{web.url}/monorepo.git",
        f"{web.url}/run.git",
        files=app,
        APP_BASE="apps/web",
        BUILDPACK_RUN="build.sh",
    )
    assert lines[-1] == "/app"
    assert sorted(path.name for path in slug.root.iterdir()) == ["Procfile", "build.sh", "built"]
    assert slug.process_types == (("web", "inner"),)


def test_the_shape_of_multi(site, web):
    web.commit("multi", MULTI)
    web.commit("one", pack('echo "export ONE=1" > "$(cd "$(dirname "$0")/.."; pwd)/export"'), tag="v1")
    web.commit("two", pack('echo "two sees $ONE"'), tag="v1")
    _, lines = build(
        site, f"{web.url}/multi.git", files=APP | {".packs": f"{web.url}/one.git#v1\n{web.url}/two.git#v1\n"}
    )
    assert lines[-1] == "two sees 1"


@anywhere
def test_the_shape_of_apt(site, web):
    web.commit(
        "apt",
        pack(
            'mkdir -p "$2/apt/cache/archives/partial" "$2/apt/state/lists/partial"; cat /etc/apt/sources.list\n'
            'options="-o debug::nolocking=true -o dir::cache=$2/apt/cache -o dir::state=$2/apt/state'
            ' -o dir::etc::sourcelist=/dev/null -o dir::etc::sourceparts=/dev/null"\n'
            "apt-get $options update; test -s /var/lib/dpkg/status\n"
            'export PATH="$1/.apt/usr/bin:$PATH"\nexport | grep -E " PATH=" > "$(dirname "$0")/../export"'
        ),
    )
    _, lines = build(site, f"{web.url}/apt.git", "./p", files=APP | local("echo $PATH"))
    assert lines[-1].startswith("/app/.apt/usr/bin:")


@anywhere
def test_writing_elsewhere_harms_nothing(site, web):
    web.commit(
        "wild",
        pack(
            "for place in /usr/local /etc /home /root /var /opt /opt/calzion /buildpack /buildpack/remote-0 /env /srv;"
            " do mkdir -p $place 2>/dev/null; touch $place/calzion-was-here 2>/dev/null || :; done;"
            ' touch /calzion-was-here; echo "#changed" >> "$0"; mkdir /own && echo yes'
        ),
    )
    url = f"{web.url}/wild.git"
    assert build(site, url)[1][-1] == "yes"
    for place in ("/", "/usr/local", "/etc", "/home", "/root", "/var", "/opt", "/srv"):
        assert not os.path.lexists(f"{place}/calzion-was-here")
    assert not (site.layout.data / "calzion-was-here").exists()
    copies = [path.read_text() for path in site.layout.buildpacks.glob("*/bin/compile")]
    assert copies
    assert copies[0].count("#changed") == 1
    assert not list(site.layout.buildpacks.rglob("calzion-was-here"))


def test_two_wild_writes_do_not_meet(site, web):
    web.commit("pack", pack("echo x > /own; ls /own /cache; touch /cache/kept"))
    url, builder = f"{web.url}/pack.git", site.builder()
    build(site, url, builder=builder)
    _, lines = build(site, url, files=APP | {"new": ""}, builder=builder)
    assert "kept" in lines
