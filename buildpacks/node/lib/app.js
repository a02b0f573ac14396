"use strict";
const fs = require("fs");
const path = require("path");
const { GROUPS, readManifest } = require("./manifest");

const LOCAL = /^(?:file|link|portal):|^(?:\.{1,2}|~)?\//;
const DEEPEST = 8;

/** What the source says of itself, read from its files. */
class App {
  constructor(root) {
    this.root = root;
    this.manifest = readManifest(root);
    this.commitsPackages = this.has(".yarn/cache");
  }

  /** Whether a path of the source exists. */
  has(name) {
    return fs.existsSync(path.join(this.root, name));
  }

  /** The text of a file of the source; empty where it is not there. */
  read(name) {
    try {
      return fs.readFileSync(path.join(this.root, name), "utf8");
    } catch {
      return "";
    }
  }

  script(name) {
    return this.manifest.scripts[name];
  }

  get isMonorepo() {
    return Boolean(this.manifest.workspaces) || this.has("pnpm-workspace.yaml");
  }

  /** The directories that may be members of workspaces: those with a package.json, relative to the root. */
  members() {
    if (!this.isMonorepo) return [];
    if (!this.found) this.found = [...manifestsBelow(this.root, "", 0)].sort();
    return this.found;
  }

  /** All manifests, the root's first. A member that can't be read is left to the package manager. */
  manifests() {
    return [this.manifest, ...this.members().flatMap((name) => readable(path.join(this.root, name)))];
  }

  /** Whether a dependency is a directory or file of the source, whose content no lock file pins. */
  get usesLocalFiles() {
    return this.manifests().some((manifest) =>
      GROUPS.some((group) => Object.values(manifest[group]).some((version) => LOCAL.test(version))),
    );
  }

  get hasDependencies() {
    return this.isMonorepo || GROUPS.some((group) => Object.keys(this.manifest[group]).length > 0);
  }
}

function* manifestsBelow(root, below, depth) {
  for (const entry of fs.readdirSync(path.join(root, below), { withFileTypes: true })) {
    const hidden = entry.name.startsWith(".") || entry.name === "node_modules";
    if (!entry.isDirectory() || hidden || depth >= DEEPEST) continue;
    const name = path.join(below, entry.name);
    if (isFile(path.join(root, name, "package.json"))) yield name;
    yield* manifestsBelow(root, name, depth + 1);
  }
}

function readable(directory) {
  try {
    return [readManifest(directory)];
  } catch {
    return [];
  }
}

function isFile(name) {
  try {
    return fs.statSync(name).isFile();
  } catch {
    return false;
  }
}

module.exports = { App };
