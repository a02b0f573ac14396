"""What the node buildpack decides, asked in one process: package managers, versions, and what failures mean."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from calzion.resources import resource

LIBRARY = resource("buildpacks") / "node/lib"
DRIVER = """
const [library, npm] = process.argv.slice(1);
const semver = require("module").createRequire(npm)("semver");
const { chooseManager } = require(`${library}/choose-manager`);
const { askedNode, chooseNode, npmFor } = require(`${library}/choose-node`);
const { recognise } = require(`${library}/failures`);
const app = ({ files = {}, ...manifest }) => ({
  manifest: { engines: {}, ...manifest },
  has: (name) => name in files,
  read: (name) => files[name] || "",
});
const ask = {
  manager: (given) => chooseManager(app(given), semver),
  node: ({ available, ...given }) => chooseNode(askedNode(app(given), semver), "20.1.0", available, semver),
  asked: (given) => askedNode(app(given), semver),
  npm: ([major, lock]) => npmFor(major, lock),
  failure: recognise,
};
const answer = ([name, given]) => {
  try {
    return ask[name](given);
  } catch (error) {
    return error.message;
  }
};
console.log(JSON.stringify(JSON.parse(require("fs").readFileSync(0)).map(answer)));
"""
BERRY = "__metadata:\n  version: {}\n"
CHOICES = [
    ({}, ("npm", None, [])),
    ({"files": {"package-lock.json": ""}, "packageManager": "pnpm@9.1.0"}, ("npm", None, [])),
    ({"packageManager": "pnpm@1.2.3.4"}, ("npm", None, [])),
    ({"packageManager": "npm@10.2.0"}, ("npm", None, ["10.2.0"])),
    ({"engines": {"npm": "please-use-yarn"}}, ("npm", None, [])),
    ({"files": {"bun.lock": ""}, "packageManager": "bun@1.2.0"}, ("npm", None, [])),
    ({"files": {"yarn.lock": "# yarn lockfile v1"}}, ("yarn", "yarn", ["^1"])),
    ({"files": {"yarn.lock": ""}, "engines": {"yarn": ">=1.10"}}, ("yarn", "yarn", ["^1", ">=1.10"])),
    ({"files": {"yarn.lock": ""}, "packageManager": "yarn@4.5.0"}, ("berry", "@yarnpkg/cli-dist", ["4.5.0"])),
    ({"files": {"yarn.lock": BERRY.format(6)}}, ("berry", "@yarnpkg/cli-dist", ["^3.2"])),
    ({"files": {"yarn.lock": BERRY.format(8)}}, ("berry", "@yarnpkg/cli-dist", [">=4 <4.14"])),
    ({"files": {"yarn.lock": BERRY.format(99)}}, ("berry", "@yarnpkg/cli-dist", [])),
    ({"files": {"pnpm-lock.yaml": "lockfileVersion: 5.4"}}, ("pnpm", "pnpm", ["^7"])),
    ({"files": {"pnpm-lock.yaml": "lockfileVersion: '6.0'"}}, ("pnpm", "pnpm", ["^8"])),
    (
        {"files": {"pnpm-lock.yaml": "lockfileVersion: '9.0'"}, "engines": {"pnpm": ">=9"}},
        ("pnpm", "pnpm", [">=9", "^10"]),
    ),
    (
        {"files": {"pnpm-lock.yaml": "lockfileVersion: '9.0'"}, "engines": {"pnpm": "9.x"}},
        ("pnpm", "pnpm", ["9.x"]),
    ),
    ({"packageManager": "pnpm@10.1.0+sha512.abc"}, ("pnpm", "pnpm", ["10.1.0"])),
]
COMMITTED = {
    "yarn.lock": BERRY.format(8),
    ".yarnrc.yml": "nodeLinker: pnp\nyarnPath: .yarn/releases/yarn-4.9.2.cjs\n",
    ".yarn/releases/yarn-4.9.2.cjs": "x",
}
ASKED = [
    ({"engines": {"node": "18"}, "files": {".nvmrc": "20"}}, ">=18.0.0 <19.0.0-0"),
    ({"files": {".nvmrc": "# ours\nlts/hydrogen\n"}}, ">=18.0.0 <19.0.0-0"),
    ({"files": {".nvmrc": "v16.13.0"}}, "16.13.0"),
    ({"files": {".node-version": "22.1"}}, ">=22.1.0 <22.2.0-0"),
    ({"files": {".nvmrc": "lts/*"}}, "*"),
    ({"engines": {"node": ">= 8 < 15 || ^16"}}, ">=8.0.0 <15.0.0-0||>=16.0.0 <17.0.0-0"),
]
FAILURES = [
    (
        "npm ERR! cipm can only install packages when your package.json and package-lock.json or x are in sync.",
        "package-lock.json does not match package.json: run 'npm install' and commit package-lock.json",
    ),
    ("npm error code ERESOLVE", "two dependencies ask for different versions of the same package"),
    ("npm error code EBADENGINE", "a package does not run on this version"),
    ("npm error code E401", "the registry refuses access: "),
    (" ERR_PNPM_FETCH_403  GET x: Forbidden - 403", "the registry refuses access: "),
    ("WARN  Ignoring not compatible lockfile at x", "pnpm-lock.yaml was written by another major of pnpm"),
    ("sh: 1: tsc: not found", "a script of package.json runs tsc, which is not there"),
    ("sh: tsc: command not found", "a script of package.json runs tsc, which is not there"),
]


@pytest.fixture(scope="module")
def ask():
    """Answers to a list of (kind, given)."""
    npm = shutil.which("npm")
    assert npm
    command = ["node", "-e", DRIVER, str(LIBRARY), str(Path(npm).resolve())]

    def ask(kind, given):
        text = json.dumps([[kind, each] for each in given])
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=True, timeout=60)
        return json.loads(done.stdout)

    return ask


def test_the_package_manager_follows_the_lock_file(ask):
    answers = ask("manager", [given for given, _ in CHOICES])
    assert [(each["name"], each["package"], each["ranges"]) for each in answers] == [
        wanted for _, wanted in CHOICES
    ]


def test_a_committed_yarn_is_used(ask):
    escaping = COMMITTED | {".yarnrc.yml": "yarnPath: ../../x.cjs\n"}
    own, other = ask("manager", [{"files": COMMITTED}, {"files": escaping}])
    assert (own["name"], own["program"]) == ("berry", ".yarn/releases/yarn-4.9.2.cjs")
    assert other["package"] == "@yarnpkg/cli-dist"


def test_two_lock_files(ask):
    both = {"package-lock.json": "", "pnpm-lock.yaml": ""}
    refused, chosen = ask("manager", [{"files": both}, {"files": both, "packageManager": "pnpm@10.1.0"}])
    assert refused.startswith("there are lock files of several package managers, ")
    assert (chosen["name"], len(chosen["told"])) == ("pnpm", 1)


def test_the_node_that_is_asked_for(ask):
    answers = ask("asked", [given for given, _ in ASKED])
    assert [each["range"] for each in answers] == [wanted for _, wanted in ASKED]
    assert ask("asked", [{}]) == [None]


def test_a_version_file_is_content_with_a_newer_release_and_may_say_what_only_version_managers_know(ask):
    given = {"files": {".nvmrc": "18.17.99"}, "available": ["18.1.0", "18.20.8", "19.9.0"]}
    assert ask("node", [given]) == ["18.20.8"]
    assert ask("asked", [{"files": {".nvmrc": "system"}}]) == [None]


def test_the_newest_that_satisfies(ask):
    available = ["14.21.3", "18.1.0", "18.20.8", "19.9.0", "26.0.0"]
    ranges = ["18.x", ">=14 <19", ">=21", "18.1.0"]
    answers = ask("node", [{"engines": {"node": each}, "available": available} for each in ranges])
    assert answers == ["18.20.8", "18.20.8", "26.0.0", "18.1.0"]


def test_npm_goes_with_node(ask):
    asked = [(10, 1), (14, 1), (14, 2), (16, 2), (18, 3), (22, 3), (24, 3)]
    assert ask("npm", asked) == ["^6", "^6", "^8", "^8", "^10", "^10", "^11"]


def test_what_failures_mean(ask):
    for (_, wanted), answer in zip(FAILURES, ask("failure", [given for given, _ in FAILURES]), strict=True):
        assert answer.startswith(wanted)
    assert ask("failure", ["all is well"]) == [None]
