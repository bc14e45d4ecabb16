import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const folder = new URL("../../../../../examples/kubernetes/", import.meta.url);

interface Rule {
  readonly level: string;
  readonly verbs?: readonly string[];
  readonly users?: readonly string[];
  readonly userGroups?: readonly string[];
  readonly resources?: readonly { readonly group: string; readonly resources?: readonly string[] }[];
  readonly nonResourceURLs?: readonly string[];
}

interface Policy {
  readonly apiVersion: string;
  readonly kind: string;
  readonly rules: readonly Rule[];
}

const policy = parse(readFileSync(new URL("audit-policy.yaml", folder), "utf8")) as Policy;

/** The level of the first rule that matches, as the API server decides (`tasks/debug/debug-cluster/audit`). */
function levelOf(verb: string, place: string, who: { readonly user?: string; readonly group?: string } = {}): string {
  const [group = "", resource = ""] = place.includes(":") ? place.split(":") : ["", place];
  const rule = policy.rules.find(({ verbs, users, userGroups, resources, nonResourceURLs }) => {
    if (verbs !== undefined && !verbs.includes(verb)) return false;
    if (users !== undefined && !users.includes(who.user ?? "jane")) return false;
    if (userGroups !== undefined && !userGroups.includes(who.group ?? "system:authenticated")) return false;
    if (nonResourceURLs !== undefined) return false;
    return (
      resources === undefined ||
      resources.some((each) => each.group === group && (each.resources?.includes(resource) ?? true))
    );
  });
  return rule?.level ?? "None";
}

describe("the sample audit policy", () => {
  it("records every request of a person at least at level Metadata (CIS 3.2.1)", () => {
    expect([policy.apiVersion, policy.kind]).toEqual(["audit.k8s.io/v1", "Policy"]);
    expect(policy.rules.at(-1)).toEqual({ level: "Metadata" });
    for (const verb of ["get", "list", "watch", "create", "update", "patch", "delete"]) {
      for (const place of ["pods", "nodes", "endpoints", "coordination.k8s.io:leases", "example.com:widgets"]) {
        expect(levelOf(verb, place), `${verb} ${place}`).not.toBe("None");
      }
    }
  });

  it("never records what Secrets, ConfigMaps and tokens hold (CIS 3.2.2)", () => {
    for (const verb of ["get", "list", "create", "update", "patch", "delete"]) {
      for (const place of ["secrets", "configmaps", "serviceaccounts/token", "authentication.k8s.io:tokenreviews"]) {
        expect(levelOf(verb, place), `${verb} ${place}`).toBe("Metadata");
        expect(levelOf(verb, place, { user: "system:apiserver", group: "system:nodes" })).toBe("Metadata");
      }
    }
  });

  it("records changes of pods and deployments, and who enters a container or a service (CIS 3.2.2)", () => {
    for (const place of ["pods", "apps:deployments"]) {
      for (const verb of ["create", "update", "patch", "delete"]) expect(levelOf(verb, place)).toBe("Request");
    }
    for (const place of ["pods/exec", "pods/portforward", "pods/proxy", "services/proxy"]) {
      for (const verb of ["get", "create"]) expect(levelOf(verb, place)).toBe("Request");
    }
    expect(levelOf("create", "rbac.authorization.k8s.io:clusterrolebindings")).toBe("RequestResponse");
  });
});

describe("the sample kubeconfig", () => {
  it("points at the receiver with the cluster in the path and a bearer token", () => {
    const config = parse(readFileSync(new URL("webhook-kubeconfig.yaml", folder), "utf8")) as {
      readonly clusters: readonly { readonly name: string; readonly cluster: { readonly server: string } }[];
      readonly users: readonly { readonly name: string; readonly user: { readonly token: string } }[];
      readonly contexts: readonly { readonly context: { readonly cluster: string; readonly user: string } }[];
    };
    const [cluster] = config.clusters;
    const [user] = config.users;
    expect(cluster?.cluster.server).toBe("https://EVIDENT/v1/receive/kubernetes/prod-eu");
    expect(user?.user.token).toBe("EVIDENT_API_KEY");
    expect(config.contexts[0]?.context).toEqual({ cluster: cluster?.name, user: user?.name });
  });
});
