export { assistantActor } from "./assistant.ts";
export { identityEvent } from "./identity-provider.ts";
export { CLUSTER, clusterUser, podOf } from "./kubernetes.ts";
export { trafficEvent } from "./traffic-event.ts";
