import type { Op } from "@evident/core";
import { type JsonObject, listAt, objectAt, textAt } from "../adapt/index.ts";
import { kubernetesOp, RBAC_GROUP } from "./kubernetes-ops.ts";
import { opOfVerb } from "./verb-ops.ts";

/** What a method means where its verb alone would mislead, by the method's last part in small letters. */
const methods: ReadonlyMap<string, Op> = new Map(
  Object.entries({
    AUTH: "authorizeuser checkpolicy generateaccesstoken generateidtoken beginimpersonation startsession continuesession loginprofile exchangetoken",
    CONFIGURE:
      "updatesink updatelogbucket setorgpolicy updatepolicy updateauditconfig updateexclusion createexclusion updatesettings updatecmeksettings",
    EXECUTE:
      "encrypt asymmetricsign macsign generatecontent streamgeneratecontent predict rawpredict serverstreamingpredict signblob signjwt executesql executestreamingsql executebatchdml callfunction jobservice_insert",
    EXPORT: "export exportassets exportdocuments exportimage",
    GRANT: "insertprojectownershipinvite",
    READ: "getiampolicy testiampermissions accesssecretversion decrypt asymmetricdecrypt runquery batchgetdocuments readrows getqueryresults tabledata_list streamingread",
    WRITE: "compose rewrite insertall mutaterows commit",
  }).flatMap(([op, words]) => words.split(" ").map((word) => [word, op as Op] as const)),
);

const SET_POLICY = /^set_?iam_?(?:policy|permissions)$/;

/** Giving roles, or only taking some away. */
function policyOp(payload: JsonObject): Op {
  const deltas = [
    ...listAt(payload, "serviceData", "policyDelta", "bindingDeltas"),
    ...listAt(payload, "metadata", "datasetChange", "bindingDeltas"),
    ...listAt(payload, "metadata", "tableChange", "bindingDeltas"),
  ];
  const actions = deltas.map((delta) => textAt(delta, "action"));
  return actions.length > 0 && actions.every((action) => action === "REMOVE") ? "REVOKE" : "GRANT";
}

/** BigQuery has one method for everything and says in the metadata what happened. */
const bigQueryChanges: readonly (readonly [string, Op])[] = [
  ["tableDataRead", "READ"],
  ["tableDataChange", "WRITE"],
  ["tableCreation", "CREATE"],
  ["tableChange", "UPDATE"],
  ["tableDeletion", "DELETE"],
  ["datasetCreation", "CREATE"],
  ["datasetChange", "UPDATE"],
  ["datasetDeletion", "DELETE"],
  ["routineCreation", "CREATE"],
  ["routineChange", "UPDATE"],
  ["routineDeletion", "DELETE"],
];

function bigQueryOp(payload: JsonObject): Op | undefined {
  const metadata = objectAt(payload, "metadata");
  const change = bigQueryChanges.find(([name]) => objectAt(metadata, name) !== undefined);
  if (change !== undefined) return change[1];
  const job = objectAt(metadata, "jobInsertion", "job") ?? objectAt(metadata, "jobChange", "job");
  if (job === undefined) return undefined;
  return textAt(job, "jobConfig", "type") === "EXPORT" ? "EXPORT" : "EXECUTE";
}

const kubernetesMethod = /^io\.k8s\.(?:([\w.]{1,100}?)\.)?v\d\w*\.([\w-]+(?:\.[\w-]+)?)\.(\w+)$/;

/** The short names that GKE gives API groups in methods, as far as they matter here. */
const groups: ReadonlyMap<string, string> = new Map([
  ["rbac", RBAC_GROUP],
  ["authorization.rbac", RBAC_GROUP],
]);

/**
 * What a method of a Google API did. @param methodName for example `v1.compute.instances.insert`
 * @returns undefined when neither the method nor a permission tells it; `isGuess` when only a permission does
 */
export function gcpOp(
  service: string,
  methodName: string,
  payload: JsonObject,
): { readonly op: Op; readonly isGuess?: boolean } | undefined {
  const last = methodName.slice(methodName.lastIndexOf(".") + 1);
  const small = last.toLowerCase();
  if (SET_POLICY.test(small)) return { op: policyOp(payload) };
  const inCluster = kubernetesMethod.exec(methodName);
  if (inCluster !== null) {
    const [, group = "", path = "", verb = ""] = inCluster;
    const [resource = "", subresource] = path.split(".");
    const op = kubernetesOp(verb, { group: groups.get(group) ?? group, resource, subresource });
    return op === undefined ? undefined : { op };
  }
  const fromJob = service === "bigquery" ? bigQueryOp(payload) : undefined;
  if (fromJob !== undefined) return { op: fromJob };
  if (service === "storage" && methodName.endsWith("objects.create")) return { op: "WRITE" };
  const op = methods.get(small) ?? opOfVerb(last);
  if (op !== undefined) return { op };
  const permission = textAt(listAt(payload, "authorizationInfo")[0], "permission");
  const guess = permission === undefined ? undefined : opOfVerb(permission.slice(permission.lastIndexOf(".") + 1));
  return guess === undefined ? undefined : { op: guess, isGuess: true };
}
