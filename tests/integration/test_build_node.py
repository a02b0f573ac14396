"""Node apps in the shapes that people have, with the real package managers."""

import json

import pytest

from calzion.errors import CalzionError
from tests.integration.build_site import Site
from tests.integration.test_build_languages import CACHED, inside

APP = {
    "name": "x",
    "version": "1.0.0",
    "dependencies": {"is-number": "7.0.0"},
    "devDependencies": {"isarray": "2.0.5"},
    "scripts": {"start": "node main.js", "build": "node -e \"require('isarray')\""},
}
MAIN = 'console.log(require("is-number")(5))\n'
MODULES = {".yarnrc.yml": "nodeLinker: node-modules\n"}
MANAGERS = {
    "npm": ("package-lock.json", "npm install", {}, {}),
    "yarn 1": ("yarn.lock", "yarn install", {"packageManager": "yarn@1.22.22"}, {}),
    "yarn 3": ("yarn.lock", "yarn install", {"packageManager": "yarn@3.6.4"}, {}),
    "yarn 4": ("yarn.lock", "yarn install", {"packageManager": "yarn@4.5.0"}, MODULES),
    "pnpm": ("pnpm-lock.yaml", "pnpm install", {"packageManager": "pnpm@10.12.1"}, {}),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """One cache for all tests: what comes from the registry comes once."""
    site = Site(tmp_path_factory.mktemp("site"))
    yield site
    site.rest()


def source(manifest, **files):
    return {"package.json": json.dumps(manifest), "main.js": MAIN, **files}


def failure(site, files, **environment):
    with pytest.raises(CalzionError) as caught:
        site.build(files, **environment)
    return caught.value.detail[0]


def says(lines, beginning):
    return any(line.startswith(beginning) for line in lines)


@pytest.mark.parametrize("name", MANAGERS)
def test_a_package_manager(site, name):
    lock, install, fields, files = MANAGERS[name]
    app = APP | fields
    slug, lines = site.build(source(app, **files))
    assert says(lines, "no lock file:")
    locked = source(app, **files, **{lock: (slug.root / lock).read_text()})

    slug, lines = site.build(locked)
    assert "installed anew: lock file changed" in lines
    changed, lines = site.build(locked | {"other.js": ""})
    assert CACHED in lines
    ((kind, command),) = changed.process_types
    assert kind == "web"
    for each in (slug, changed):
        assert inside(each, command).splitlines()[-1] == "true"
        assert not (each.root / "node_modules/isarray").exists()

    stale = locked | {"package.json": json.dumps(app | {"dependencies": {"is-number": "6.0.0"}})}
    sentence = failure(site, stale)
    assert sentence.startswith(f"{lock} does not match package.json")
    assert sentence.endswith(f": run '{install}' and commit {lock}")


@pytest.mark.parametrize("name", ["npm", "yarn 1", "yarn 4", "pnpm"])
def test_workspaces(site, name):
    _, _, fields, files = MANAGERS[name]
    here = "1.0.0" if name in ("npm", "yarn 1") else "workspace:*"
    root = {"name": "root", "private": True, "workspaces": ["packages/*"]}
    root |= {"scripts": {"build": "echo built > built.txt", "start": "node packages/web/main.js"}} | fields
    web = {
        "name": "web",
        "version": "1.0.0",
        "dependencies": {"lib": here},
        "devDependencies": {"isarray": "2.0.5"},
    }
    lib = {"name": "lib", "version": "1.0.0", "main": "lib.js", "dependencies": {"is-number": "7.0.0"}}
    app = files | {
        "package.json": json.dumps(root),
        "pnpm-workspace.yaml": "packages: ['packages/*']\n",
        "packages/web/package.json": json.dumps(web),
        "packages/web/main.js": 'console.log(require("lib")(5))\n',
        "packages/lib/package.json": json.dumps(lib),
        "packages/lib/lib.js": 'module.exports = require("is-number")\n',
    }
    site.build(app)
    slug, lines = site.build(app | {"packages/web/other.js": ""})
    assert CACHED in lines
    assert inside(slug, "node packages/web/main.js") == "true"
    assert not list(slug.root.glob("**/node_modules/isarray"))
    if name == "npm":
        widened = lib | {"optionalDependencies": {"isarray": "2.0.5"}}
        _, lines = site.build(app | {"packages/lib/package.json": json.dumps(widened)})
        assert "installed anew: package.json changed" in lines


def test_another_node_comes_as_a_package_once(site):
    old = APP | {"engines": {"node": "16.x"}, "scripts": {"start": "node main.js"}}
    slug, lines = site.build(source(old))
    assert says(lines, 'Node 16.20.2, as "engines" in package.json asks for 16.x')
    assert inside(slug, "node --version; npm --version").splitlines()[0] == "v16.20.2"
    slug, lines = site.build(source(old, **{"other.js": ""}))
    assert CACHED in lines
    assert inside(slug, "node --version") == "v16.20.2"
    slug, lines = site.build(source(APP, **{".nvmrc": "node\n"}))
    assert says(lines, "installed anew: Node, ")
    assert not (slug.root / ".calzion/bin/node").exists()


@pytest.mark.parametrize(
    ("engines", "sentence"),
    [
        (
            {"node": "99.x"},
            '"engines" in package.json asks for Node "99.x", which is not to be had; there are ',
        ),
        (
            {"node": "18.17.99"},
            '"engines" in package.json asks for Node "18.17.99", which is not to be had; there are 18.',
        ),
        (
            {"node": "new"},
            '"engines" in package.json asks for Node "new", which is no version: write one such as',
        ),
        ({"npm": "99.x"}, 'package.json asks for npm "99.x", which is not to be had; the newest is '),
    ],
)
def test_versions_that_can_not_be_had(site, engines, sentence):
    assert failure(site, source(APP | {"engines": engines})).startswith(sentence)


def test_a_package_manager_that_does_not_run_on_this_node(site):
    app = APP | {"engines": {"node": "20.x"}, "packageManager": "pnpm@11.28.10"}
    assert failure(site, source(app)).startswith("pnpm 11.28.10 needs Node >=22.13, but this app runs on 20.")


def test_scripts_run_in_order_as_production(site):
    say = {
        name: f"echo {name} $NODE_ENV >> told.txt"
        for name in ("heroku-prebuild", "heroku-cleanup", "postinstall")
    }
    scripts = say | {
        "build": "exit 1",
        "heroku-postbuild": "echo heroku-postbuild >> told.txt; ls node_modules",
    }
    app = source(APP | {"scripts": scripts})
    told = [
        "heroku-prebuild production",
        "postinstall production",
        "heroku-postbuild",
        "heroku-cleanup production",
    ]
    for files in (app, app | {"other.js": ""}):
        slug, lines = site.build(files)
        assert (slug.root / "told.txt").read_text().splitlines() == told
        assert "isarray" in lines
        assert not (slug.root / "node_modules/isarray").exists()
    assert CACHED in lines


@pytest.mark.parametrize(
    "environment",
    [{"NPM_CONFIG_PRODUCTION": "false"}, {"YARN_PRODUCTION": "false"}, {"NODE_ENV": "development"}],
)
def test_development_dependencies_stay_where_the_environment_says_so(site, environment):
    slug, _ = site.build(source(APP), **environment)
    assert (slug.root / "node_modules/isarray").is_dir()


def test_development_dependencies_stay_where_a_configuration_in_typescript_is_read_at_the_start(site):
    manifest = {
        "dependencies": {"next": "file:./next"},
        "devDependencies": {"typescript": "file:./typescript"},
        "scripts": {"start": "next start", "build": "true"},
    }
    packages = {
        f"{name}/package.json": f'{{"name": "{name}", "version": "1.0.0"}}' for name in ("next", "typescript")
    }
    slug, lines = site.build(source(manifest, **packages, **{"next.config.ts": ""}))
    assert says(lines, "development dependencies stay: next.config.ts needs TypeScript when the app starts")
    assert (slug.root / "node_modules/typescript/package.json").exists()


def test_what_the_build_writes_into_node_modules_is_not_taken_from_an_older_build(site):
    write = "cp input.txt node_modules/is-number/made.txt"
    app = source(APP | {"scripts": {"start": "node main.js", "build": write}})
    site.build(app | {"input.txt": "old"})
    slug, lines = site.build(app | {"input.txt": "new"})
    assert CACHED in lines
    assert (slug.root / "node_modules/is-number/made.txt").read_text() == "new"


def test_what_build_scripts_keep_for_the_next_build(site):
    add = "mkdir -p .next/cache kept && echo x >> .next/cache/a && echo x >> kept/a"
    build = f"{add} && cat .next/cache/a kept/a > told.txt"
    manifest = {"cacheDirectories": ["kept", "../outside"], "scripts": {"build": build}}
    site.build(source(manifest))
    slug, _ = site.build(source(manifest, **{"other.js": ""}))
    assert (slug.root / "told.txt").read_text() == "x\n" * 4
    assert (slug.root / "kept/a").exists()
    assert not (slug.root / ".next/cache").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{\n"scripts": {"a": "b",}}', "package.json:2 is no JSON ("),
        ('{\n\n"name": x}', "package.json:3 is no JSON ("),
        ('{\n<<<<<<< HEAD\n"name": 1}', "package.json:2 holds a merge conflict: resolve it"),
        ("[]", "package.json is no JSON object: "),
        ('{"dependencies": ["express"]}', 'package.json: "dependencies" is no object'),
    ],
)
def test_a_package_json_that_can_not_be_read(site, text, sentence):
    assert failure(site, {"package.json": text}).startswith(sentence)


