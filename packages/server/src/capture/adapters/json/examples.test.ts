import { readFileSync } from "node:fs";
import { Compile } from "typebox/schema";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import {
  hasSharedData,
  labelsAt,
  measurePrecision,
  type NativeInput,
  pantherEvents,
  readNative,
  readShared,
} from "../../testing/index.ts";
import { json, mappingJsonSchema, parseMapping } from "./index.ts";

const folder = new URL("../../../../../../examples/json-mapping/", import.meta.url);
const names = ["authentik", "gitlab", "mongodb", "nextcloud", "slack"] as const;

function example(file: string): string {
  return readFileSync(new URL(file, folder), "utf8");
}

async function read(name: (typeof names)[number], input: string | Uint8Array): Promise<NativeInput> {
  return readNative(json, input, { options: { mapping: example(`${name}.yaml`) } });
}

describe("the example mappings", () => {
  it.each(names)("%s is right, and its sample makes events and nothing unreadable", async (name) => {
    expect(parseMapping(example(`${name}.yaml`))).toMatchObject({ ok: true });
    const { readings, events } = await read(name, example(`${name}.ndjson`));
    expect(events.length).toBeGreaterThan(0);
    expect(readings.filter(({ kind }) => kind === "unreadable")).toEqual([]);
  });

  it.each(names)("%s agrees with the published schema, which refuses what the reader refuses", (name) => {
    const schema = Compile(mappingJsonSchema());
    const mapping = parse(example(`${name}.yaml`)) as Record<string, Record<string, unknown>>;
    expect(schema.Check(mapping)).toBe(true);
    const wrong: readonly unknown[] = [
      { ...mapping, wrong: 1 },
      { ...mapping, time: undefined },
      { ...mapping, action: { ...mapping["action"], op: "REED" } },
      { ...mapping, actor: { ...mapping["actor"], id: { path: "user" } } },
      { ...mapping, outcome: { status: { path: "$.a", table: { x: "fine" } } } },
      { ...mapping, source: { port: "http" } },
      { ...mapping, skip: [{ when: { path: "$.a", equal: 1 } }] },
    ];
    for (const each of wrong) {
      const text = JSON.stringify(each);
      expect([text.slice(0, 200), schema.Check(JSON.parse(text)), parseMapping(text).ok]).toEqual([
        text.slice(0, 200),
        false,
        false,
      ]);
    }
  });
});

/** Written from the raw lines before the mappings had read them. */
// biome-ignore format: one record a line
const labels = {
  authentik: [
    [1, "unknown myuser", "AUTH", "login_failed", "authentik.flow /api/v3/flows/executor/default-authentication-flow/", "foo.mywebsite.com", "denied", "1.2.3.4"],
    [2, "unknown wronguser", "AUTH", "invalid_identifier", "authentik.flow default-authentication-identification", "foo.mywebsite.com", "denied", "1.2.3.4"],
    [3, "user 6", "AUTH", "login", "authentik.flow /api/v3/flows/executor/default-authentication-flow/", "foo.mywebsite.com", "success", "1.2.3.4"],
  ],
  gitlab: [
    [1, "unknown test", "AUTH", "SessionsController#create", "http.path /users/sign_in", "gitlab", "denied", "1.1.1.1"],
    [2, "anonymous 1.1.1.1", "AUTH", "SessionsController#create", "http.path /users/sign_in", "gitlab", "denied", "1.1.1.1"],
    [3, "unknown zzz", "AUTH", "OmniauthCallbacksController#failure", "http.path /users/auth/ldapmain/callback", "gitlab", "denied", "1.1.1.1"],
  ],
  mongodb: [
    [1, "unknown root", "AUTH", "Authentication failed", "mongodb.database admin", "mongodb", "denied", "127.0.0.1"],
    [2, "unknown root", "AUTH", "Authentication failed", "mongodb.database admin", "mongodb", "denied", "::1"],
  ],
  nextcloud: [
    [1, "unknown foo", "AUTH", "Login failed", "http.path /login", "nextcloud", "denied", "2001:db8::d71"],
    [2, "anonymous 2001:db8::d71", "AUTH", "Bruteforce attempt from", "http.path /login", "nextcloud", "denied", "2001:db8::d71"],
    [3, "anonymous 172.18.0.200", "OTHER", "Trusted domain error", "http.path /", "nextcloud", "denied", "172.18.0.200"],
    [4, "unknown foo@example.com", "AUTH", "Login failed", "http.path /login", "nextcloud", "denied", "2001:db8::d71"],
    [5, "unknown foo@example.com", "AUTH", "Login failed", "http.path /login", "nextcloud", "denied", "2001:db8::d71"],
  ],
} as const;
const workspace = ["slack.workspace T01234N56GB", "T01234N56GB", "success", "1.2.3.4"] as const;
const owner = ["slack.user W012J3FEWAU", "T01234N56GB", "success", "1.2.3.4"] as const;
const user = "user A012B3CDEFG";
// biome-ignore format: one record a line
const slackLabels = [
  [1, user, "GRANT", "app_scopes_expanded", ...workspace],
  [3, user, "GRANT", "app_resources_added", ...workspace],
  [4, user, "GRANT", "app_resources_granted", ...workspace],
  [5, user, "UPDATE", "bot_token_upgraded", ...workspace],
  [6, "user W012J3FEWAU", "LOGOUT", "user_logout", ...owner],
  [7, user, "CONFIGURE", "native_dlp_rule_deactivated", ...workspace],
  [8, user, "DELETE", "native_dlp_violation_deleted", ...workspace],
  [10, user, "CONFIGURE", "ekm_logging_config_set", ...workspace],
  [12, user, "DELETE", "barrier_deleted", ...workspace],
  [13, user, "UPDATE", "barrier_updated", ...workspace],
  [15, user, "DELETE", "legal_hold_policy_entities_deleted", ...workspace],
  [16, user, "UPDATE", "legal_hold_policy_exclusion_added", ...workspace],
  [17, user, "DELETE", "legal_hold_policy_released", ...workspace],
  [18, user, "UPDATE", "legal_hold_policy_updated", ...workspace],
  [20, user, "CREATE", "organization_created", ...workspace],
  [21, user, "DELETE", "organization_deleted", ...workspace],
  [24, "user W012J3FEWAU", "OTHER", "anomaly", ...owner],
  [25, user, "CONFIGURE", "pref.sso_setting_changed", ...workspace],
  [27, user, "GRANT", "owner_transferred", ...owner],
  [29, user, "GRANT", "role_change_to_admin", ...owner],
] as const;

