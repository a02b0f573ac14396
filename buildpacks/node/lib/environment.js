"use strict";
const fs = require("fs");
const path = require("path");

/** Variables of the application that would break the tools. */
const KEPT_OUT = new Set(
  ("PATH HOME CPATH CPPATH LD_PRELOAD LD_LIBRARY_PATH LIBRARY_PATH NODE_PATH GIT_DIR IFS BASH_ENV ENV").split(" "),
);
const PRODUCTION = ["NPM_CONFIG_PRODUCTION", "YARN_PRODUCTION"];
const SKIP_PRUNING = ["YARN2_SKIP_PRUNING", "PNPM_SKIP_PRUNING", "NPM_SKIP_PRUNING"];

/** The variables that the build's environment directory holds, one a file. */
function readVariables(directory) {
  const names = fs.readdirSync(directory).filter((name) => /^[A-Za-z_]\w*$/.test(name) && !KEPT_OUT.has(name));
  return Object.fromEntries(names.map((name) => [name, fs.readFileSync(path.join(directory, name), "utf8")]));
}

/** Which dependencies are asked for: "all" for good, "production" alone, or "build": development ones meanwhile. */
function wantedDependencies(variables, manager) {
  const said = (name) => String(variables[name] || "").trim().toLowerCase();
  const own = manager === "npm" ? "NPM_CONFIG_PRODUCTION" : "YARN_PRODUCTION";
  if (said(own) === "true") return "production";
  const development = said("NODE_ENV") && said("NODE_ENV") !== "production";
  const keeps = PRODUCTION.some((name) => said(name) === "false") || SKIP_PRUNING.some((name) => said(name) === "true");
  return development || keeps ? "all" : "build";
}

/** The environment of every command of the build. What asks for dependencies is told the managers by options. */
function buildEnvironment(variables, cache) {
  const environment = { NODE_ENV: "production", ...process.env, ...variables, PATH: process.env.PATH };
  for (const name of Object.keys(environment)) {
    if (/^(npm_config|yarn)_production$/i.test(name)) delete environment[name];
  }
  return {
    npm_config_loglevel: "warn",
    ...environment,
    ...proxySettings(environment),
    npm_config_cache: path.join(cache, "npm"),
    npm_config_update_notifier: "false",
    npm_config_fund: "false",
    npm_config_audit: "false",
    npm_config_progress: "false",
    COREPACK_ENABLE_STRICT: "0",
    COREPACK_ENABLE_DOWNLOAD_PROMPT: "0",
  };
}

/**
 * What npm's global configuration says of the registry, as variables for managers that don't read it. Variables beat an
 * app's own files, so where these name a registry there is nothing to say.
 */
function registrySettings(environment, app) {
  const files = [".npmrc", ".yarnrc", ".yarnrc.yml"].map((file) => app.read(file));
  if (files.some((text) => /^\s*(?:registry|npmRegistryServer)\b/m.test(text))) return {};
  const settings = {};
  for (const [, key, value] of globalConfiguration(environment).matchAll(/^\s*(registry|cafile)\s*=\s*(\S+)\s*$/gm)) {
    settings[`npm_config_${key}`] = value;
  }
  const registry = environment.npm_config_registry || environment.NPM_CONFIG_REGISTRY || settings.npm_config_registry;
  return registry ? { ...settings, npm_config_registry: registry, YARN_NPM_REGISTRY_SERVER: registry } : settings;
}

/** The proxies by the names that Yarn reads. */
function proxySettings(environment) {
  const settings = {};
  for (const name of ["HTTP_PROXY", "HTTPS_PROXY"]) {
    const value = environment[name] || environment[name.toLowerCase()];
    if (value && !environment[`YARN_${name}`]) settings[`YARN_${name}`] = value;
  }
  return settings;
}

function globalConfiguration(environment) {
  try {
    return fs.readFileSync(environment.NPM_CONFIG_GLOBALCONFIG, "utf8");
  } catch {
    return "";
  }
}

module.exports = { buildEnvironment, readVariables, registrySettings, wantedDependencies };
