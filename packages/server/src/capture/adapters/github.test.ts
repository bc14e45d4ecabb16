import { describe, expect, it } from "vitest";
import { hasSharedData, labelsAt, measurePrecision, pantherEvents, readNative } from "../testing/index.ts";
import { github } from "./github.ts";

const added = {
  _document_id: "doc-1",
  "@timestamp": 1_795_000_000_123,
  created_at: 1_795_000_000_123,
  action: "org.add_member",
  operation_type: "create",
  actor: "ada",
  actor_id: 17,
  actor_is_bot: false,
  actor_ip: "203.0.113.9",
  actor_location: { country_code: "DE" },
  external_identity_nameid: "ada@example.com",
  org: "acme",
  org_id: 5,
  business: "acme-corp",
  user: "bob",
  user_id: 18,
  user_agent: "Mozilla/5.0",
  request_id: "r-1",
  token_id: 99,
  programmatic_access_type: "Fine-grained personal access token",
};

async function readOne(record: unknown): Promise<Awaited<ReturnType<typeof readNative>>["events"][number] | undefined> {
  return (await readNative(github, JSON.stringify(record))).events[0];
}

describe("the GitHub adapter", () => {
  it("reads who took whom into which organisation, with which token and from where", async () => {
    expect(await readOne(added)).toMatchObject({
      id: "doc-1",
      time: { occurred: "2026-11-18T11:06:40.123000000Z", precision: "ms", basis: "event" },
      actor: {
        type: "user",
        id: "17",
        ns: "github.com",
        name: "ada",
        email: "ada@example.com",
        credential: { kind: "Fine-grained personal access token", id: "99" },
      },
      action: { op: "GRANT", name: "org.add_member", kind: "iam" },
      resources: [
        { type: "github.organization", id: "acme", uid: "5", scope: ["github.com", "acme-corp"] },
        { type: "github.user", id: "18", name: "bob", role: "affected" },
      ],
      outcome: { status: "success" },
      source: { ip: "203.0.113.9", ipTrust: "peer", userAgent: "Mozilla/5.0", geo: { country: "DE" } },
      trace: { requestId: "r-1" },
      origin: { system: "acme", adapter: "github" },
    });
  });

  it("reads what was pushed where, by a bot", async () => {
    const push = {
      "@timestamp": 1_795_000_000_000,
      action: "git.push",
      actor: "deploy[bot]",
      repo: "acme/shop",
      repo_id: 3,
      hashed_token: "abc=",
    };
    expect(await readOne(push)).toMatchObject({
      actor: { type: "service", id: "deploy[bot]", credential: { kind: "token", id: "abc=" } },
      action: { op: "WRITE", kind: "file" },
      resources: [{ type: "github.repository", id: "acme/shop", uid: "3", scope: ["github.com", "acme"] }],
      origin: { system: "acme" },
    });
  });

  it.each([
    ["GET", 200, "READ", "success"],
    ["DELETE", 403, "DELETE", "denied"],
    ["PATCH", 500, "UPDATE", "failure"],
    ["POST", undefined, "CREATE", "unknown"],
    ["PURGE", 200, "OTHER", "success"],
  ])("reads an API request: %s answered with %s", async (request_method, status_code, op, status) => {
    const event = await readOne({
      ...added,
      action: "api.request",
      request_method,
      status_code,
      url_path: "/repos/acme/shop",
      query_string: "access_token=abc&page=2",
    });
    expect([event?.action.op, event?.action.kind, event?.outcome.status]).toEqual([op, "http", status]);
    expect(event?.resources[0]).toMatchObject({ type: "http.path", id: "/repos/acme/shop" });
    expect(event?.native).toMatchObject({ query_string: "access_token=***&page=2" });
    expect(event?.origin.warnings).toEqual(op === "OTHER" ? ["op:default"] : undefined);
  });

  it.each([
    ["git.clone", "EXPORT"],
    ["repo.access", "UPDATE"],
    ["repo.destroy", "DELETE"],
    ["team.add_repository", "GRANT"],
    ["team.remove_member", "REVOKE"],
    ["protected_branch.update_name", "UPDATE"],
    ["repository_secret_scanning.disable", "CONFIGURE"],
    ["org.enable_two_factor_requirement", "CONFIGURE"],
    ["org.audit_log_export", "EXPORT"],
    ["personal_access_token.access_granted", "GRANT"],
    ["personal_access_token.access_revoked", "REVOKE"],
    ["oauth_access.destroy", "REVOKE"],
    ["environment.create_actions_secret", "CREATE"],
    ["workflows.created_workflow_run", "EXECUTE"],
    ["hook.config_changed", "UPDATE"],
    ["user.failed_login", "AUTH"],
  ])("knows that %s is %s", async (action, op) => {
    const event = await readOne({ ...added, action, operation_type: undefined });
    expect([event?.action.op, event?.origin.warnings]).toEqual([op, undefined]);
  });

  it("takes the type of operation where the action's name does not say it, and warns where neither does", async () => {
    const brandNew = { ...added, action: "brand.new" };
    expect((await readOne({ ...brandNew, operation_type: "remove" }))?.action.op).toBe("DELETE");
    const unknown = await readOne({ ...brandNew, operation_type: "juggle" });
    expect([unknown?.action.op, unknown?.origin.warnings]).toEqual(["OTHER", ["op:default"]]);
  });

  it("tells what was refused from what was done", async () => {
    for (const action of ["user.failed_login", "protected_branch.rejected_ref_update"]) {
      expect((await readOne({ ...added, action }))?.outcome.status).toBe("denied");
    }
  });

  it("says so where it is not told who or to what", async () => {
    const event = await readOne({
      created_at: "2026-11-24 09:30:00.5",
      action: "git.push",
      hashed_token: "x",
      actor: "",
    });
    expect(event).toMatchObject({
      time: { occurred: "2026-11-24T09:30:00.500000000Z", tz: "assumed" },
      actor: { type: "unknown", id: "unknown" },
      resources: [{ type: "github.host", id: "github.com" }],
      origin: { warnings: ["tz:assumed", "actor:default", "resource:default"] },
    });
  });

  it("reads an export, one array of entries", async () => {
    const { readings } = await readNative(
      [github],
      JSON.stringify([added, { ...added, _document_id: "doc-2" }], null, 1),
    );
    expect(readings.map(({ kind }) => kind)).toEqual(["event", "event"]);
  });

  it("names what makes a record unreadable", async () => {
    const lines = [
      { ...added, action: undefined },
      { ...added, created_at: undefined, "@timestamp": undefined },
      { ...added, created_at: 1_795_000_000 },
      { ...added, created_at: "2024-12-17 00:00:00000000" },
      { ...added, created_at: "9".repeat(400) },
      { ...added, created_at: { $date: 1 }, "@timestamp": null },
    ].map((record) => JSON.stringify(record));
    const { readings } = await readNative(github, [...lines, '{"action":"repo.cre'].join("\n"));
    expect(readings.map((reading) => reading.kind === "unreadable" && reading.reasons[0]?.field)).toEqual([
      "action",
      ...Array.from({ length: 5 }, () => "created_at"),
      "",
    ]);
  });

  it("leaves records of others alone, and survives hostile ones", async () => {
    const others = ['{"action":"login"}', '{"action":"a.b","actor":{}}', '{"action":"a.b"}', "{}"].join("\n");
    const { readings } = await readNative([github], others);
    expect(readings.every((reading) => reading.kind === "unreadable")).toBe(true);
    const hostile = `{"__proto__":{"org":"x"},"constructor":1,${JSON.stringify({ ...added, action: "constructor.toString", data: [1] }).slice(1)}`;
    expect((await readNative(github, hostile)).events[0]?.action).toMatchObject({
      op: "CREATE",
      name: "constructor.toString",
    });
  });
});

