import type { Problem } from "@evident/core";
import type { CheckedLine } from "../../check/index.ts";
import type { Appended } from "../../ledger/index.ts";

/** What became of one line. */
export type Status = "stored" | "duplicate" | "quarantined";

export interface Verdict {
  readonly line: number;
  readonly id: string | undefined;
  readonly trail: string;
  readonly index: number;
  readonly status: Status;
  readonly reasons: readonly Problem[] | undefined;
  /** A `.tlog-proof`, where it was asked for and a checkpoint came in time. */
  receipt: Uint8Array | undefined;
}

/** The verdict of a line that the ledger answered `stored` or `duplicate` for. */
export function makeVerdict(checked: CheckedLine, { status, trail, index }: Appended): Verdict {
  const { line, id, kind, reasons } = checked;
  return {
    line,
    id,
    trail,
    index,
    status: status === "duplicate" ? "duplicate" : kind === "store" ? "stored" : "quarantined",
    reasons,
    receipt: undefined,
  };
}

/** One verdict as JSON. Written by hand: it is made for every line. */
export function verdictText({ line, id, trail, index, status, reasons, receipt }: Verdict): string {
  const idPart = id === undefined ? "" : `"id":${JSON.stringify(id)},`;
  const reasonPart = reasons === undefined ? "" : `,"reasons":${JSON.stringify(reasons)}`;
  const receiptPart = receipt === undefined ? "" : `,"receipt":"${Buffer.from(receipt).toString("base64")}"`;
  return `{"line":${line},${idPart}"trail":"${trail}","index":${index},"status":"${status}"${reasonPart}${receiptPart}}`;
}

/** Counts of a body's lines. `read` is the sum of the others. */
export class Summary {
  readonly #trail: string;
  accepted = 0;
  duplicates = 0;
  quarantined = 0;
  /** Lines in a source's format that are no accesses or belong to another's event. */
  skipped = 0;

  constructor(trail: string) {
    this.#trail = trail;
  }

  add(status: Status): void {
    if (status === "stored") this.accepted += 1;
    else if (status === "duplicate") this.duplicates += 1;
    else this.quarantined += 1;
  }

  toJSON(): {
    readonly read: number;
    readonly accepted: number;
    readonly duplicates: number;
    readonly folded: number;
    readonly quarantined: number;
    readonly skipped: number;
    readonly trail: string;
  } {
    const { accepted, duplicates, quarantined, skipped } = this;
    return {
      read: accepted + duplicates + quarantined + skipped,
      accepted,
      duplicates,
      folded: 0,
      quarantined,
      skipped,
      trail: this.#trail,
    };
  }
}
