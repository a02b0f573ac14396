"use strict";
const { execFileSync } = require("child_process");
const fs = require("fs");
const { createRequire } = require("module");
const path = require("path");
const { chooseManager } = require("./choose-manager");
const { askedNode, chooseNode, npmFor } = require("./choose-node");
const { Packages, copyTree } = require("./packages");
const { Problem } = require("./problem");

/** The npm of the running Node: { program, version, works }; in some installations its command is broken. */
function npmAtHand() {
  const prefix = path.dirname(path.dirname(fs.realpathSync(process.execPath)));
  const command = onPath("npm");
  const places = [command && fs.realpathSync(command), path.join(prefix, "lib/node_modules/npm/bin/npm-cli.js")];
  const program = places.find((place) => place && fs.existsSync(path.join(place, "../../lib/cli.js")));
  if (!program) throw new Problem("this server has no npm: its administrator can add it ('apt-get install npm')");
  const { version } = JSON.parse(fs.readFileSync(path.join(program, "../../package.json"), "utf8"));
  return { program, version, works: program === places[0] };
}

function onPath(name) {
  const places = (process.env.PATH || "").split(":").map((directory) => path.join(directory, name));
  return places.find((place) => fs.existsSync(place));
}

/** Node and the package manager that an app asks for, in `.calzion` of the app, their programs in `.calzion/bin`. */
class Toolchain {
  constructor(app, cache, environment) {
    this.app = app;
    this.atHand = npmAtHand();
    this.semver = createRequire(this.atHand.program)("semver");
    const npm = [process.execPath, this.atHand.program];
    this.packages = new Packages(path.join(cache, "programs"), npm, environment);
    this.bin = path.join(app.root, ".calzion/bin");
    this.told = [];
    fs.mkdirSync(this.bin, { recursive: true });
  }

  /** Choose, fetch and lay out. Throws a Problem for what can't be had. */
  provide() {
    const manager = chooseManager(this.app, this.semver);
    this.told.push(...manager.told);
    this.provideNode();
    this.provideNpm(manager.name === "npm" ? manager.ranges : this.npmRanges());
    this.manager = { name: manager.name, version: this.provideManager(manager) };
    this.packages.tidy();
  }

  provideNode() {
    const asked = askedNode(this.app, this.semver);
    const own = process.versions.node;
    this.node = own;
    this.headers = path.dirname(path.dirname(process.execPath));
    if (!asked || this.semver.satisfies(own, asked.range)) return;
    const name = `node-linux-${process.arch}`;
    const available = this.packages.versions(name, (version) => this.semver.satisfies(version, asked.range));
    this.node = chooseNode(asked, own, available, this.semver);
    const place = this.fetch(name, this.node, "Node");
    this.headers = path.join(place, "node_modules", name);
    copyTree(path.join(this.headers, "bin/node"), path.join(this.bin, "node"), { share: true });
    this.check();
    this.told.push(`Node ${this.node}, as ${asked.from} asks for ${asked.text} (this server's own is ${own})`);
  }

  check() {
    try {
      execFileSync(path.join(this.bin, "node"), ["--version"], { stdio: "ignore", env: {} });
    } catch {
      throw new Problem(`Node ${this.node} does not run on this server: ask for another version in "engines"`);
    }
  }

  get isOwnNode() {
    return this.node === process.versions.node;
  }

  npmRanges() {
    const wanted = this.app.manifest.engines.npm;
    return this.semver.validRange(wanted) ? [wanted] : [];
  }

  /** npm in the slug, unless the one at hand runs on this Node and satisfies. */
  provideNpm(asked) {
    this.npm = this.atHand.version;
    if (this.isOwnNode && asked.every((range) => this.semver.satisfies(this.npm, range))) {
      if (!this.atHand.works) this.shim("npm", this.atHand.program);
      return;
    }
    const lock = /"lockfileVersion": *(\d)/.exec(this.app.read("package-lock.json"));
    const usual = npmFor(this.semver.major(this.node), lock ? Number(lock[1]) : 1);
    const ranges = asked.length ? asked : [usual];
    this.npm = this.newest("npm", "npm", ranges);
    this.add("npm", "npm", this.npm);
  }

  /** Returns the version of the package manager. */
  provideManager({ name, package: source, ranges, program }) {
    if (name === "npm") return this.npm;
    if (program) {
      this.shim("yarn", `$HOME/${program}`);
      const [version = "4"] = /\d+\.\d+\.\d+/.exec(program) || [];
      return version;
    }
    const spoken = name === "berry" ? "yarn" : name;
    const version = this.newest(source, spoken, ranges);
    this.add(source, spoken, version);
    this.checkEngine(spoken, path.join(this.app.root, ".calzion", spoken, source));
    this.told.push(`${spoken} ${version}`);
    return version;
  }

  checkEngine(spoken, directory) {
    const { version, engines } = JSON.parse(fs.readFileSync(path.join(directory, "package.json"), "utf8"));
    if (!engines || !engines.node || this.semver.satisfies(this.node, engines.node)) return;
    throw new Problem(
      `${spoken} ${version} needs Node ${engines.node}, but this app runs on ${this.node}: ask for such a Node, with` +
        ` "engines": {"node": ${JSON.stringify(engines.node)}} in package.json`,
    );
  }

  newest(source, spoken, ranges) {
    const [exact] = ranges.filter((range) => this.semver.valid(range));
    if (exact) return this.semver.clean(exact);
    const fits = (version) => ranges.every((range) => this.semver.satisfies(version, range));
    const available = this.packages.versions(source, fits);
    const found = this.semver.maxSatisfying(available.filter(fits), "*");
    if (found) return found;
    const newest = this.semver.maxSatisfying(available, "*");
    throw new Problem(
      `package.json asks for ${spoken} "${ranges.join(" ")}", which is not to be had;` +
        (newest ? ` the newest is ${newest}: change "engines"` : " the registry can't be reached: try again"),
    );
  }

  fetch(source, version, spoken) {
    const { place, said } = this.packages.install(source, version);
    if (place) return place;
    process.stdout.write(said);
    const missing = /ETARGET|E404|No matching version/.test(said);
    const reason = missing ? "is not to be had: ask for another version" : "could not be fetched: push again";
    throw new Problem(`${spoken} ${version}, which package.json asks for, ${reason}`);
  }

  /** Put a package into the slug and its programs on the PATH. */
  add(source, spoken, version) {
    const place = this.fetch(source, version, spoken);
    const target = path.join(this.app.root, ".calzion", spoken);
    copyTree(path.join(place, "node_modules"), target, { share: true });
    for (const program of fs.readdirSync(path.join(target, ".bin"))) {
      fs.symlinkSync(path.join("..", spoken, ".bin", program), path.join(this.bin, program));
    }
  }

  /** A program that runs a script with Node. `$HOME` is the app. */
  shim(name, script) {
    fs.writeFileSync(path.join(this.bin, name), `#!/bin/sh\nexec node "${script}" "$@"\n`, { mode: 0o755 });
  }

  /** What commands need to find all this. */
  environment(environment) {
    return { ...environment, ...this.headerSettings(), PATH: `${this.bin}:${environment.PATH}` };
  }

  /** Where node-gyp finds Node's headers, which it would download; by the name that does not make npm warn. */
  headerSettings() {
    if (!fs.existsSync(path.join(this.headers, "include/node/node.h"))) return {};
    const settings = { npm_package_config_node_gyp_nodedir: this.headers };
    const warns = this.manager.name === "npm" && parseInt(this.npm, 10) >= 11;
    return warns ? settings : { ...settings, npm_config_nodedir: this.headers };
  }
}

module.exports = { Toolchain };
