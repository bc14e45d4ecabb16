import { isObject, type JsonObject, listAt, type NativeEvent, objectAt, textAt, toText } from "../adapt/index.ts";
import { ec2Arn, ownIdentity, type Target, targetsOf } from "./cloudtrail-targets.ts";
import { leadingVerb } from "./verb-ops.ts";

type Resource = NativeEvent["resources"][number];
type Resources = readonly Resource[];

/** What a record says about where it happened. */
export interface AwsPlace {
  readonly account: string | undefined;
  readonly region: string | undefined;
}

interface Found {
  readonly resources: Resources;
  readonly warning?: string;
}

const MAX_RESOURCES = 1_000;

/** Kinds of resources whose ARN names no kind. */
const kindless: ReadonlyMap<string, string> = new Map([
  ["s3", "bucket"],
  ["sns", "topic"],
  ["sqs", "queue"],
  ["codecommit", "repository"],
]);

/** `aws.<service>.<kind>` of an ARN: `arn:aws:rds:eu-west-1:1:cluster:orders` is an `aws.rds.cluster`. */
function typeOfArn(arn: string): string {
  const [, , service = "service", , , ...rest] = arn.split(":");
  const first = rest[0] ?? "";
  if (service === "s3" && rest.length === 1 && arn.split(":")[3] === "")
    return first.includes("/") ? "aws.s3.object" : "aws.s3.bucket";
  const slash = first.replace(/^\//, "").indexOf("/");
  const kind =
    slash > 0
      ? first.replace(/^\//, "").slice(0, slash)
      : rest.length > 1 || first === "root"
        ? first
        : (kindless.get(service) ?? "resource");
  return `aws.${service}.${kind.toLowerCase()}`;
}

function partitionOf(region: string | undefined): string {
  if (region === undefined) return "aws";
  if (region.startsWith("cn-")) return "aws-cn";
  if (region.startsWith("us-gov-")) return "aws-us-gov";
  if (region.startsWith("us-isob-")) return "aws-iso-b";
  return region.startsWith("us-iso-") ? "aws-iso" : "aws";
}

function scopeOf(account: string | undefined, region: string | undefined): readonly string[] | undefined {
  const scope = [account, region].filter((part) => part !== undefined && part !== "");
  return scope.length === 0 ? undefined : (scope as readonly string[]);
}

function ofArn(arn: string, place: AwsPlace, type = typeOfArn(arn)): Resource {
  const [, , , region, account] = arn.split(":");
  return { type, id: arn, scope: scopeOf(account || place.account, region || place.region) };
}

/** Resources that CloudTrail lists itself. */
function listed(record: JsonObject, place: AwsPlace): Resources {
  const resources = listAt(record, "resources").flatMap((item): Resources => {
    const arn = textAt(item, "ARN") ?? textAt(item, "arn") ?? textAt(item, "ARNPrefix");
    if (arn === undefined) return [];
    const account = textAt(item, "accountId");
    const isArn = arn.startsWith("arn:");
    const given = textAt(item, "type")?.replaceAll("::", ".").toLowerCase();
    const type = isArn && !arn.startsWith("arn:::") ? typeOfArn(arn) : (given ?? "aws.resource");
    const resource = isArn ? ofArn(arn, place, type) : { type, id: arn, scope: scopeOf(place.account, place.region) };
    const isPrefix = textAt(item, "ARN") === undefined && textAt(item, "ARNPrefix") !== undefined;
    const scope = account === undefined ? resource.scope : scopeOf(account, arn.split(":")[3] || place.region);
    return [{ ...resource, scope, role: isPrefix ? "related" : undefined }];
  });
  // The bucket of an object is where it lies, not what was accessed.
  const hasObject = resources.some(({ type, role }) => type === "aws.s3.object" && role === undefined);
  const ranked = hasObject
    ? resources.map((each) => (each.type === "aws.s3.bucket" ? { ...each, role: "related" as const } : each))
    : resources;
  return [...ranked.filter(({ role }) => role === undefined), ...ranked.filter(({ role }) => role !== undefined)];
}

/** The texts at a path; a step `*` goes through every element of an array. */
function textsAtPath(value: unknown, path: readonly string[], from = 0): readonly string[] {
  for (let at = from; at < path.length; at += 1) {
    const step = path[at] ?? "";
    if (step === "*") {
      if (!Array.isArray(value)) return [];
      return (value as readonly unknown[]).slice(0, MAX_RESOURCES).flatMap((item) => textsAtPath(item, path, at + 1));
    }
    if (!isObject(value) || !Object.hasOwn(value, step)) return [];
    value = value[step];
  }
  const text = toText(value);
  return text === undefined ? [] : [text];
}

function fill(template: string, id: string, place: AwsPlace): string | undefined {
  if (template.includes("{account}") && place.account === undefined) return undefined;
  if (template.includes("{region}") && place.region === undefined) return undefined;
  return template
    .replace("{partition}", partitionOf(place.region))
    .replace("{region}", place.region ?? "")
    .replace("{account}", place.account ?? "")
    .replace(id.startsWith("/") ? "/{id}" : "{id}", () => id);
}

/** Ids that say by their beginning that they are of another kind than their parameter's name. */
const otherwise = [
  {
    of: "aws.ec2.instance",
    prefix: "mi-",
    type: "aws.ssm.managed-instance",
    arn: "arn:{partition}:ssm:{region}:{account}:managed-instance/{id}",
  },
  { of: "aws.ec2.resource", prefix: "vpc-", type: "aws.ec2.vpc", arn: ec2Arn("vpc") },
  { of: "aws.ec2.resource", prefix: "subnet-", type: "aws.ec2.subnet", arn: ec2Arn("subnet") },
  { of: "aws.ec2.resource", prefix: "eni-", type: "aws.ec2.network-interface", arn: ec2Arn("network-interface") },
  { of: "aws.kms.key", prefix: "alias/", type: "aws.kms.alias", arn: "arn:{partition}:kms:{region}:{account}:{id}" },
] as const;

function ofTarget(target: Target, text: string, place: AwsPlace): Resource {
  if (text.startsWith("arn:")) return ofArn(text, place);
  const { type, arn } = otherwise.find(({ of, prefix }) => of === target.type && text.startsWith(prefix)) ?? target;
  const id = arn === undefined ? undefined : fill(arn, text, place);
  const scope = scopeOf(place.account, place.region);
  return id === undefined ? { type, id: text, scope } : { type, id, name: text, scope };
}

/** Resources that the table of the service finds: the first sort is the target, further sorts are related to it. */
function tabled(record: JsonObject, service: string, eventName: string, place: AwsPlace): Resources {
  const found: Resource[] = [];
  let targetType: string | undefined;
  for (const target of targetsOf(service)) {
    if (target.on !== undefined && !target.on.test(eventName)) continue;
    for (const text of textsAtPath(record, target.path)) {
      if (text.startsWith("HIDDEN_DUE_TO")) continue;
      const resource = ofTarget(target, text, place);
      if (found.some(({ id }) => id === resource.id)) continue;
      targetType ??= resource.type;
      found.push(resource.type === targetType ? resource : { ...resource, role: "related" });
    }
  }
  return found;
}

/** The object in S3 that a bucket and a key name. */
function s3Object(parameters: JsonObject | undefined, place: AwsPlace): Resources {
  const bucket = textAt(parameters, "bucketName");
  const key = textAt(parameters, "key");
  if (bucket === undefined) return [];
  const scope = scopeOf(place.account, place.region);
  const prefix = `arn:${partitionOf(place.region)}:s3:::`;
  const inBucket = { type: "aws.s3.bucket", id: `${prefix}${bucket}`, name: bucket, scope };
  if (key === undefined) return [inBucket];
  return [
    { type: "aws.s3.object", id: `${prefix}${bucket}/${key}`, name: key, scope },
    { ...inBucket, role: "related" },
  ];
}

/** "not authorized to perform: … on resource: arn:…": a refused request often comes without its parameters. */
const REFUSED_RESOURCE = /\bon resource: (arn:[\w-]+:[\w-]*:[\w-]*:\d*:[^\s"',;]{1,1024})/;

function fromMessage(record: JsonObject, place: AwsPlace): Resources {
  const arn = REFUSED_RESOURCE.exec(textAt(record, "errorMessage") ?? "")?.[1];
  return arn === undefined ? [] : [ofArn(arn, place)];
}

/** Kinds that ARNs call otherwise than actions do. */
const arnKinds: Readonly<Record<string, string>> = {
  "ec2.address": "elastic-ip",
  "ec2.flow-log": "vpc-flow-log",
  "ec2.nat-gateway": "natgateway",
  "rds.db-cluster": "cluster",
  "rds.db-cluster-snapshot": "cluster-snapshot",
  "rds.db-instance": "db",
  "rds.db-snapshot": "snapshot",
  "route53.hosted-zone": "hostedzone",
};

/** `aws.ec2.route-table` of `RouteTables`: small letters, hyphens and no plural, as ARNs have it. */
function typeOfNoun(service: string, noun: string): string {
  const kebab = noun.replaceAll(/([a-z\d])([A-Z])|([A-Z])([A-Z][a-z])/g, "$1$3-$2$4").toLowerCase();
  const kind = singular(kebab);
  return `aws.${service}.${arnKinds[`${service}.${kind}`] ?? kind}`;
}

function singular(noun: string): string {
  if (noun.endsWith("ies")) return `${noun.slice(0, -3)}y`;
  if (/(?:ss|x|ch|sh)es$/.test(noun)) return noun.slice(0, -2);
  return /[^su]s$/.test(noun) ? noun.slice(0, -1) : noun;
}

function nounOf(eventName: string): string {
  return eventName.slice(leadingVerb(eventName).length).replace(/\d{4}_?\d\d_?\d\d(?:v\d+)?$/, "");
}

const NAMING = /^(.{2,60}?)(Arn|Id|Name|Identifier)s?$/i;

/** A body, what is in its frame, and the object in it that is called after the noun. */
function bodiesOf(body: JsonObject | undefined, frame: string, noun: string): readonly JsonObject[] {
  const framed = objectAt(body, frame) ?? body;
  if (framed === undefined) return [];
  const inner = Object.entries(framed).find(([name, value]) => isObject(value) && noun.startsWith(name.toLowerCase()));
  return isObject(inner?.[1]) ? [framed, inner[1]] : [framed];
}

/**
 * A parameter that is called after the noun of the action: `guardrailIdentifier` of `DeleteGuardrail`. Looked for in the request, and of
 * what was created in the response.
 */
function named(record: JsonObject, service: string, eventName: string, place: AwsPlace): Resources {
  const noun = nounOf(eventName).toLowerCase();
  if (noun === "") return [];
  const bodies = [
    ...bodiesOf(objectAt(record, "requestParameters"), `${eventName}Request`, noun),
    ...bodiesOf(objectAt(record, "responseElements"), `${eventName}Response`, noun),
  ];
  const found: { readonly text: string; readonly kind: string; readonly rank: number }[] = [];
  for (const body of bodies) {
    for (const [name, value] of Object.entries(body)) {
      const parts = NAMING.exec(name);
      const kind = parts?.[1];
      if (kind === undefined || !noun.includes(kind.toLowerCase())) continue;
      const texts = Array.isArray(value) ? (value as readonly unknown[]) : [value];
      for (const item of texts.slice(0, MAX_RESOURCES)) {
        const text = toText(item);
        if (text === undefined || text.startsWith("HIDDEN_DUE_TO")) continue;
        // An ARN says most, then an id; a longer kind is nearer to the noun.
        const rank = (text.startsWith("arn:") ? 200 : /id/i.test(parts?.[2] ?? "") ? 100 : 0) + kind.length;
        found.push({ text, kind, rank });
      }
    }
  }
  const best = Math.max(...found.map(({ rank }) => rank));
  const chosen = found.filter(({ rank }) => rank === best);
  return chosen.map(({ text, kind }) =>
    text.startsWith("arn:")
      ? ofArn(text, place)
      : { type: typeOfNoun(service, kind), id: text, scope: scopeOf(place.account, place.region) },
  );
}

/** Any ARN among the parameters: the record names a resource, if not by what it is to the action. */
function anyArn(record: JsonObject, place: AwsPlace): Resources {
  return Object.values(objectAt(record, "requestParameters") ?? {})
    .flatMap((value) => (Array.isArray(value) ? (value as readonly unknown[]) : [value]))
    .flatMap((value) => (typeof value === "string" && /^arn:[\w-]+:[\w-]+:/.test(value) ? [ofArn(value, place)] : []))
    .slice(0, MAX_RESOURCES);
}

const OF_ALL = /^(?:List|Describe|Search|Lookup|Query|Scan|BatchGet|Get)/;
/** Asked of an account as a whole. */
const OF_ACCOUNT =
  /^(?:GetAccount|DescribeAccount|GenerateCredentialReport|GetCredentialReport|GetCallerIdentity|GetSessionToken)/;

/** What an action without a named resource is about: the account, or everything of a kind in it. */
function collective(service: string, eventName: string, place: AwsPlace): Resource | undefined {
  const scope = scopeOf(place.account, place.region);
  const isSignIn = service === "signin" || service === "sso" || service === "organizations";
  if (place.account !== undefined && (OF_ACCOUNT.test(eventName) || isSignIn)) {
    return { type: "aws.account", id: place.account, scope };
  }
  if (!OF_ALL.test(eventName)) return undefined;
  const noun = nounOf(eventName);
  return noun === "" ? undefined : { type: typeOfNoun(service, noun), id: "*", scope };
}

/**
 * The resources of a CloudTrail event: those that the record lists, else those that its parameters name, else those that the refusal
 * names, else all of the kind that was asked for.
 *
 * @param service `eventSource` without `.amazonaws.com`
 */
export function cloudtrailResources(record: JsonObject, service: string, eventName: string, place: AwsPlace): Found {
  const own = ownIdentity(service, eventName, record);
  if (own !== undefined) return { resources: [ofArn(own, place)] };
  const exact = firstOf(
    () => listed(record, place),
    () => (service === "s3" ? s3Object(objectAt(record, "requestParameters"), place) : []),
    () => tabled(record, service, eventName, place),
    () => named(record, service, eventName, place),
    () => fromMessage(record, place),
  );
  if (exact.length > 0) return { resources: exact };
  const all = collective(service, eventName, place);
  if (all !== undefined) return { resources: [all] };
  const guessed = anyArn(record, place);
  if (guessed.length > 0) return { resources: guessed, warning: "resource:parameter" };
  const ofService = {
    type: "aws.service",
    id: `${service}.amazonaws.com`,
    scope: scopeOf(place.account, place.region),
  };
  return { resources: [ofService], warning: "resource:default" };
}

function firstOf(...ways: readonly (() => Resources)[]): Resources {
  for (const way of ways) {
    const found = way();
    if (found.length > 0) return found;
  }
  return [];
}