def test_two_lock_files_are_refused_unless_package_json_says_which(site):
    both = {"package-lock.json": "{}", "yarn.lock": "# yarn lockfile v1\n"}
    bare = {"name": "x", "version": "1.0.0"}
    assert failure(site, source(bare, **both)).startswith(
        "there are lock files of several package managers, package-lock.json and yarn.lock: "
    )
    _, lines = site.build(source(bare | {"packageManager": "yarn@1.22.22"}, **both))
    assert "package-lock.json is not read: packageManager in package.json names yarn" in lines


def test_a_lock_file_with_a_merge_conflict(site):
    assert failure(site, source(APP, **{"yarn.lock": "a\n<<<<<<< HEAD\n"})) == (
        "yarn.lock:2 holds a merge conflict: run 'yarn install' and commit yarn.lock"
    )


def test_what_nobody_can_start_is_said_early(site):
    slug, lines = site.build({"package.json": "{}"})
    assert slug.process_types == ()
    assert lines[1].startswith("no start script, no Procfile and no server.js: ")


def test_a_start_script_whose_program_goes_with_development_dependencies(site):
    dev = {
        "name": "x",
        "devDependencies": {"semver": "7.6.0"},
        "scripts": {"start": "semver 1.0.0", "build": "semver 1.0.0"},
    }
    _, lines = site.build(source(dev))
    assert says(
        lines, "the start script runs semver, which is not installed: development dependencies are removed"
    )


def test_a_program_that_no_package_brings(site):
    assert failure(site, source(APP | {"scripts": {"build": "no-such-program"}})) == (
        "a script of package.json runs no-such-program, which is not there:"
        " add the package that brings it to package.json"
    )


def test_committed_node_modules_are_not_used(site):
    slug, lines = site.build(source(APP, **{"node_modules/is-number/index.js": "broken"}))
    assert says(lines, "node_modules is committed and not used: run 'git rm -r --cached node_modules'")
    assert inside(slug, "node main.js") == "true"
