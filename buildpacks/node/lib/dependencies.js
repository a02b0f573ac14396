"use strict";
const fs = require("fs");
const path = require("path");
const { Cache, keyOf } = require("./cache");
const { registrySettings, wantedDependencies } = require("./environment");
const { entries, installed, removed } = require("./modules");
const { tell } = require("./problem");
const { startsFromTypeScript } = require("./release");
const { run } = require("./run");

const BUILD_SCRIPTS = ["heroku-prebuild", "heroku-postbuild", "build"];

/** The dependencies of an app: installed or taken from the cache, and in the end without those for development. */
class Dependencies {
  constructor({ app, toolchain, variables, environment, cache }) {
    const data = require(`./managers/${toolchain.manager.name}`);
    this.app = app;
    this.manager = { ...data, ...toolchain.manager };
    const registry = this.manager.name === "npm" ? {} : registrySettings(environment, app);
    this.environment = toolchain.environment({ ...environment, ...registry, ...data.settings(cache, app) });
    this.cache = new Cache(path.join(cache, "node"), app.root);
    this.wanted = wantedDependencies(variables, this.manager.name);
    this.scripts = this.manager.lifecycle.filter((name) => app.script(name));
    this.builds = BUILD_SCRIPTS.some((name) => app.script(name));
    this.locked = Boolean(this.manager.isLocked(app, variables));
    const { node, npm } = toolchain;
    this.key = keyOf({ app, manager: this.manager, node, npm, variables, development: this.development });
  }

  /** Development dependencies are installed where a script of the app runs that may need them. */
  get development() {
    return this.wanted === "all" || (this.wanted === "build" && (this.builds || this.scripts.length > 0));
  }

  /** The key says all only where no other file of the source takes part. */
  get isCacheable() {
    const [, ...members] = this.app.manifests();
    const runs = members.some((manifest) => this.manager.lifecycle.some((name) => manifest.scripts[name]));
    return !runs && !this.app.usesLocalFiles;
  }

  /** Scripts of the app may write into files that would otherwise be shared with the cache. */
  get share() {
    return !this.builds && !this.scripts.length;
  }

  async install() {
    if (!this.app.hasDependencies && !this.scripts.length && !this.manager.alwaysInstalls) return;
    this.removeCommitted();
    const differences = this.isCacheable ? this.cache.differences(this.key) : ["local packages"];
    if (!differences.length) return this.restore();
    if (this.cache.known) tell(`installed anew: ${differences.join(", ")} changed`);
    await this.installAnew();
  }

  removeCommitted() {
    const names = installed(this.app, []);
    if (!names.length) return;
    tell(`${names[0]} is committed and not used: run 'git rm -r --cached ${names[0]}' and add it to .gitignore`);
    for (const name of names) fs.rmSync(path.join(this.app.root, name), { recursive: true });
  }

  /** What scripts of the app did outside of node_modules is not in the cache: they run again. */
  async restore() {
    tell("dependencies are unchanged: taken from the cache");
    this.cache.restore(this);
    for (const name of this.scripts) await this.run(this.manager.run(name));
  }

  async installAnew() {
    this.cache.drop();
    if (!this.locked) tell(`no lock file: the newest versions that fit are installed; commit one to keep them`);
    const { locked, development } = this;
    for (const words of this.manager.install({ locked, development, version: this.manager.version })) {
      tell(`running ${words.slice(0, 2).join(" ")}`);
      await this.run(words);
    }
    const written = this.locked ? [] : this.manager.files.slice(0, 1);
    const keeps = [...written, ...this.manager.keeps(this.app)];
    if (this.isCacheable) this.cache.save(this.key, installed(this.app, keeps), this);
  }

  async prune() {
    if (this.wanted !== "build" || !this.development || !this.hasDevelopment) return;
    if (startsFromTypeScript(this.app) && this.app.has("node_modules/typescript")) {
      tell("development dependencies stay: next.config.ts needs TypeScript when the app starts");
      return;
    }
    if (this.cache.known && this.cache.known.pruned) return this.removePruned(this.cache.known.pruned);
    const commands = this.manager.prune({ version: this.manager.version, app: this.app });
    if (!commands) {
      const { version } = this.manager;
      tell(`development dependencies stay: yarn ${version} needs its plugin workspace-tools to remove them`);
      return;
    }
    const before = this.entries();
    tell("removing development dependencies");
    for (const words of commands) await this.run(words);
    const gone = removed(before, this.entries());
    if (gone && this.app.has("node_modules")) this.cache.remember(gone);
  }

  get hasDevelopment() {
    return this.app.manifests().some((manifest) => Object.keys(manifest.devDependencies || {}).length > 0);
  }

  entries() {
    return entries(this.app.root, installed(this.app, []));
  }

  removePruned(names) {
    for (const name of names) fs.rmSync(path.join(this.app.root, name), { recursive: true, force: true });
  }

  async run(words) {
    await run(words, { cwd: this.app.root, env: this.environment });
  }
}

module.exports = { Dependencies };
