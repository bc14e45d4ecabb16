import { type Adapter, adapters as all, findAdapters, listAdapterOptions } from "@evident/server";
import { defineCommand, type Io } from "../command/index.ts";
import { renderTable } from "../terminal/index.ts";

function describe(adapter: Adapter): object {
  const { name, title, framing } = adapter;
  return { name, title, reads: framing.kind, options: listAdapterOptions(adapter) };
}

function printAdapter({ out }: Io, adapter: Adapter): void {
  void out.line(`${out.style("bold", adapter.name)}  ${adapter.title}`);
  const options = listAdapterOptions(adapter);
  if (options.length === 0) void out.line("It has no options.");
  for (const { name, type, description, default: fallback } of options) {
    const value = fallback === undefined ? type : `${type}, default ${JSON.stringify(fallback)}`;
    void out.line(`\n  --option ${name}=…  (${value})`);
    void out.line(`    ${description}`);
  }
}

/** `evident adapters`: the formats that are read. */
export const adapters = defineCommand({
  name: "adapters",
  summary: "List the formats of logs that are read, and their options.",
  operands: { usage: "[FORMAT]", least: 0, most: 1 },
  examples: [
    { line: "evident adapters", does: "Every format." },
    { line: "evident adapters nginx", does: "The options of one." },
  ],
  flags: {},
  run({ flags, operands, io }) {
    const [name] = operands;
    const chosen = name === undefined ? all : findAdapters(name);
    if (flags.json) void io.out.json(chosen.map(describe));
    else if (name !== undefined) for (const adapter of chosen) printAdapter(io, adapter);
    else {
      const rows = chosen.map((adapter) => [adapter.name, adapter.title]);
      void io.out.line(renderTable(["FORMAT", "READS"], rows, { styleHead: (text) => io.out.style("bold", text) }));
    }
    return Promise.resolve(0);
  },
});
