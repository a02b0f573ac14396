"use strict";
const { execFileSync } = require("child_process");
const fs = require("fs");
const path = require("path");
const { copyTree } = require("./packages");

const NEXT = ".next/cache";

/**
 * What build scripts leave for the next build: the directories that `cacheDirectories` of package.json lists, as on
 * Heroku, and the cache of Next.js, which does not become part of the slug.
 */
class Kept {
  constructor(app, directory) {
    this.app = app;
    this.directory = path.join(directory, "kept");
    const listed = [app.manifest.cacheDirectories || app.manifest.cache_directories || []].flat();
    this.names = listed.filter(isInside).map((name) => path.normalize(name).replace(/\/$/, ""));
  }

  restore() {
    for (const name of [...this.names, NEXT]) {
      const kept = path.join(this.directory, name);
      if (fs.existsSync(kept) && !this.app.has(name)) copyTree(kept, path.join(this.app.root, name), { share: false });
    }
  }

  save() {
    fs.rmSync(this.directory, { recursive: true, force: true });
    for (const name of this.names.filter((each) => this.app.has(each))) {
      copyTree(path.join(this.app.root, name), path.join(this.directory, name), { share: false });
    }
    if (this.app.has(NEXT)) {
      fs.mkdirSync(path.join(this.directory, path.dirname(NEXT)), { recursive: true });
      fs.rmSync(path.join(this.directory, NEXT), { recursive: true, force: true });
      execFileSync("mv", ["--", path.join(this.app.root, NEXT), path.join(this.directory, NEXT)]);
    }
  }
}

/** Directories of the app other than node_modules, which are cached by what they are made from. */
function isInside(name) {
  if (typeof name !== "string" || path.isAbsolute(name)) return false;
  const parts = path.normalize(name).split("/");
  return parts[0] !== "." && !parts.includes("..") && !parts.includes("node_modules");
}

module.exports = { Kept };
