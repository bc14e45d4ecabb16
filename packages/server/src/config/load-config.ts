import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { EvidentError } from "@evident/core";
import { checkObjectList } from "./check-object-list.ts";
import { checkReceivers, type Receivers, resolveReceivers } from "./check-receivers.ts";
import { type ConfigField, configFields, describeFix, isObjectList } from "./config-fields.ts";
import type { WrittenConfig } from "./config-schema.ts";
import { findBadRange, isLoopback } from "./proxy-range.ts";
import { readEnvironment, readFlags } from "./read-environment.ts";
import { readFileSettings } from "./read-file.ts";
import type { ConfigProblem, Setting } from "./setting.ts";

/** Where the server listens. `host` is an address or a name, without brackets. */
export interface ListenAddress {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
}

/** Settings ready for use: every default filled in, every path absolute. Bytes, milliseconds and counts as in the schema. */
export interface Config {
  readonly data: string;
  readonly keys: string;
  readonly vault: string;
  readonly listen: ListenAddress;
  readonly originHost: string;
  readonly behindProxy: readonly string[];
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly limits: Readonly<WrittenConfig["limits"]>;
  readonly ledger: Readonly<WrittenConfig["ledger"]>;
  readonly search: Readonly<WrittenConfig["search"]>;
  readonly receivers: Receivers;
  readonly log: Readonly<WrittenConfig["log"]>;
}

/** What `loadConfig` reads; everything is passed in so that nothing is read twice or by surprise. */
export interface ConfigSources {
  /** Configuration file. Absent: `EVIDENT_CONFIG`, else `evident.yaml` in the working directory where it exists. */
  readonly file?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Dotted path (`limits.bodyBytes`) to text; `configFlags` lists the names. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
}

const DEFAULT_FILE = "evident.yaml";

/**
 * Joins defaults, file, environment and flags, each overriding the one before, and checks the result.
 * @throws EvidentError `config_invalid` whose message has one line per problem: place, problem, fix
 */
export function loadConfig(sources: ConfigSources): Config {
  const { workingDirectory } = sources;
  const file = readFile(sources);
  const environment = readEnvironment(sources.environment, workingDirectory);
  const flags = readFlags(sources.flags, workingDirectory);
  const problems: ConfigProblem[] = [...file.problems, ...environment.problems, ...flags.problems];
  const settings = new Map<string, Setting>();
  for (const setting of [...file.settings, ...environment.settings, ...flags.settings]) {
    const field = configFields.find((each) => each.path === setting.path);
    const found = field === undefined ? [] : checkSetting(field, setting);
    if (found.length === 0) settings.set(setting.path, setting);
    else problems.push(...found);
  }
  refuse(problems);
  const config = join(settings, workingDirectory);
  refuse(checkTogether(config, settings));
  const { tls, ...rest } = config;
  return tls.cert === undefined || tls.key === undefined ? rest : { ...rest, tls: { cert: tls.cert, key: tls.key } };
}

function readFile(sources: ConfigSources): ReturnType<typeof readFileSettings> {
  const named = sources.file ?? (sources.environment["EVIDENT_CONFIG"] || undefined);
  const file = named ?? DEFAULT_FILE;
  try {
    return readFileSettings(
      file,
      readFileSync(resolve(sources.workingDirectory, file), "utf8"),
      sources.workingDirectory,
    );
  } catch (cause) {
    const missing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    if (missing && named === undefined) return { settings: [], problems: [] };
    throw new EvidentError("config_invalid", `${file} cannot be read: ${cause instanceof Error ? cause.message : ""}`, {
      cause,
      fix: "Name a file that exists and that this user may read; `evident init` writes one.",
    });
  }
}

function checkSetting(field: ConfigField, setting: Setting): readonly ConfigProblem[] {
  const { value, at } = setting;
  if (isObjectList(field)) return checkObjectList(field, setting);
  if (field.validator.Check(value)) return [];
  const shown = JSON.stringify(value)?.slice(0, 80) ?? "nothing";
  return [{ at, problem: `\`${field.path}\` cannot be ${shown}`, fix: describeFix(field) }];
}

function parseListen(text: string): ListenAddress | undefined {
  const match = /^(?:\[(?<six>[0-9a-fA-F:.]+)\]|(?<host>[A-Za-z0-9.-]+)):(?<port>\d{1,5})$/.exec(text);
  const port = Number(match?.groups?.["port"] ?? Number.NaN);
  const host = match?.groups?.["six"] ?? match?.groups?.["host"];
  if (host === undefined || !(port <= 65_535)) return undefined;
  // One address, not whatever the name means here: two servers behind one name cannot share a port that was chosen freely.
  return { host: host === "localhost" ? "127.0.0.1" : host, port };
}

