import type { Op } from "@evident/core";
import { lookUp } from "../adapt/index.ts";

/** Ends of operation names, in lower case, that say more than their last word. */
const ends: readonly (readonly [string, Op])[] = [
  ["microsoft.authorization/roleassignments/write", "GRANT"],
  ["microsoft.authorization/roleassignments/delete", "REVOKE"],
  ["microsoft.authorization/elevateaccess/action", "GRANT"],
  ["microsoft.authorization/policyassignments/write", "CONFIGURE"],
  ["microsoft.authorization/policydefinitions/write", "CONFIGURE"],
  ["microsoft.authorization/policysetdefinitions/write", "CONFIGURE"],
  ["microsoft.authorization/policyexemptions/write", "CONFIGURE"],
  ["microsoft.authorization/locks/write", "CONFIGURE"],
  ["microsoft.insights/diagnosticsettings/write", "CONFIGURE"],
  ["microsoft.insights/logprofiles/write", "CONFIGURE"],
  ["/accesspolicies/write", "GRANT"],
  // What a policy found out about a resource; nobody did anything to it.
  ["microsoft.authorization/policies/audit/action", "OTHER"],
  ["microsoft.authorization/policies/auditifnotexists/action", "OTHER"],
  ["microsoft.authorization/policies/deny/action", "OTHER"],
  ["microsoft.authorization/policies/append/action", "UPDATE"],
  ["microsoft.authorization/policies/modify/action", "UPDATE"],
];

/** Last words of operation names; `write` is one word for making and changing, and which of both is not said. */
const lastWords: Readonly<Record<string, Op>> = { read: "READ", write: "WRITE", delete: "DELETE" };

/** What is done by `<word>/action`. */
const actions: readonly (readonly [RegExp, Op])[] = [
  [/^(?:begingetaccess|export|backup|download)/, "EXPORT"],
  [/^(?:list|get|view|read|query|check|validate|search|preview)/, "READ"],
  [/^(?:delete|purge|remove)/, "DELETE"],
  [/^(?:create|generate|import|upload|add)/, "CREATE"],
  [
    /^(?:update|set|regenerate|rotate|renew|reset|recover|restore|move|change|attach|detach|join|rename|resize|redeploy)/,
    "UPDATE",
  ],
  [/^(?:register|unregister|enable|disable)/, "CONFIGURE"],
  [/^(?:grant|approve|assign)/, "GRANT"],
  [/^(?:endgetaccess|revoke|reject|unassign)/, "REVOKE"],
  [/^(?:login|signin)/, "AUTH"],
];

const storage: readonly (readonly [RegExp, Op])[] = [
  [/^(?:Get|Head|Query|Peek|Preflight|Receive)/, "READ"],
  [/^List/, "LIST"],
  [/^(?:Put|Append|Copy|Insert|Write|Flush)/, "WRITE"],
  [/^Create/, "CREATE"],
  [/^(?:Delete|Clear)/, "DELETE"],
  [/^(?:Set|Update|Merge|Lease|Acquire|Release|Renew|Break|Change|Rename|Undelete|Restore|Abort|Snapshot)/, "UPDATE"],
];

/** What an operation of a resource provider does, `Microsoft.Compute/virtualMachines/start/action` for example. */
export function azureOp(operationName: string): Op | undefined {
  const name = operationName.toLowerCase();
  const end = ends.find(([text]) => name.endsWith(text));
  if (end !== undefined) return end[1];
  const [last, before = ""] = name.split("/").toReversed();
  if (last === "action") return actions.find(([form]) => form.test(before))?.[1] ?? "EXECUTE";
  return lookUp(lastWords, last);
}

/** What an operation of the storage services does, `GetBlob` for example. */
export function azureStorageOp(operationName: string): Op | undefined {
  return storage.find(([form]) => form.test(operationName))?.[1];
}
