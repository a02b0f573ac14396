"use strict";
const path = require("path");

const QUIET = ["--non-interactive", "--ignore-engines", "--prefer-offline"];

/** Yarn 1 as data. Engines of dependencies are not checked: it would refuse what runs well. */
module.exports = {
  files: ["yarn.lock", ".yarnrc", ".npmrc"],
  lifecycle: ["preinstall", "install", "postinstall", "prepublish", "prepare"],

  isLocked: (app) => app.has("yarn.lock"),

  settings: (cache) => ({ YARN_CACHE_FOLDER: path.join(cache, "yarn"), YARN_IGNORE_PATH: "1" }),

  install: ({ locked, development }) => [
    ["yarn", "install", ...QUIET, `--production=${!development}`, ...(locked ? ["--frozen-lockfile"] : [])],
  ],

  prune: () => [["yarn", "install", ...QUIET, "--production=true", "--ignore-scripts", "--frozen-lockfile"]],

  run: (script) => ["yarn", "run", script],

  keeps: () => [],
};
