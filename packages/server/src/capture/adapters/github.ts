import { Type } from "typebox";
import {
  countryCode,
  defineJsonAdapter,
  field,
  type JsonObject,
  type LooseTime,
  lookUp,
  type Made,
  made,
  maskMembers,
  maskUrl,
  type NativeEvent,
  readEpoch,
  readLooseTime,
  splitAddress,
  textAt,
  toText,
  unreadable,
} from "../adapt/index.ts";
import { githubOp } from "./github-ops.ts";

/** A member of the record, or of its `data`, where older exports put what belongs to the action. */
function text(value: JsonObject, name: string): string | undefined {
  return textAt(value, name) ?? textAt(value, "data", name);
}

/** Milliseconds since 1970 before 1973 are seconds or no time at all. */
const MIN_MS = 100_000_000_000;

function readTime(value: JsonObject): LooseTime | undefined {
  for (const name of ["created_at", "@timestamp", "at_sign_timestamp"]) {
    const found = toText(field(value, name));
    if (found === undefined) continue;
    if (!/^\d+$/.test(found)) return readLooseTime(found);
    return Number(found) < MIN_MS ? undefined : readEpoch(found, "ms");
  }
  return undefined;
}

function readActor(value: JsonObject, host: string, warnings: string[]): NativeEvent["actor"] {
  const login = text(value, "actor");
  const id = text(value, "actor_id") ?? login;
  const tokenKind = text(value, "programmatic_access_type");
  const token = text(value, "token_id") ?? text(value, "hashed_token");
  const email = text(value, "external_identity_nameid");
  const common = {
    ns: host,
    name: login,
    email: email?.includes("@") === true ? email : undefined,
    credential: token === undefined ? undefined : { kind: tokenKind ?? "token", id: token },
  };
  if (id === undefined) {
    warnings.push("actor:default");
    return { type: "unknown", id: "unknown", ...common };
  }
  const isBot = field(value, "actor_is_bot") === true || login?.endsWith("[bot]") === true;
  return { type: isBot ? "service" : "user", id, ...common };
}

interface Place {
  readonly host: string;
  readonly business: string | undefined;
  readonly org: string | undefined;
  readonly repo: string | undefined;
}

/** Categories of actions on something within an organisation or repository, and the members that name it. */
const subjects: Readonly<
  Record<string, { readonly type: string; readonly id: readonly string[]; readonly name?: string }>
> = {
  team: { type: "github.team", id: ["team_id", "team"], name: "team" },
  hook: { type: "github.hook", id: ["hook_id"], name: "name" },
  repository_ruleset: { type: "github.ruleset", id: ["ruleset_id"], name: "ruleset_name" },
  protected_branch: { type: "github.branch_protection", id: ["name", "id"] },
  integration_installation: { type: "github.app", id: ["integration_id", "name", "integration"], name: "name" },
  integration: { type: "github.app", id: ["integration_id", "name", "integration"], name: "name" },
  personal_access_token: { type: "github.token", id: ["user_programmatic_access_id", "token_id"] },
  public_key: { type: "github.key", id: ["key_id", "fingerprint", "title"], name: "title" },
  environment: {
    type: "github.environment",
    id: ["environment_id", "environment_name", "name"],
    name: "environment_name",
  },
  workflows: { type: "github.workflow_run", id: ["workflow_run_id"], name: "name" },
  pull_request: { type: "github.pull_request", id: ["pull_request_id"], name: "pull_request_title" },
  oauth_application: { type: "github.oauth_app", id: ["oauth_application_id", "name"], name: "oauth_application_name" },
  oauth_authorization: { type: "github.oauth_app", id: ["oauth_application_id", "oauth_application_name"] },
  ip_allow_list_entry: { type: "github.ip_allow_list_entry", id: ["ip_allow_list_entry_id", "name"], name: "name" },
};

type Resource = NativeEvent["resources"][number];

function subjectOf(value: JsonObject, category: string, scope: readonly string[]): readonly Resource[] {
  const subject = lookUp(subjects, category);
  const id = subject?.id.map((name) => text(value, name)).find((found) => found !== undefined);
  if (subject === undefined || id === undefined) return [];
  const name = subject.name === undefined ? undefined : text(value, subject.name);
  return [{ type: subject.type, id, name, scope }];
}

