"use strict";
const { execFileSync, spawnSync } = require("child_process");
const fs = require("fs");
const path = require("path");

const WEEK = 7 * 24 * 3600 * 1000;
const ALONE = ["--no-save", "--no-package-lock", "--ignore-scripts", "--global=false", "--prefer-offline"];
const QUIET = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error", "--engine-strict=false"];

/**
 * Programs that come as npm packages, kept in a directory of the cache: one a version, with the list of versions beside
 * it. `npm` is the argument list that runs the npm at hand.
 */
class Packages {
  constructor(directory, npm, environment) {
    this.directory = directory;
    this.npm = npm;
    this.environment = environment;
    this.used = new Set();
    fs.mkdirSync(directory, { recursive: true });
  }

  /** All versions of a package, as the registry said within a week where one of them `fits`; empty where none is. */
  versions(name, fits) {
    const file = path.join(this.directory, `${safe(name)}.json`);
    const kept = readList(file);
    if (kept.some(fits) && Date.now() - fs.statSync(file).mtimeMs < WEEK) return kept;
    const found = this.ask(name);
    if (found.length) replace(file, JSON.stringify(found));
    return found.length ? found : kept;
  }

  ask(name) {
    const done = this.call(["view", name, "versions", "--json"]);
    try {
      return [JSON.parse(done.stdout)].flat().filter((version) => typeof version === "string");
    } catch {
      return [];
    }
  }

  /** Where this version is installed, its node_modules in it; null, with what npm said, where that failed. */
  install(name, version) {
    const place = path.join(this.directory, `${safe(name)}-${version}`);
    this.used.add(path.basename(place));
    if (fs.existsSync(place)) return { place };
    const fresh = `${place}.new`;
    fs.rmSync(fresh, { recursive: true, force: true });
    fs.mkdirSync(fresh);
    const done = this.call(["install", ...ALONE, "--prefix", fresh, `${name}@${version}`]);
    if (done.status !== 0) return { place: null, said: done.stderr };
    fs.renameSync(fresh, place);
    return { place };
  }

  call(words) {
    const [program, ...first] = this.npm;
    return spawnSync(program, [...first, ...words, ...QUIET], {
      cwd: this.directory,
      env: this.environment,
      encoding: "utf8",
      maxBuffer: 64 << 20,
    });
  }

  /** Remove what this build did not use. */
  tidy() {
    for (const entry of fs.readdirSync(this.directory, { withFileTypes: true })) {
      if (entry.isDirectory() && !this.used.has(entry.name)) {
        fs.rmSync(path.join(this.directory, entry.name), { recursive: true, force: true });
      }
    }
  }
}

function safe(name) {
  return name.replace(/[^\w.-]+/g, "_");
}

function readList(file) {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8"));
  } catch {
    return [];
  }
}

/** Write a file as a whole or not at all. */
function replace(file, text) {
  fs.writeFileSync(`${file}.new`, text);
  fs.renameSync(`${file}.new`, file);
}

/** Copy a tree, by hard links where it may be shared and both places are of one mount. */
function copyTree(source, target, { share }) {
  fs.rmSync(target, { recursive: true, force: true });
  fs.mkdirSync(path.dirname(target), { recursive: true });
  const linked = share && canLink(source, target);
  execFileSync("cp", [...(linked ? ["-al"] : ["-a", "--reflink=auto"]), "--", source, target]);
}

function canLink(source, target) {
  const [from, to] = [`${source}.probe`, `${target}.probe`];
  try {
    fs.writeFileSync(from, "");
    fs.linkSync(from, to);
    return true;
  } catch {
    return false;
  } finally {
    for (const probe of [from, to]) fs.rmSync(probe, { force: true });
  }
}

module.exports = { Packages, copyTree, replace };
