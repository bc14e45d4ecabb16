import { type JsonObject, listAt, type NativeEvent, textAt, textsAt } from "../adapt/index.ts";
import { gcpContainer } from "./gcp-entry.ts";

type Resource = NativeEvent["resources"][number];

const containers: ReadonlyMap<string, string> = new Map([
  ["projects", "gcp.project"],
  ["projectnumbers", "gcp.project"],
  ["folders", "gcp.folder"],
  ["organizations", "gcp.organization"],
  ["billingAccounts", "gcp.billing-account"],
]);

/** `workload-identity-pool` of `workloadIdentityPools`. */
function kindOf(collection: string): string {
  const kebab = collection
    .replaceAll(/([a-z\d])([A-Z])/g, "$1-$2")
    .replaceAll("_", "-")
    .toLowerCase();
  if (kebab.endsWith("ies")) return `${kebab.slice(0, -3)}y`;
  if (/(?:ss|x|ch|sh)es$/.test(kebab)) return kebab.slice(0, -2);
  return /[^su]s$/.test(kebab) ? kebab.slice(0, -1) : kebab;
}

const OBJECT = /^(.*\/buckets\/[^/]+)\/objects\/(.+)$/s;

/** The type of a resource by the collection that its name ends in; undefined when it names none. */
function typeOf(service: string, name: string): string | undefined {
  if (service === "storage" && OBJECT.test(name)) return "gcp.storage.object";
  const steps = name.replace(/^\/\/[^/]+\//, "").split("/");
  const collection = steps.at(steps.length % 2 === 0 ? -2 : -1) ?? "";
  // `publishers/google/models/m` is a path of pairs; `iap_web/compute/services/1` is not, and its last pair still holds.
  const last = steps.length >= 2 && /^\d+$/.test(steps.at(-1) ?? "") ? (steps.at(-2) ?? "") : collection;
  if (!/^[A-Za-z][\w-]*$/.test(last) || steps.length < 2) return undefined;
  return (steps.length === 2 ? containers.get(last) : undefined) ?? `gcp.${service}.${kindOf(last)}`;
}

const IN_CLUSTER = /^([\w.-]+)\/v\w+\/(?:namespaces\/([^/]+)\/)?([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/;

/** A resource of Kubernetes, named as the adapter `kubernetes` does. */
function ofCluster(name: string, scope: readonly string[]): Resource | undefined {
  const parts = IN_CLUSTER.exec(name);
  if (parts === null) return undefined;
  const [, group = "core", namespace, resource = "", own, sub] = parts;
  const type = `k8s.${group}.${sub === undefined ? resource : `${resource}.${sub}`}`;
  const id = own ?? "*";
  if (namespace === undefined) return { type, id, name: own, scope };
  return { type, id: `${namespace}/${id}`, name: own, scope: [...scope, namespace] };
}

function locationOf(entry: JsonObject, payload: JsonObject, name: string): string | undefined {
  const labels = ["location", "zone", "region"].map((label) => textAt(entry, "resource", "labels", label));
  const [current] = textsAt(payload, "resourceLocation", "currentLocations");
  return (
    labels.find((label) => label !== undefined) ?? /\/(?:locations|zones|regions)\/([^/]+)/.exec(name)?.[1] ?? current
  );
}

/** The project and the place that a resource is in; the cluster for what is in one. */
export function gcpScope(entry: JsonObject, payload: JsonObject, name: string): readonly string[] {
  const named = /(?:^|\/)projects\/([^/_-][^/]*)/.exec(name)?.[1];
  const scope = [
    gcpContainer(entry) ?? named,
    locationOf(entry, payload, name),
    textAt(entry, "resource", "labels", "cluster_name"),
  ];
  return scope.filter((part) => part !== undefined);
}

interface Found {
  readonly resources: readonly Resource[];
  readonly warning?: string;
}

/** The names of what was accessed, the target first. What was created is named in the response only. */
function namesOf(payload: JsonObject, isCreated: boolean): readonly string[] {
  const own = textAt(payload, "resourceName");
  const created = textAt(payload, "response", "name");
  const isInside = isCreated && created !== undefined && /^(?:projects|organizations|folders)\/.*\//.test(created);
  // A perimeter of VPC Service Controls names the project, and beside it what was asked for.
  const asked = textsAt(payload, "metadata", "resourceNames");
  const checked = listAt(payload, "authorizationInfo").map(
    (item) => textAt(item, "resource") ?? textAt(item, "resourceAttributes", "name"),
  );
  const all = [...(isInside ? [created] : []), ...asked, own, ...checked];
  return [...new Set(all.filter((name) => name !== undefined))];
}

/** A resource by its name; `fallback` is its type where the name does not tell. */
export function gcpResource(
  service: string,
  name: string,
  fallback: string | undefined,
  scope: readonly string[],
): Resource {
  const inCluster = service === "k8s" ? ofCluster(name, scope) : undefined;
  return inCluster ?? { type: typeOf(service, name) ?? fallback ?? `gcp.${service}.resource`, id: name, scope };
}

/**
 * The resources of an audit record.
 *
 * @param service `serviceName` without `.googleapis.com`
 * @param isCreated whether something was created, so that the response names it
 */
export function gcpResources(entry: JsonObject, payload: JsonObject, service: string, isCreated: boolean): Found {
  const names = namesOf(payload, isCreated);
  const own = textAt(payload, "resourceName");
  const monitored = textAt(entry, "resource", "type");
  const isOpaque = monitored === undefined || monitored === "audited_resource";
  const fallback = isOpaque ? undefined : `gcp.${service}.${kindOf(monitored)}`;
  const resources = names.map((name, index): Resource => {
    const scope = gcpScope(entry, payload, name);
    const resource = gcpResource(service, name, fallback, scope);
    // What permissions were checked on beside the target is related to it.
    return index === 0 || textsAt(payload, "metadata", "resourceNames").includes(name)
      ? resource
      : { ...resource, role: "related" };
  });
  if (resources.length > 0) return own === undefined ? { resources, warning: "resource:authorization" } : { resources };
  const scope = gcpScope(entry, payload, "");
  const [, id] = Object.entries((entry["resource"] as JsonObject | undefined)?.["labels"] ?? {}).find(
    ([label, value]) =>
      /_(?:id|name)$/.test(label) && label !== "project_id" && typeof value === "string" && value !== "",
  ) ?? [undefined, undefined];
  if (fallback !== undefined && typeof id === "string") {
    return { resources: [{ type: fallback, id, scope }], warning: "resource:labels" };
  }
  return { resources: [{ type: "gcp.service", id: `${service}.googleapis.com`, scope }], warning: "resource:default" };
}
