"use strict";
const path = require("path");

const PLUG_AND_PLAY = [".pnp.cjs", ".pnp.js", ".pnp.loader.mjs", ".yarn/unplugged"];

/** Yarn 2 and later as data. Without node_modules the packages lie in .yarn/cache, which becomes part of the slug. */
module.exports = {
  files: ["yarn.lock", ".yarnrc.yml", ".pnp.cjs"],
  lifecycle: ["preinstall", "install", "postinstall"],
  alwaysInstalls: true,

  isLocked: (app) => app.has("yarn.lock"),

  settings: (cache, app) => ({
    YARN_ENABLE_TELEMETRY: "0",
    YARN_ENABLE_PROGRESS_BARS: "false",
    YARN_ENABLE_HYPERLINKS: "false",
    YARN_GLOBAL_FOLDER: path.join(cache, "berry"),
    YARN_ENABLE_GLOBAL_CACHE: String(hasModules(app) && !app.commitsPackages),
    YARN_IGNORE_PATH: "1",
  }),

  install: ({ locked }) => [["yarn", "install", locked ? "--immutable" : "--no-immutable"]],

  prune: ({ version, app }) => {
    const able = parseInt(version, 10) >= 4 || app.read(".yarnrc.yml").includes("plugin-workspace-tools");
    return able ? [["yarn", "workspaces", "focus", "--all", "--production"]] : null;
  },

  run: (script) => ["yarn", "run", script],

  keeps: (app) => {
    const packages = hasModules(app) ? [] : [...PLUG_AND_PLAY, ...(app.commitsPackages ? [] : [".yarn/cache"])];
    return [".yarn/install-state.gz", ...packages];
  },
};

function hasModules(app) {
  return /^nodeLinker: *['"]?(node-modules|pnpm)/m.test(app.read(".yarnrc.yml"));
}