/** Written from the raw records before the adapter had read them. */
// biome-ignore format: one record a line
const labels = [
  [1, "user cat", "DELETE", "protected_branch.destroy", "github.repository my-org/my-repo", "github.com > my-org", "success", "-"],
  [3, "user cat", "CREATE", "ip_allow_list_entry.create", "github.organization my-org", "github.com", "success", "-"],
  [4, "user cat", "CONFIGURE", "ip_allow_list.disable", "github.organization my-org", "github.com", "success", "-"],
  [5, "user cat", "GRANT", "org.invite_user", "github.organization my-org", "github.com", "success", "-"],
  [6, "user sarah78", "GRANT", "organization_moderators.add_user", "github.organization example-io", "github.com", "success", "-"],
  [7, "user sarah78", "REVOKE", "organization_moderators.remove_user", "github.organization example-io", "github.com", "success", "-"],
  [8, "user cat", "DELETE", "team.destroy", "github.team my-org/my-team", "github.com > my-org", "success", "-"],
  [9, "user cat", "GRANT", "org.add_member", "github.organization my-org", "github.com", "success", "-"],
  [10, "user cat", "REVOKE", "org.remove_member", "github.organization my-org", "github.com", "success", "-"],
  [11, "user user_name", "CREATE", "integration_installation.create", "github.app Microsoft Teams for GitHub", "github.com > your-organization", "success", "-"],
  [13, "user cat", "UPDATE", "repo.archived", "github.repository my-org/my-repo", "github.com > my-org", "success", "-"],
  [14, "user example-actor", "CREATE", "repo.create", "github.repository example-io/oops", "github.com > example-io", "success", "-"],
  [16, "user cat", "WRITE", "git.push", "github.repository my-org/my-repo", "github.com > my-org", "success", "-"],
  [19, "unknown unknown", "WRITE", "git.push", "github.repository my-org/my-repo", "github.com > my-org", "success", "-"],
  [20, "service secret-scanning[bot]", "WRITE", "git.push", "github.repository my-org/my-repo", "github.com > my-org", "success", "-"],
  [21, "unreadable", "created_at"],
  [23, "unreadable", "created_at"],
  [26, "user cat", "UPDATE", "repo.access", "github.repository my-org/my-repo", "github.com > my-org", "success", "-"],
  [27, "user cat", "CONFIGURE", "repo.disable", "github.repository my-org/my-repo", "github.com > my-org", "success", "-"],
  [45, "user cat", "UPDATE", "org.update_member", "github.repository my-org/my-repo", "github.com > my-org", "success", "-"],
  [47, "unreadable", "created_at"],
  [50, "unreadable", "created_at"],
] as const;

describe.skipIf(!hasSharedData)("labelled records of GitHub (skipped where ../shared/data is absent)", () => {
  it("are read, but for those whose time was taken away or garbled", async () => {
    const { readings, events } = await readNative([github], pantherEvents("GitHub.Audit"));
    expect([readings.length, events.length]).toEqual([50, 24]);
    const reasons = readings.flatMap((reading) => (reading.kind === "unreadable" ? reading.reasons : []));
    expect(new Set(reasons.map(({ field }) => field))).toEqual(new Set(["created_at"]));
    expect(new Set(events.flatMap(({ origin }) => origin.warnings ?? []))).toEqual(
      new Set(["tz:assumed", "actor:default"]),
    );
  });

  it("say what a person read out of them", async () => {
    const input = await readNative(github, pantherEvents("GitHub.Audit"));
    const lines = labels.map(([line]) => line);
    expect(labelsAt(input, lines)).toEqual(labels);
  });

  it("are as precise as the documentation says", async () => {
    const { events } = await readNative(github, pantherEvents("GitHub.Audit"));
    expect(measurePrecision(events)).toEqual({
      actor: 95.8,
      operation: 100,
      resource: 100,
      scope: 100,
      outcome: 100,
      source: 0,
    });
  });
});
