// Prints words on a package.json: dependencies, development (dependencies), build, plain (its content alone decides what
// is installed). Writes what bin/release says.
"use strict";
const fs = require("fs");
const path = require("path");

const build = process.argv[2];
let manifest;
try {
  manifest = JSON.parse(fs.readFileSync(path.join(build, "package.json"), "utf8").replace(/^\uFEFF/, ""));
} catch (error) {
  console.error(`package.json: ${error.message}`);
  process.exit(1);
}
const scripts = manifest.scripts || {};
const groups = ["dependencies", "devDependencies", "optionalDependencies"];
const wanted = groups.flatMap((group) => Object.values(manifest[group] || {}));
const local = wanted.some((version) => /^(file|link|workspace):|^[./~]/.test(String(version)));
const installs = ["preinstall", "install", "postinstall", "prepare"].some((name) => scripts[name]);

const facts = [];
if (wanted.length || manifest.workspaces) facts.push("dependencies");
if (Object.keys(manifest.devDependencies || {}).length) facts.push("development");
if (scripts.build) facts.push("build");
if (!local && !installs && !manifest.workspaces) facts.push("plain");
console.log(facts.join(" "));

let web = "";
if (typeof scripts.start === "string") web = scripts.prestart || scripts.poststart ? "npm start" : scripts.start;
else if (fs.existsSync(path.join(build, "server.js"))) web = "node server.js";
const types = web ? { web } : {};
fs.writeFileSync(path.join(build, ".calzion", "release.yml"), JSON.stringify({ default_process_types: types }) + "\n");
