"use strict";
const fs = require("fs");
const path = require("path");
const { App } = require("./app");
const { buildEnvironment, readVariables } = require("./environment");
const { Dependencies } = require("./dependencies");
const { Kept } = require("./kept");
const { Problem, tell } = require("./problem");
const { missingProgram, missingTypeScript, nothingToRun, processTypes } = require("./release");
const { Failed, run } = require("./run");
const { Toolchain } = require("./toolchain");

/**
 * Builds an app with the package manager that its lock file names, on the Node that it asks for: installs, runs the build
 * script, removes development dependencies. The order and names of scripts are Heroku's.
 */
async function compile(root, cache, variables) {
  const app = new App(root);
  const environment = buildEnvironment(variables, cache);
  const toolchain = new Toolchain(app, path.join(cache, "node"), environment);
  const unstartable = nothingToRun(app);
  if (unstartable) tell(unstartable);
  toolchain.provide();
  toolchain.told.forEach(tell);

  const dependencies = new Dependencies({ app, toolchain, variables, environment, cache });
  const kept = new Kept(app, path.join(cache, "node"));
  const script = (name) => runScript(app, dependencies, name);
  await script("heroku-prebuild");
  await dependencies.install();
  kept.restore();
  await script(app.script("heroku-postbuild") === undefined ? "build" : "heroku-postbuild");
  kept.save();
  await dependencies.prune();
  await script("heroku-cleanup");
  [missingProgram(app, dependencies.environment.PATH), missingTypeScript(app)].filter(Boolean).forEach(tell);
  write(app, toolchain.manager.name);
}

async function runScript(app, { manager, environment }, name) {
  if (!app.script(name)) return;
  tell(`running the ${name} script`);
  await run(manager.run(name), { cwd: app.root, env: environment });
}

function write(app, manager) {
  const release = { default_process_types: processTypes(app, manager) };
  fs.writeFileSync(path.join(app.root, ".calzion/release.yml"), `${JSON.stringify(release)}\n`);
  fs.mkdirSync(path.join(app.root, ".profile.d"), { recursive: true });
  fs.copyFileSync(path.join(__dirname, "../profile/node.sh"), path.join(app.root, ".profile.d/node.sh"));
}

async function main([root, cache, directory]) {
  try {
    await compile(root, cache, readVariables(directory));
  } catch (error) {
    if (error instanceof Problem) tell(` ! ${error.message}`);
    else if (!(error instanceof Failed)) throw error;
    process.exitCode = error.status || 1;
  }
}

main(process.argv.slice(2));
