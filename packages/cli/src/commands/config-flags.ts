import type { Config } from "@evident/server";
import type { Flag, Flags, FlagValues, Io } from "../command/index.ts";

const CONFIG_FLAG: Flag = {
  kind: "text",
  value: "FILE",
  summary: "Configuration file. Default: EVIDENT_CONFIG, else evident.yaml where it exists.",
};

/** A description up to the sentence that states the default, which is what fits into a help text; docs/config.md has the whole. */
function upToDefault(text: string): string {
  const sentences = text.split(/(?<=\.) (?=[A-Z])/);
  const last = sentences.findIndex((sentence) => sentence.startsWith("Default"));
  return sentences.slice(0, last + 1 || 1).join(" ");
}

/** Flags of the verbs that open a data directory: `--config` and one per setting, all of them or only those named. */
export async function settingFlags(only?: readonly string[]): Promise<Flags> {
  const { configFlags } = await import("@evident/server");
  const settings = configFlags
    .filter(({ path }) => only === undefined || only.includes(path))
    .map(({ flag, description }) => {
      const value = flag.split("-").at(-1)?.toUpperCase() ?? "VALUE";
      return [flag.slice(2), { kind: "text", value, summary: upToDefault(description) }] as const;
    });
  return { config: CONFIG_FLAG, ...Object.fromEntries(settings) };
}

/** The configuration from file, environment and the flags of `settingFlags`. @throws EvidentError `config_invalid` */
export async function readConfig(flags: FlagValues<Flags>, io: Io): Promise<Config> {
  const { configFlags, loadConfig } = await import("@evident/server");
  const text = (value: FlagValues<Flags>[string]): string | undefined =>
    typeof value === "string" ? value : undefined;
  const given = configFlags.map(({ flag, path }) => [path, text(flags[flag.slice(2)])] as const);
  const file = text(flags["config"]);
  return loadConfig({
    ...(file === undefined ? {} : { file }),
    environment: io.env,
    flags: Object.fromEntries(given),
    workingDirectory: io.workingDirectory,
  });
}
