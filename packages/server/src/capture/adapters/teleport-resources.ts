import { type JsonObject, maskText, type NativeEvent, objectAt, textAt, textsAt } from "../adapt/index.ts";

type Resource = NativeEvent["resources"][number];

/** The server on which a session ran. */
function nodeOf(value: JsonObject, cluster: string): readonly Resource[] {
  const id = textAt(value, "server_id") ?? textAt(value, "server_addr") ?? textAt(value, "server_hostname");
  if (id === undefined) return [];
  return [{ type: "teleport.node", id, name: textAt(value, "server_hostname"), scope: [cluster] }];
}

/** What a process touched on a server, and the server. */
function onNode(value: JsonObject, cluster: string, type: string, id: string | undefined): readonly Resource[] {
  const nodes = nodeOf(value, cluster);
  const [node] = nodes;
  if (id === undefined) return nodes;
  const scope = node === undefined ? [cluster] : [cluster, node.id];
  return [{ type, id, scope }, ...nodes.map((each) => ({ ...each, role: "related" as const }))];
}

function kubernetesOf(value: JsonObject, cluster: string): readonly Resource[] {
  const kube = textAt(value, "kubernetes_cluster");
  if (kube === undefined) return [];
  const namespace = textAt(value, "kubernetes_pod_namespace") ?? textAt(value, "resource_namespace");
  const scope = namespace === undefined ? [cluster, kube] : [cluster, kube, namespace];
  const pod = textAt(value, "kubernetes_pod_name");
  const kind = textAt(value, "resource_kind") ?? (pod === undefined ? undefined : "pods");
  const name = textAt(value, "resource_name") ?? pod ?? "*";
  if (kind !== undefined) {
    const group = (textAt(value, "resource_api_group") ?? "core").replace(/(?:^|\/)v\d\w*$/, "") || "core";
    return [{ type: `k8s.${group}.${kind}`, id: namespace === undefined ? name : `${namespace}/${name}`, scope }];
  }
  const path = textAt(value, "request_path")?.replace(/[?#].*$/s, "");
  return [
    path === undefined
      ? { type: "teleport.kube_cluster", id: kube, scope: [cluster] }
      : { type: "http.path", id: path, scope },
  ];
}

function databaseOf(value: JsonObject, cluster: string): readonly Resource[] {
  const service = textAt(value, "db_service") ?? textAt(value, "name") ?? textAt(value, "db_uri");
  if (service === undefined) return [];
  const database: Resource = {
    type: "teleport.database",
    id: service,
    name: textAt(value, "db_uri"),
    scope: [cluster],
  };
  const name = textAt(value, "db_name") ?? textAt(value, "schema_name");
  return name === undefined
    ? [database]
    : [
        { type: "db.database", id: name, scope: [cluster, service] },
        { ...database, role: "related" },
      ];
}

function appOf(value: JsonObject, cluster: string): readonly Resource[] {
  const id = textAt(value, "app_name") ?? textAt(value, "name") ?? textAt(value, "public_addr");
  if (id === undefined) return [];
  const app: Resource = {
    type: "teleport.app",
    id,
    name: textAt(value, "app_public_addr") ?? textAt(value, "public_addr"),
    scope: [cluster],
  };
  const path = textAt(value, "path");
  return path === undefined
    ? [app]
    : [
        { type: "http.path", id: path, scope: [cluster, id] },
        { ...app, role: "related" },
      ];
}

function desktopOf(value: JsonObject, cluster: string): readonly Resource[] {
  const address = textAt(value, "desktop_addr");
  const id = textAt(value, "desktop_name") ?? address;
  return id === undefined ? [] : [{ type: "teleport.desktop", id, name: address, scope: [cluster] }];
}

/** Roles, users, locks and whatever else an administrator makes: the first part of the event's name is its type. */
function objectOf(value: JsonObject, event: string, cluster: string): readonly Resource[] {
  const [kind = event] = event.split(".");
  const device = objectAt(value, "mfa_device");
  const id =
    kind === "mfa"
      ? (textAt(value, "mfa_device_uuid") ?? textAt(device, "mfa_device_uuid") ?? textAt(value, "mfa_device_name"))
      : kind === "cert"
        ? textAt(value, "identity", "user")
        : (textAt(value, "name") ?? textAt(value, "id") ?? textAt(value, "bot_name"));
  if (id === undefined) return [];
  const type = kind === "cert" ? "certificate" : kind === "mfa" ? "mfa_device" : kind;
  return [{ type: `teleport.${type}`, id, name: textAt(value, "mfa_device_name"), scope: [cluster] }];
}

/** Users and roles that a lock or a request is about. */
function affectedOf(value: JsonObject, event: string, cluster: string): readonly Resource[] {
  if (event.startsWith("lock.")) {
    const target = objectAt(value, "target") ?? {};
    return Object.keys(target).flatMap((kind) => {
      const id = textAt(target, kind);
      return id === undefined ? [] : [{ type: `teleport.${kind}`, id, scope: [cluster], role: "affected" as const }];
    });
  }
  if (!event.startsWith("access_request.") && !event.startsWith("user.")) return [];
  return textsAt(value, "roles").map((id) => ({
    type: "teleport.role",
    id,
    scope: [cluster],
    role: "affected" as const,
  }));
}

function targetsOf(value: JsonObject, event: string, cluster: string): readonly Resource[] {
  if (event === "user.login" || event === "user.logout") return [];
  if (event.startsWith("db.")) return databaseOf(value, cluster);
  if (event.startsWith("app.")) return appOf(value, cluster);
  if (event.startsWith("windows.desktop.") || event.startsWith("desktop.")) return desktopOf(value, cluster);
  const kube = kubernetesOf(value, cluster);
  if (kube.length > 0) return kube;
  switch (event) {
    case "session.command":
      return onNode(value, cluster, "process", textAt(value, "path") ?? textAt(value, "program"));
    case "exec":
      return onNode(
        value,
        cluster,
        "process",
        maskText(textAt(value, "command") ?? "")
          .trim()
          .split(/\s/)[0],
      );
    case "session.disk":
    case "scp":
    case "sftp":
      return onNode(value, cluster, "file", textAt(value, "path"));
    case "session.network": {
      const [address, port] = [textAt(value, "dst_addr"), textAt(value, "dst_port")];
      return onNode(
        value,
        cluster,
        "network.address",
        address === undefined ? undefined : [address, port].filter(Boolean).join(" "),
      );
    }
    case "port":
      return onNode(value, cluster, "network.address", textAt(value, "addr"));
    case "session.recording.access":
      return [{ type: "teleport.recording", id: textAt(value, "sid") ?? "unknown", scope: [cluster] }];
    default: {
      const objects = objectOf(value, event, cluster);
      return objects.length > 0 ? objects : nodeOf(value, cluster);
    }
  }
}

/** What an event of Teleport was done to; the cluster itself when it names nothing within. */
export function readTeleportResources(value: JsonObject, event: string, cluster: string): readonly Resource[] {
  const targets = targetsOf(value, event, cluster);
  const all = [...targets, ...affectedOf(value, event, cluster)];
  return targets.length > 0 ? all : [{ type: "teleport.cluster", id: cluster, scope: [cluster] }, ...all];
}