/** What was acted on: the subject of the action, the repository, organisation or enterprise around it, and who was affected. */
function readResources(value: JsonObject, category: string, place: Place, warnings: string[]): readonly Resource[] {
  const { host, business, org, repo } = place;
  const outer = [host, business, org].filter((part) => part !== undefined);
  const within = repo === undefined ? outer : [...outer, repo];
  const path = category === "api" ? text(value, "url_path") : undefined;
  const subject: readonly Resource[] =
    path === undefined
      ? subjectOf(value, category, category === "team" ? outer : within)
      : [{ type: "http.path", id: path, scope: outer }];
  const places: readonly Resource[] =
    repo !== undefined
      ? [{ type: "github.repository", id: repo, uid: text(value, "repo_id"), scope: outer }]
      : org !== undefined
        ? [{ type: "github.organization", id: org, uid: text(value, "org_id"), scope: outer.slice(0, -1) }]
        : business === undefined
          ? []
          : [{ type: "github.enterprise", id: business, uid: text(value, "business_id"), scope: [host] }];
  const user = text(value, "user");
  const isMember = category === "user" || user !== text(value, "actor");
  const affected: readonly Resource[] =
    user === undefined || !(isMember || MEMBER.test(textAt(value, "action") ?? ""))
      ? []
      : [{ type: "github.user", id: text(value, "user_id") ?? user, name: user, scope: [host], role: "affected" }];
  const [surrounding] = places;
  const related: readonly Resource[] =
    subject.length === 0 || surrounding === undefined ? places : [{ ...surrounding, role: "related" }];
  const all = [...subject, ...related, ...affected];
  if (all.length > 0) return all;
  warnings.push("resource:default");
  return [{ type: "github.host", id: host, scope: [host] }];
}

const MEMBER = /member|user|collaborator|moderator|admin|invit/;

/** The log holds completed actions; those that failed say so by their names, or by the code of the answer. */
function readOutcome(value: JsonObject, action: string): NativeEvent["outcome"] {
  const reason = text(value, "reason") ?? text(value, "message");
  if (action === "api.request") {
    const code = text(value, "status_code");
    const number = Number(code ?? Number.NaN);
    if (number === 401 || number === 403) return { status: "denied", code };
    if (number >= 400) return { status: "failure", code };
    return { status: number >= 100 ? "success" : "unknown", code };
  }
  const isDenied = /failed_login|_failure$|recovery_code_failed|rejected_ref_update$/.test(action);
  return { status: isDenied ? "denied" : "success", reason };
}

function kindOf(action: string, op: NativeEvent["action"]["op"] | undefined): NativeEvent["action"]["kind"] {
  if (op === "AUTH" || op === "LOGOUT") return "auth";
  if (action === "api.request") return "http";
  if (op === "GRANT" || op === "REVOKE" || MEMBER.test(action)) return "iam";
  return action.startsWith("git.") ? "file" : "api";
}

function readRecord(value: JsonObject, host: string): Made {
  const action = textAt(value, "action");
  if (action === undefined) return unreadable("action", "is missing", "Send entries of the audit log whole.");
  const time = readTime(value);
  if (time === undefined) {
    const fix = "Send entries of the audit log whole: created_at or @timestamp in milliseconds since 1970.";
    return unreadable("created_at", "is no time", fix);
  }
  const warnings: string[] = time.tz === undefined ? [] : ["tz:assumed"];
  const op = githubOp(action, text(value, "operation_type"), text(value, "request_method"));
  if (op === undefined) warnings.push("op:default");
  const repo = text(value, "repo") ?? text(value, "repository");
  const place = { host, business: text(value, "business"), org: text(value, "org") ?? repo?.split("/")[0], repo };
  const address = splitAddress(text(value, "actor_ip"));
  return made({
    time: { ...time, basis: "event" },
    actor: readActor(value, host, warnings),
    action: { op: op ?? "OTHER", name: action, kind: kindOf(action, op) },
    resources: readResources(value, action.split(".")[0] ?? "", place, warnings),
    outcome: readOutcome(value, action),
    source: {
      ip: address?.ip,
      ipTrust: address === undefined ? undefined : "peer",
      service: text(value, "oauth_application_name") ?? text(value, "integration"),
      userAgent: text(value, "user_agent"),
      geo: { country: countryCode(textAt(value, "actor_location", "country_code")) },
    },
    trace: { requestId: text(value, "request_id") },
    origin: { system: place.org ?? place.business ?? host, nativeId: textAt(value, "_document_id"), warnings },
    native: maskNative(value),
  });
}

function maskNative(value: JsonObject): JsonObject {
  const masked = maskMembers(value);
  const query = textAt(masked, "query_string");
  return query === undefined ? masked : { ...masked, query_string: maskUrl(query) };
}

/** Entries of GitHub's audit log of organisations and enterprises, Git events and API requests included. */
export const github = defineJsonAdapter({
  name: "github",
  title: "GitHub audit log of organisations and enterprises, Git events, API requests (export, API, streaming)",
  options: Type.Object(
    {
      host: Type.String({
        description: "Host of GitHub: namespace of its users and outermost scope of its resources.",
        default: "github.com",
        minLength: 1,
        maxLength: 200,
      }),
    },
    { additionalProperties: false },
  ),
  recognises(value) {
    const { action } = value;
    if (typeof action !== "string" || !/^[a-z0-9_]+(?:\.[a-z0-9_]+)+$/.test(action)) return false;
    if (value["actor"] !== undefined && typeof value["actor"] !== "string") return false;
    return [
      "_document_id",
      "org",
      "business",
      "repo",
      "actor_location",
      "programmatic_access_type",
      "hashed_token",
    ].some((name) => Object.hasOwn(value, name));
  },
  prepare:
    ({ host }) =>
    (value) =>
      readRecord(value, host),
});
