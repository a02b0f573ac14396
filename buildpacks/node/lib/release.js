"use strict";

/** The process types of an app without a Procfile. `program` is how its package manager runs the start script. */
function processTypes(app, manager) {
  const { start, prestart, poststart } = app.manifest.scripts;
  if (start === undefined) return app.has("server.js") ? { web: "node server.js" } : {};
  const byManager = prestart || poststart || app.has(".pnp.cjs") || start.includes("\n");
  return { web: byManager ? `${manager === "berry" ? "yarn" : manager} start` : start };
}

/** The sentence for an app that nobody can start; null for others. */
function nothingToRun(app) {
  if (app.has("Procfile") || app.script("start") !== undefined || app.has("server.js")) return null;
  return (
    "no start script, no Procfile and no server.js: nothing says how to start this app. Add" +
    ' "start": "node FILE" to the scripts of package.json, or give the service a \'cmd\''
  );
}

module.exports = { nothingToRun, processTypes };
