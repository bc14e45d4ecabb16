import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { defineCommand } from "../command/index.ts";
import { fileError } from "../files/index.ts";

const DEFAULT_FILE = "evident.yaml";

/** `evident init`: a configuration file to edit. */
export const init = defineCommand({
  name: "init",
  summary: "Write a commented configuration file.",
  about:
    "Every setting with its default, commented out. The server reads evident.yaml in its working directory by itself.",
  examples: [
    { line: "evident init", does: "Writes ./evident.yaml; an existing file is kept." },
    {
      line: "evident init --out /etc/evident.yaml",
      does: "Elsewhere; start with evident serve --config /etc/evident.yaml.",
    },
  ],
  exits: { 11: "the file exists" },
  flags: {
    out: { kind: "text", value: "FILE", summary: `Where to write, - for stdout. Default: ${DEFAULT_FILE}.` },
    force: { kind: "switch", summary: "Write over a file that is there." },
  },
  async run({ flags, io }) {
    const { renderCommentedConfig } = await import("@evident/server");
    const text = renderCommentedConfig();
    const file = flags.out ?? DEFAULT_FILE;
    if (file === "-") {
      void io.out.write(text);
      return 0;
    }
    try {
      writeFileSync(resolve(io.workingDirectory, file), text, { flag: flags.force ? "w" : "wx" });
    } catch (cause) {
      throw fileError(file, cause);
    }
    if (flags.json) void io.out.json({ file });
    else void io.out.line(`${file} written: take the # away from what you want to change, then run evident serve`);
    return 0;
  },
});
