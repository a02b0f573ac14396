"use strict";
const fs = require("fs");
const path = require("path");

const BUILTIN = /^(?:cd|command|echo|exec|exit|export|if|for|set|source|test|time|trap|umask|unset|until|wait|while)$/;

/** The process types of an app without a Procfile. `program` is how its package manager runs the start script. */
function processTypes(app, manager) {
  const { start, prestart, poststart } = app.manifest.scripts;
  if (start === undefined) return app.has("server.js") ? { web: "node server.js" } : {};
  const byManager = prestart || poststart || app.has(".pnp.cjs") || start.includes("\n");
  return { web: byManager ? `${manager === "berry" ? "yarn" : manager} start` : start };
}

/** The sentence for an app that nobody can start; null for others, and where a build may make files to be served. */
function nothingToRun(app) {
  if (app.has("Procfile") || app.script("start") !== undefined || app.has("server.js")) return null;
  if (app.script("build") !== undefined || app.script("heroku-postbuild") !== undefined) return null;
  return (
    "no start script, no Procfile and no server.js: nothing says how to start this app. Add" +
    ' "start": "node FILE" to the scripts of package.json, or give the service a \'cmd\''
  );
}

/** The sentence for a start script whose program went with the development dependencies; null for others. */
function missingProgram(app, search) {
  const [name] = (app.script("start") || "").trim().split(/\s+/);
  if (!/^[a-z][\w.@-]*$/i.test(name) || BUILTIN.test(name) || app.has(".pnp.cjs") || app.has("Procfile")) return null;
  const places = [path.join(app.root, "node_modules/.bin"), ...search.split(":")];
  if (places.some((directory) => fs.existsSync(path.join(directory, name)))) return null;
  return (
    `the start script runs ${name}, which is not installed: development dependencies are removed after the build;` +
    ` move the package that brings it to "dependencies"${inProduction(app)}`
  );
}

/** The other way for an app that has a script of its own for production. */
function inProduction(app) {
  return app.script("start:prod") === undefined ? "" : ", or add a Procfile with 'web: npm run start:prod'";
}

/** Whether it is a Next.js app that reads a configuration in TypeScript each time it starts. */
function startsFromTypeScript(app) {
  return app.has("next.config.ts") && app.has("node_modules/next");
}

/** The sentence for a Next.js app whose configuration can't be read at run time; null for others. */
function missingTypeScript(app) {
  if (!startsFromTypeScript(app) || app.has("node_modules/typescript")) return null;
  return (
    "next.config.ts needs TypeScript when the app starts, and it is not installed: move typescript to" +
    ' "dependencies", or rename the file to next.config.mjs'
  );
}

module.exports = { missingProgram, missingTypeScript, nothingToRun, processTypes, startsFromTypeScript };
