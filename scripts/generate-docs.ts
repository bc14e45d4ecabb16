import { writeFileSync } from "node:fs";
import { errors } from "@evident/core";
import { mappingJsonSchema, renderConfigDocs } from "@evident/server";

const ERRORS_INTRODUCTION = `# Errors

<!-- Generated from packages/core/src/errors/table.ts by scripts/generate-docs.ts: change the table, not this page. -->

One table for HTTP, the command line and the log. The code is the contract and does not change; the message names the values. Over HTTP
an error is a problem document (RFC 9457, \`application/problem+json\`):

\`\`\`json
{
  "type": "/errors#forbidden",
  "title": "Forbidden",
  "status": 403,
  "code": "forbidden",
  "detail": "a key with the role reader may not create trails",
  "fix": "Use a key whose role and trails allow this.",
  "errors": [{ "field": "limit", "problem": "must be <= 10000", "fix": "Correct it." }]
}
\`\`\`

\`errors\` is there where single fields are wrong. \`evident\` exits with the number in the third column; 0 to 3 are its verdicts: fine,
verification failed, usage, verified with gaps.
`;

/** The text of `docs/errors.md`. */
export function renderErrorDocs(): string {
  const rows = Object.entries(errors).map(
    ([code, { status, exit, fix }]) => `| \`${code}\` | ${status} | ${exit} | ${fix.replaceAll("|", "\\|")} |`,
  );
  return `${ERRORS_INTRODUCTION}\n| code | status | exit | what to do |\n|---|---|---|---|\n${rows.join("\n")}\n`;
}

/** Every generated page by its path below the repository. */
export const generatedDocs: Readonly<Record<string, () => string>> = {
  "docs/adapters/json-mapping.schema.json": () => `${JSON.stringify(mappingJsonSchema(), null, 2)}\n`,
  "docs/config.md": renderConfigDocs,
  "docs/errors.md": renderErrorDocs,
};

if (import.meta.main) {
  for (const [path, render] of Object.entries(generatedDocs)) writeFileSync(path, render());
}
