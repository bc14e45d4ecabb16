import { SdkError } from "../errors/index.ts";
import type { Action, ActionKind, EventDraft, Op, Resource } from "../event/index.ts";
import type { InputOf, SchemaIssue, StandardSchema } from "./standard-schema.ts";

/** What every access of one kind has in common. */
interface Definition<Schema> {
  /** Stable name, for example `invoice.export`. */
  readonly name: string;
  readonly op: Op;
  /** Default `api`. */
  readonly kind?: ActionKind;
  readonly resource: { readonly type: string };
  /** Schema of `detail`. Without one the action has no detail. */
  readonly detail?: Schema;
  readonly labels?: readonly string[];
}

type ActionResource = Omit<Resource, "type"> & { readonly type?: never };

/** Resource and detail of one access. The type of the resource is the action's; others may be added in `related`. */
export type ActionFacts<Detail> = {
  readonly resource: ActionResource;
  readonly related?: readonly Resource[];
} & ([Detail] extends [undefined] ? { readonly detail?: never } : { readonly detail: Detail });

/** One access of a kind: what the action does not say itself. */
export type ActionInput<Detail> = ActionFacts<Detail> &
  Omit<EventDraft, "action" | "resources" | "detail"> & {
    readonly action?: never;
    readonly resources?: never;
  };

/**
 * An action of the catalogue: call it to make a draft for `record`.
 *
 * @throws SdkError `invalid_detail` naming each member that its schema refuses
 */
export interface DefinedAction<Detail> {
  (input: ActionInput<Detail>): EventDraft;
  /** Action, resources and detail alone, where the rest comes from a request. @throws SdkError `invalid_detail` */
  describe(facts: ActionFacts<Detail>): Pick<EventDraft, "action" | "resources" | "detail" | "labels">;
  readonly definition: Omit<Definition<never>, "detail"> & { readonly kind: ActionKind };
}

function pathText(path: SchemaIssue["path"]): string {
  const steps = (path ?? []).map((step) => String(typeof step === "object" ? step.key : step));
  return ["detail", ...steps].join(".");
}

function checkDetail(action: string, schema: StandardSchema | undefined, detail: unknown): void {
  const fail = (problems: string): never => {
    throw new SdkError("invalid_detail", `${action}: ${problems}`, "Give what the action's schema says.");
  };
  if (schema === undefined) return detail === undefined ? undefined : fail("this action has no detail");
  const result = schema["~standard"].validate(detail);
  if (result instanceof Promise) return fail("its schema answers later; recording does not wait");
  if (result.issues !== undefined)
    fail(result.issues.map(({ path, message }) => `${pathText(path)} ${message}`).join("; "));
}

/**
 * Defines one kind of access, so that an event of this kind with a wrong resource or detail does not compile, and is refused at run time
 * where types were not checked.
 *
 * @example
 * const exportInvoice = defineAction({
 *   name: "invoice.export", op: "EXPORT", resource: { type: "invoice" },
 *   detail: t.object({ format: t.oneOf("csv", "pdf"), pages: t.optional(t.whole()) }),
 * });
 * evident.record(exportInvoice({ actor, resource: { id: "4711" }, outcome: { status: "success" }, detail: { format: "pdf" } }));
 */
export function defineAction<Schema extends StandardSchema | undefined = undefined>(
  definition: Definition<Schema>,
): DefinedAction<Schema extends StandardSchema ? InputOf<Schema> : undefined> {
  type Detail = Schema extends StandardSchema ? InputOf<Schema> : undefined;
  const { name, op, kind = "api", resource, labels } = definition;
  const action: Action = { op, name, kind };
  const describe = (facts: ActionFacts<Detail>): Pick<EventDraft, "action" | "resources" | "detail" | "labels"> => {
    checkDetail(name, definition.detail, facts.detail);
    return {
      action,
      resources: [{ ...facts.resource, type: resource.type }, ...(facts.related ?? [])],
      detail: facts.detail as Readonly<Record<string, unknown>> | undefined,
      labels,
    };
  };
  const make = (input: ActionInput<Detail>): EventDraft => {
    const { resource: _, related: __, ...rest } = input;
    const described = describe(input);
    const allLabels = [...(described.labels ?? []), ...(input.labels ?? [])];
    return { ...rest, ...described, labels: allLabels.length === 0 ? undefined : allLabels };
  };
  return Object.assign(make, { describe, definition: { name, op, kind, resource, ...(labels && { labels }) } });
}
