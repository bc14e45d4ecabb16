import { existsSync, readFileSync } from "node:fs";
import { makeTemporaryDirectory, type RunningServer, runEvident, startServer } from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** Real logs beside the repository; without them the suite is skipped. */
const root = new URL("../../shared/data/", import.meta.url);
const hasLogs = existsSync(root);

const directory = makeTemporaryDirectory("shared-logs");
let server: RunningServer;

beforeAll(async () => {
  if (hasLogs) server = await startServer({ dataDir: `${directory.path}/data` });
});

afterAll(async () => {
  if (hasLogs) await server.stop();
  directory[Symbol.dispose]();
});

interface Summary {
  readonly read: number;
  readonly accepted: number;
  readonly duplicates: number;
  readonly quarantined: number;
  readonly skipped: number;
}

/** Sends a file as it is, and lets the server recognise each record's format. */
async function send(file: string, source = file): Promise<Summary> {
  const query = new URLSearchParams({ format: "auto", answer: "summary", source });
  const answer = await fetch(`${server.url}/v1/events?${query.toString()}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${server.adminKey}`,
      "idempotency-key": file,
      ...(file.endsWith(".gz") ? { "content-encoding": "gzip" } : {}),
    },
    body: readFileSync(new URL(file, root)),
  });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Summary;
}

/** Accepted, duplicates, quarantined, skipped of each file that an adapter exists for. */
const files: readonly (readonly [
  file: string,
  accepted: number,
  duplicates: number,
  quarantined: number,
  skipped: number,
])[] = [
  ["cloudtrail/invictus_stratus_part1.ndjson", 1233, 0, 0, 0],
  ["cloudtrail/original_s3_object_with_Records.json", 29, 0, 0, 0],
  ["cloudtrail/stratus/aws.credential-access.ec2-steal-instance-credentials.json", 45, 0, 0, 0],
  ["cloudtrail/stratus/aws.execution.ssm-send-command.json", 56, 0, 0, 0],
  ["cloudtrail/stratus/aws.execution.ec2-user-data.json", 35, 0, 0, 0],
  ["crowdsec/apache-http-probing/apache-http-probing.log", 77, 0, 0, 0],
  ["crowdsec/apache2-malformed/apache2-logs.log", 11, 0, 0, 0],
  ["crowdsec/aws-cloudtrail/aws-cloudtrail.log", 2, 0, 0, 0],
  ["crowdsec/http-cve-probing/http-cve-probing.log", 3, 0, 0, 0],
  ["crowdsec/nginx-http-malformed/nginx_http-logs.log", 12, 0, 0, 0],
  ["crowdsec/nginx-http-path-traversal/nginx-http-path-traversal.log", 9, 0, 0, 0],
  ["crowdsec/pfsense-rfc5424-nginx/pfsense-rfc5424-nginx.log", 1, 0, 0, 0],
  ["crowdsec/pgsql-user-enum/pgsql-user-enum.log", 6, 0, 0, 0],
  ["crowdsec/sshd-logs/sshd-logs.log", 24, 0, 0, 0],
  ["crowdsec/supabase-docker-pgsql-logs/supabase-docker-pgsql-logs.log", 3, 0, 0, 0],
  // Six records with one id and one content: the sample was made by copying a line.
  ["crowdsec/teleport-bf/teleport-bf.log", 1, 5, 0, 0],
  ["crowdsec/traefik_base-http-scenario/traefik_base-http-scenario.log", 80, 0, 0, 0],
  ["gcp/google.iam.admin.v1.SetIamPolicy-keyAdmin.json", 1, 0, 0, 0],
  ["gcp/google.login.LoginService.loginFailure.json", 1, 0, 0, 0],
  // A record of network flows is no access.
  ["gcp/google.compute.googleapis.com.vpc_flows.json", 0, 0, 0, 1],
  ["kubernetes/audit2rbac_demo.log", 37, 0, 0, 0],
  ["syslog/sshd_auth.log.gz", 6341, 0, 0, 1105],
  ["web/apache_combined_semicomplete_10k.log.gz", 10_000, 0, 0, 0],
  // Formats that nobody reads: every line says so and waits in quarantine.
  ["crowdsec/keycloak-bf/keycloak-logs.log", 0, 0, 10, 0],
  ["crowdsec/mysql-logs/mysql-logs.log", 0, 0, 4, 0],
];

describe.skipIf(!hasLogs)(
  "real logs, by the formats that are recognised in them (skipped without ../shared/data)",
  () => {
    it.each(files)("takes every record of %s", async (file, accepted, duplicates, quarantined, skipped) => {
      const counts = { accepted, duplicates, quarantined, skipped };
      expect(await send(file)).toMatchObject(counts);
    });

    it("stores records with an id once, and equal lines as often as they were written, however often a file is sent", async () => {
      const again = { accepted: 0, duplicates: 10_000 };
      expect(await send("web/apache_combined_semicomplete_10k.log.gz")).toMatchObject(again);
      expect(await send("cloudtrail/invictus_stratus_part1.ndjson")).toMatchObject({ accepted: 0, duplicates: 1233 });
      const line = '192.0.2.7 - - [10/Oct/2026:13:55:36 +0000] "GET /status HTTP/1.1" 200 12 "-" "probe"\n';
      const options = { cwd: directory.path, url: server.url, key: server.adminKey };
      for (const [lines, accepted, duplicates] of [
        [5, 5, 0],
        [8, 3, 5],
      ] as const) {
        const run = await runEvident(["ingest", "-", "--source", "probe", "--json"], {
          ...options,
          input: line.repeat(lines),
        });
        expect(JSON.parse(run.stdout)).toMatchObject({ read: lines, accepted, duplicates });
      }
    });
  },
);