interface Joined extends Omit<Config, "tls"> {
  readonly tls: { readonly cert: string | undefined; readonly key: string | undefined };
}

function join(settings: ReadonlyMap<string, Setting>, workingDirectory: string): Joined {
  const valueOf = (field: ConfigField): unknown => settings.get(field.path)?.value ?? field.schema.default;
  const section = (name: string): Record<string, unknown> =>
    Object.fromEntries(
      configFields
        .filter((field) => field.section === name)
        .map((field) => [field.path.slice(name.length + 1), valueOf(field)]),
    );
  const path = (name: string): string | undefined => {
    const setting = settings.get(name);
    return setting === undefined ? undefined : resolve(setting.directory, String(setting.value));
  };
  const top = Object.fromEntries(configFields.map((field) => [field.path, valueOf(field)]));
  const data = path("data") ?? resolve(workingDirectory, "data");
  // Each value passed its own schema above.
  return {
    data,
    keys: path("keys") ?? `${data}.keys`,
    vault: path("vault") ?? `${data}.vault`,
    listen: parseListen(String(top["listen"])) ?? { host: "", port: 0 },
    originHost: String(top["originHost"]),
    behindProxy: top["behindProxy"] as readonly string[],
    tls: { cert: path("tls.cert"), key: path("tls.key") },
    limits: section("limits") as WrittenConfig["limits"],
    ledger: section("ledger") as WrittenConfig["ledger"],
    search: section("search") as WrittenConfig["search"],
    receivers: resolveReceivers(settings.get("receivers.syslog"), settings.get("receivers.s3")),
    log: section("log") as WrittenConfig["log"],
  };
}

/** Rules that concern more than one setting, or more than its schema can say. */
function checkTogether(config: Joined, settings: ReadonlyMap<string, Setting>): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const at = (path: string): string => settings.get(path)?.at ?? "default";
  const { listen, behindProxy, tls } = config;
  if (listen.host === "") {
    const fix = "Give HOST:PORT, for example 127.0.0.1:7070 or [::1]:7070.";
    problems.push({
      at: at("listen"),
      problem: `\`listen\` cannot be ${JSON.stringify(settings.get("listen")?.value)}`,
      fix,
    });
  } else if (
    !isLoopback(listen.host) &&
    listen.host !== "localhost" &&
    tls.cert === undefined &&
    behindProxy.length === 0
  ) {
    problems.push({
      at: at("listen"),
      problem: `\`listen\` ${listen.host}:${listen.port} is reachable from outside, and neither \`tls\` nor \`behindProxy\` is set`,
      fix: "Set `tls.cert` and `tls.key`, or name the proxies that end TLS in `behindProxy`, or listen on 127.0.0.1.",
    });
  }
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    const missing = tls.cert === undefined ? "tls.cert" : "tls.key";
    const given = tls.cert === undefined ? "tls.key" : "tls.cert";
    problems.push({
      at: at(given),
      problem: `\`${given}\` is set without \`${missing}\``,
      fix: `Set \`${missing}\` too.`,
    });
  }
  const badRange = findBadRange(behindProxy);
  if (badRange !== undefined) {
    const problem = `\`behindProxy\` has ${JSON.stringify(badRange.slice(0, 80))}`;
    problems.push({ at: at("behindProxy"), problem, fix: "Give IP addresses or CIDR ranges, for example 10.0.0.0/8." });
  }
  problems.push(...checkReceivers(config, at));
  if (new Set([config.data, config.keys, config.vault]).size < 3) {
    const problem = "`data`, `keys` and `vault` must be three directories";
    problems.push({
      at: at("keys"),
      problem,
      fix: "Give each its own path; keys and vault are backed up apart from the data.",
    });
  }
  return problems;
}

function refuse(problems: readonly ConfigProblem[]): void {
  if (problems.length === 0) return;
  const [first] = problems;
  const message = problems.map(({ at, problem, fix }) => `${at}: ${problem}. ${fix}`).join("\n");
  throw new EvidentError(
    "config_invalid",
    message,
    problems.length === 1 && first !== undefined ? { fix: first.fix } : {},
  );
}