/** What CrowdSec's parser says of its n-th line; the last stage that says it wins. */
function asserted(fixture: string, index: number, names: readonly string[]): string | undefined {
  const text = readShared(`crowdsec/${fixture}/parser.assert`).toString("utf8");
  const form = new RegExp(
    `\\]\\[${index}\\]\\.Evt\\.(?:Meta|Enriched)\\["(?:${names.join("|")})"\\] == "([^"]*)"`,
    "g",
  );
  return [...text.matchAll(form)].at(-1)?.[1];
}

describe.skipIf(!hasSharedData)("the example mappings on real logs (skipped where ../shared/data is absent)", () => {
  it.each(Object.keys(labels) as (keyof typeof labels)[])(
    "%s says what a person read out of the lines",
    async (name) => {
      const rows = labels[name];
      const input = await read(name, readShared(`crowdsec/${name}-logs/${name}-logs.log`));
      expect(input.readings).toHaveLength(rows.length);
      expect(
        labelsAt(
          input,
          rows.map(([line]) => line),
        ),
      ).toEqual(rows);
    },
  );

  it("slack says what a person read out of the records", async () => {
    const input = await read("slack", pantherEvents("Slack.AuditLogs"));
    expect([input.readings.length, input.events.length]).toEqual([31, 31]);
    expect(
      labelsAt(
        input,
        slackLabels.map(([line]) => line),
      ),
    ).toEqual(slackLabels);
  });

  it.each([
    ["authentik", 2, 6],
    ["gitlab", 3, 5],
    ["mongodb", 2, 4],
    ["nextcloud", 5, 13],
  ] as const)("%s agrees with CrowdSec: address, user and time of %i lines", async (name, count, facts) => {
    const fixture = `${name}-logs`;
    const { events } = await read(name, readShared(`crowdsec/${fixture}/${fixture}.log`));
    expect(events.length).toBeGreaterThanOrEqual(count);
    const compared = events.slice(0, count).flatMap(({ actor, source, time }, index) => {
      const when = asserted(fixture, index, ["MarshaledTime", "timestamp"]);
      const theirs = [
        asserted(fixture, index, ["source_ip"]),
        asserted(fixture, index, ["username", "target_user", "user"]),
        when === undefined ? undefined : Date.parse(when),
      ];
      const ours = [source.ip, actor.id, Date.parse(time.occurred)];
      return theirs.flatMap((fact, at) => (fact === undefined ? [] : [[fact, ours[at]]]));
    });
    expect(compared.filter(([theirs, ours]) => theirs !== ours)).toEqual([]);
    expect(compared).toHaveLength(facts);
  });

  it.each([
    ["mongodb", "mongodb-bf", 12],
    ["nextcloud", "nextcloud-bf", 19],
  ] as const)("%s reads every refusal of %s", async (name, fixture, count) => {
    const { readings, events } = await read(name, readShared(`crowdsec/${fixture}/${fixture}.log`));
    expect([readings.length, events.length]).toEqual([count, count]);
    expect(new Set(events.map(({ outcome }) => outcome.status))).toEqual(new Set(["denied"]));
  });

  it("are as precise as the documentation says", async () => {
    const found = Object.fromEntries(
      await Promise.all(
        names.map(async (name) => {
          const input =
            name === "slack" ? pantherEvents("Slack.AuditLogs") : readShared(`crowdsec/${name}-logs/${name}-logs.log`);
          return [name, Object.values(measurePrecision((await read(name, input)).events))] as const;
        }),
      ),
    );
    // Actor, operation, resource, scope, outcome, source.
    expect(found).toEqual({
      // Whoever fails to sign in is nobody known.
      authentik: [33.3, 100, 100, 100, 100, 100],
      gitlab: [33.3, 100, 100, 100, 100, 100],
      mongodb: [0, 100, 100, 100, 100, 100],
      nextcloud: [40, 80, 100, 100, 100, 100],
      slack: [100, 93.5, 100, 100, 100, 100],
    });
  });
});
