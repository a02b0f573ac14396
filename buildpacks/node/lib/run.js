"use strict";
const { spawn } = require("child_process");
const { Problem } = require("./problem");
const { recognise } = require("./failures");

const REMEMBERED = 256 * 1024;

/** A command that failed for a reason nobody recognised. */
class Failed extends Error {
  constructor(status) {
    super(`exit status ${status}`);
    this.status = status;
  }
}

/** Run a command to its end, its output shown as it comes. Throws a Problem for a known failure, else Failed. */
async function run(words, { cwd, env }) {
  const { status, output } = await ended(words, cwd, env);
  if (status === 0) return;
  const sentence = recognise(output);
  throw sentence ? new Problem(sentence) : new Failed(status);
}

/** One pipe for both of the child's outputs keeps their order. */
function ended(words, cwd, env) {
  return new Promise((resolve, reject) => {
    const arguments_ = ["-c", 'exec "$@" 2>&1', "sh", ...words];
    const child = spawn("/bin/sh", arguments_, { cwd, env, stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk) => {
      process.stdout.write(chunk);
      output = (output + chunk.toString("utf8")).slice(-REMEMBERED);
    });
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ status: signal ? 1 : code, output }));
  });
}

module.exports = { Failed, run };
