"use strict";
const path = require("path");

/** Keeps pnpm from asking before it removes node_modules, and from keeping for a week what nobody needs any more. */
const ALONE = ["env", "CI=true", "npm_config_modules_cache_max_age=0", "pnpm_config_modules_cache_max_age=0"];

/** pnpm as data. */
module.exports = {
  files: ["pnpm-lock.yaml", "pnpm-workspace.yaml", ".npmrc", ".pnpmfile.cjs", ".pnpmfile.mjs"],
  lifecycle: ["preinstall", "install", "postinstall", "prepare"],

  isLocked: (app) => app.has("pnpm-lock.yaml"),

  settings: (cache) => ({
    npm_config_store_dir: path.join(cache, "pnpm"),
    pnpm_config_store_dir: path.join(cache, "pnpm"),
    npm_config_manage_package_manager_versions: "false",
    pnpm_config_pm_on_fail: "ignore",
  }),

  install: ({ locked, development }) => [
    ["pnpm", "install", development ? "--prod=false" : "--prod", locked ? "--frozen-lockfile" : "--no-frozen-lockfile"],
  ],

  /** `pnpm prune` leaves members alone. */
  prune: ({ app }) => [
    app.isMonorepo
      ? [...ALONE, "pnpm", "install", "--prod", "--frozen-lockfile", "--offline", "--ignore-scripts"]
      : [...ALONE, "pnpm", "prune", "--prod", "--ignore-scripts"],
  ],

  run: (script) => ["pnpm", "run", script],

  keeps: () => [],
};
