import type { FastifyReply } from "fastify";
import type { BodyShape } from "../../capture/index.ts";
import { beginStream, type Pace, PacedWriter } from "../app/index.ts";
import { makeProblem, PROBLEM_TYPE, type Problem } from "../problems/index.ts";
import type { IngestStep } from "./ingest-body.ts";
import { type Status, Summary, verdictText } from "./verdict.ts";

const statusOf: Readonly<Record<Status, number>> = { stored: 201, duplicate: 200, quarantined: 422 };
const JSON_TYPE = "application/json; charset=utf-8";
const NDJSON_TYPE = "application/x-ndjson; charset=utf-8";

/**
 * Turns the steps of an ingest into the answer: one object, an array of results or a result a line, streamed as they come, or only the
 * counts. A failure before anything was stored is thrown and becomes a problem document. Later, lines and arrays end with it, since their
 * status is sent; counts become a problem document that carries them.
 */
export class IngestAnswer {
  readonly #reply: FastifyReply;
  readonly #pace: Pace;
  readonly #summaryOnly: boolean;
  readonly #summary: Summary;
  readonly #requestId: string;
  #writer: PacedWriter | undefined;
  #shape: BodyShape | undefined;
  #results = 0;
  #problem: Problem | undefined;

  constructor(
    reply: FastifyReply,
    options: { readonly pace: Pace; readonly summaryOnly: boolean; readonly trail: string },
  ) {
    this.#reply = reply;
    this.#pace = options.pace;
    this.#summaryOnly = options.summaryOnly;
    this.#summary = new Summary(options.trail);
    this.#requestId = reply.request.id;
  }

  get summary(): Summary {
    return this.#summary;
  }

  /** True when the client has gone or takes no answers: reading on would store lines nobody hears of. */
  get isAbandoned(): boolean {
    return this.#writer?.end !== undefined || this.#reply.raw.destroyed;
  }

  async take(step: IngestStep): Promise<void> {
    this.#shape ??= step.shape;
    if (step.kind === "failed") {
      await this.#fail(step);
      return;
    }
    for (const { status } of step.verdicts) this.#summary.add(status);
    if (this.#summaryOnly) return;
    if (this.#shape === "object") {
      const [verdict] = step.verdicts;
      if (verdict !== undefined) this.#reply.code(statusOf[verdict.status]).type(JSON_TYPE).send(verdictText(verdict));
      return;
    }
    const isArray = this.#shape === "array";
    let text = "";
    for (const verdict of step.verdicts) {
      if (isArray && this.#results > 0) text += ",";
      text += verdictText(verdict);
      if (!isArray) text += "\n";
      this.#results += 1;
    }
    if (text !== "") await this.#write(text);
  }

  /** True when the client was dropped because it takes no answers. */
  get hasStalled(): boolean {
    return this.#writer?.end === "stalled";
  }

  /** Ends the answer. A body that had no lines and did not fail was an empty array. */
  async finish(): Promise<void> {
    if (this.#summaryOnly) {
      const summary = JSON.stringify(this.#summary);
      if (this.#problem === undefined) this.#reply.type(JSON_TYPE).send(summary);
      else {
        const text = JSON.stringify(this.#problem);
        this.#reply
          .code(this.#problem.status)
          .type(PROBLEM_TYPE)
          .send(`${text.slice(0, -1)},"summary":${summary}}`);
      }
      return;
    }
    this.#shape ??= "array";
    if (this.#shape === "object") return;
    const problem = this.#problem === undefined ? "" : `,"error":${JSON.stringify(this.#problem)}`;
    if (this.#shape === "array") await this.#write(`]${problem}}`);
    else await this.#write("");
    this.#reply.raw.end();
  }

  /** Whether anything of the answer is on its way. */
  get hasBegun(): boolean {
    return this.#writer !== undefined || (this.#summaryOnly && this.#summary.toJSON().read > 0) || this.#reply.sent;
  }

  async #fail({ error, lines }: IngestStep & { readonly kind: "failed" }): Promise<void> {
    if (!this.hasBegun) throw error;
    const problem = makeProblem(error, this.#requestId);
    const placed: Problem = lines === undefined ? problem : { ...problem, lines };
    if (this.#shape === "lines" && !this.#summaryOnly) await this.#write(`{"error":${JSON.stringify(placed)}}\n`);
    else this.#problem ??= placed;
  }

  async #write(text: string): Promise<void> {
    if (this.#writer === undefined) {
      const type = this.#shape === "array" ? JSON_TYPE : NDJSON_TYPE;
      const response = beginStream(this.#reply, { "content-type": type, "cache-control": "no-store" });
      this.#writer = new PacedWriter(response, this.#pace);
      if (this.#shape === "array") text = `{"results":[${text}`;
    }
    if (text !== "") await this.#writer.write(text);
  }
}
