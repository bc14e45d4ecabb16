import { describe, expect, it } from "vitest";
import { SdkError } from "../errors/index.ts";
import { defineAction } from "./define-action.ts";
import type { StandardSchema } from "./standard-schema.ts";
import { t } from "./t.ts";

const exportInvoice = defineAction({
  name: "invoice.export",
  op: "EXPORT",
  resource: { type: "invoice" },
  detail: t.object({
    format: t.oneOf("csv", "pdf"),
    pages: t.optional(t.whole()),
    columns: t.optional(t.list(t.text({ maxLength: 10 }))),
    by: t.optional(t.object({ rule: t.text() })),
  }),
  labels: ["pii"],
});
const logOut = defineAction({ name: "session.end", op: "LOGOUT", kind: "auth", resource: { type: "session" } });
const rest = { actor: { type: "user", id: "u-1", ns: "shop" }, outcome: { status: "success" } } as const;
const resource = { id: "4711" };

const exported = (detail: Parameters<typeof exportInvoice>[0]["detail"]): unknown =>
  exportInvoice({ ...rest, resource, detail });

describe("an action of the catalogue", () => {
  it("makes a whole draft from what it does not say itself", () => {
    expect(exportInvoice({ ...rest, resource, detail: { format: "pdf", pages: 3 }, labels: ["bulk"] })).toEqual({
      ...rest,
      action: { op: "EXPORT", name: "invoice.export", kind: "api" },
      resources: [{ type: "invoice", id: "4711" }],
      detail: { format: "pdf", pages: 3 },
      labels: ["pii", "bulk"],
    });
    expect(logOut({ ...rest, resource, related: [{ type: "user", id: "u-1" }] })).toMatchObject({
      action: { op: "LOGOUT", kind: "auth" },
      resources: [{ type: "session" }, { type: "user" }],
    });
  });

  it("does not compile with a wrong event, and is refused at run time", () => {
    const wrong: readonly (readonly [() => unknown, RegExp])[] = [
      // @ts-expect-error a format that the schema has not
      [() => exported({ format: "xml" }), /detail\.format is not one of csv, pdf/],
      // @ts-expect-error a member of the wrong type
      [() => exported({ format: "csv", pages: "3" }), /detail\.pages is not a whole/],
      // @ts-expect-error a member is missing
      [() => exported({}), /detail\.format is missing/],
      // @ts-expect-error a member that nobody named
      [() => exported({ format: "csv", page: 3 }), /detail\.page is not a member/],
      // @ts-expect-error a wrong item of a list
      [() => exported({ format: "csv", columns: ["a", 1] }), /detail\.columns\.1 is not text/],
      // @ts-expect-error wrong inside
      [() => exported({ format: "csv", by: { rule: 1 } }), /detail\.by\.rule is not text/],
      // @ts-expect-error no detail at all
      [() => exportInvoice({ ...rest, resource }), /detail is not an object/],
      // @ts-expect-error this action has no detail
      [() => logOut({ ...rest, resource, detail: { a: 1 } }), /has no detail/],
    ];
    for (const [make, message] of wrong) expect(make).toThrow(message);
    expect(wrong[0]?.[0]).toThrow(SdkError);
  });

  it("does not compile without actor, outcome or resource, or with an action of its own", () => {
    // @ts-expect-error no actor
    void (() => logOut({ outcome: rest.outcome, resource }));
    // @ts-expect-error no outcome
    void (() => logOut({ actor: rest.actor, resource }));
    // @ts-expect-error no resource
    void (() => logOut({ ...rest }));
    // @ts-expect-error the type of the resource is the action's
    void (() => logOut({ ...rest, resource: { id: "1", type: "invoice" } }));
    // @ts-expect-error the action is the action's
    void (() => logOut({ ...rest, resource, action: { op: "READ", name: "x", kind: "api" } }));
    // @ts-expect-error no such outcome
    void (() => logOut({ ...rest, outcome: { status: "ok" }, resource }));
    // @ts-expect-error no such operation
    void (() => defineAction({ name: "x", op: "VIEW", resource: { type: "x" } }));
    // What runs is only this: the compiler has checked the rest.
    expect(logOut.definition).toEqual({
      name: "session.end",
      op: "LOGOUT",
      kind: "auth",
      resource: { type: "session" },
    });
  });

  it("takes the schemas of other libraries through Standard Schema", () => {
    const rows: StandardSchema<{ readonly rows: number }> = {
      "~standard": {
        version: 1,
        vendor: "somebody",
        validate: (value) =>
          typeof (value as { rows?: unknown }).rows === "number"
            ? { value: value as { rows: number } }
            : { issues: [{ message: "is no number", path: [{ key: "rows" }] }] },
      },
    };
    const list = defineAction({ name: "order.list", op: "LIST", resource: { type: "order" }, detail: rows });
    expect(list({ ...rest, resource, detail: { rows: 3 } }).detail).toEqual({ rows: 3 });
    // @ts-expect-error text instead of a number
    expect(() => list({ ...rest, resource, detail: { rows: "3" } })).toThrow("detail.rows is no number");
    const later: StandardSchema<{ readonly a: number }> = {
      "~standard": {
        version: 1,
        vendor: "later",
        validate: (value) => Promise.resolve({ value: value as { a: number } }),
      },
    };
    const slow = defineAction({ name: "x", op: "READ", resource: { type: "x" }, detail: later });
    expect(() => slow({ ...rest, resource, detail: { a: 1 } })).toThrow("does not wait");
  });
});
