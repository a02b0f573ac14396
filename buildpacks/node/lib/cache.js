"use strict";
const { createHash } = require("crypto");
const fs = require("fs");
const path = require("path");
const { copyTree, replace } = require("./packages");

const HARMLESS = new Set(
  ("version description keywords author contributors license repository bugs homepage main private scripts funding" +
    " browserslist eslintConfig prettier jest babel").split(" "),
);
const PATCHES = ["patches", ".yarn/patches", ".yarn/plugins"];

/** What decides which files are installed, each part under the name that the pusher is told when it changed. */
function keyOf({ app, manager, node, npm, variables, development }) {
  const settings = Object.entries(variables).filter(([name]) => /^(npm_config|node|yarn|pnpm)_/i.test(name));
  const [lock, ...configuration] = manager.files;
  return {
    stack: process.env.STACK || "",
    Node: node,
    "package manager": `${manager.name} ${manager.version} on npm ${npm}`,
    "lock file": digest([lock, "npm-shrinkwrap.json"].map((name) => app.read(name))),
    "package.json": digest(app.manifests().map((manifest) => relevant(manifest, manager.lifecycle))),
    settings: digest([
      development,
      settings.sort(),
      configuration.map((name) => app.read(name)),
      PATCHES.map((name) => contents(path.join(app.root, name))),
    ]),
  };
}

/** A manifest without what no package manager looks at. */
function relevant(manifest, lifecycle) {
  const scripts = lifecycle.map((name) => manifest.scripts[name] || "");
  return [scripts, Object.entries(manifest).filter(([name]) => !HARMLESS.has(name))];
}

function contents(directory) {
  try {
    return fs
      .readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => [entry.name, fs.readFileSync(path.join(directory, entry.name), "base64")]);
  } catch {
    return [];
  }
}

function digest(value) {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}

/**
 * What one build installed, kept for the next. `record` is written last: without it nothing is there.
 */
class Cache {
  constructor(directory, root) {
    this.record = path.join(directory, "installed.json");
    this.files = path.join(directory, "installed");
    this.root = root;
    this.known = this.load();
  }

  load() {
    try {
      return JSON.parse(fs.readFileSync(this.record, "utf8"));
    } catch {
      return null;
    }
  }

  /** Which parts of the key differ from the kept one; all of nothing where nothing is kept. */
  differences(key) {
    return this.known ? Object.keys(key).filter((name) => this.known.key[name] !== key[name]) : ["everything"];
  }

  restore({ share }) {
    for (const name of this.known.names) copyTree(path.join(this.files, name), path.join(this.root, name), { share });
  }

  save(key, names, { share }) {
    this.drop();
    for (const name of names) copyTree(path.join(this.root, name), path.join(this.files, name), { share });
    this.write({ key, names });
  }

  drop() {
    this.known = null;
    fs.rmSync(this.record, { force: true });
    fs.rmSync(this.files, { recursive: true, force: true });
  }

  /** Remember which entries pruning removes. */
  remember(pruned) {
    if (this.known) this.write({ ...this.known, pruned });
  }

  write(known) {
    this.known = known;
    replace(this.record, JSON.stringify(known));
  }
}

module.exports = { Cache, keyOf };
