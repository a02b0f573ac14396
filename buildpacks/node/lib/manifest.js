"use strict";
const fs = require("fs");
const path = require("path");
const { Problem } = require("./problem");

const GROUPS = ["dependencies", "devDependencies", "optionalDependencies"];
const CONFLICT = /^(?:<{7} |>{7} )/m;

/** The package.json of a directory; `name` is what to call it. Throws a Problem that names the line. */
function readManifest(directory, name = "package.json") {
  const text = fs.readFileSync(path.join(directory, "package.json"), "utf8").replace(/^\uFEFF/, "");
  return checkShape(parse(text, name), name);
}

function parse(text, name) {
  const conflict = conflictLine(text);
  if (conflict) throw new Problem(`${name}:${conflict} holds a merge conflict: resolve it and commit`);
  try {
    return JSON.parse(text);
  } catch (error) {
    const line = text.slice(0, position(text, error)).split("\n").length;
    throw new Problem(`${name}:${line} is no JSON (${reason(error)}): correct it and commit`);
  }
}

/** The line at which git left a conflict; 0 where there is none. */
function conflictLine(text) {
  const found = CONFLICT.exec(text);
  return found ? text.slice(0, found.index).split("\n").length : 0;
}

/** Where parsing failed: JSON.parse says it for some errors only. */
function position(text, error) {
  const said = / at position (\d+)/.exec(error.message);
  return said ? Number(said[1]) : firstBadToken(text);
}

/** The shortest beginning of the text that has an unexpected token ends with it. */
function firstBadToken(text) {
  let good = 0;
  let bad = text.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (hasBadToken(text.slice(0, middle))) bad = middle;
    else good = middle;
  }
  return hasBadToken(text) ? bad - 1 : text.length;
}

function hasBadToken(text) {
  try {
    JSON.parse(text);
    return false;
  } catch (error) {
    return error.message.startsWith("Unexpected token");
  }
}

function reason(error) {
  return error.message.replace(/, (\.\.\.)?".*$/s, "").replace(/ in JSON.*$/s, "").replace(/ JSON input$/, "");
}

function checkShape(manifest, name) {
  if (!isMapping(manifest)) throw new Problem(`${name} is no JSON object: begin it with '{'`);
  for (const field of [...GROUPS, "scripts", "engines"]) {
    const value = manifest[field] === undefined || manifest[field] === null ? {} : manifest[field];
    if (!isMapping(value)) {
      if (field !== "engines") throw new Problem(`${name}: "${field}" is no object of names and texts: correct it`);
      manifest[field] = {};
    } else manifest[field] = texts(value);
  }
  return manifest;
}

function isMapping(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function texts(mapping) {
  return Object.fromEntries(Object.entries(mapping).filter(([, value]) => typeof value === "string"));
}

module.exports = { GROUPS, conflictLine, readManifest };
