import { describe, expect, it } from "vitest";
import { hasSharedData, type Label, labelsAt, pantherEvents, readNative, readShared } from "../testing/index.ts";
import { gcp } from "./gcp.ts";

const IP = "203.0.113.255";

/** Of each file of fixtures, written from its text before the adapter ran. */
const fixtures: Readonly<Record<string, Label | readonly ["skipped", string]>> = {
  "google.cloud.aiplatform.v1.PredictionService.Predict": [
    "user test-user@example.com",
    "EXECUTE",
    "google.cloud.aiplatform.v1.PredictionService.Predict",
    "gcp.aiplatform.model projects/my-project/locations/us-central1/publishers/google/models/code-bison@002",
    "my-project > us-central1",
    "success",
    IP,
  ],
  "google.cloud.aiplatform.v1beta1.PredictionService.GenerateContent": [
    "user test-user@example.com",
    "EXECUTE",
    "google.cloud.aiplatform.v1beta1.PredictionService.GenerateContent",
    "gcp.aiplatform.model projects/my-project/locations/us-central1/publishers/google/models/gemini-1.0-pro-001",
    "my-project > us-central1",
    "success",
    IP,
  ],
  "google.cloud.audit.AuditLog.GetProject": [
    "user test-user@example.com",
    "READ",
    "GetProject",
    "gcp.project projects/1234",
    "1234",
    "success",
    IP,
  ],
  "google.cloud.audit.AuditLog.setIamPolicy": [
    "user test-user@example.com",
    "GRANT",
    "SetIamPolicy",
    "gcp.project projects/1234",
    "1234",
    "success",
    IP,
  ],
  "google.cloud.bigquery.v2.JobService.InsertJob-dataRead": [
    "user test-user@example.com",
    "READ",
    "google.cloud.bigquery.v2.JobService.InsertJob",
    "gcp.bigquery.table projects/1234/datasets/my_dataset/tables/my_table",
    "1234",
    "success",
    IP,
  ],
  "google.cloud.iap.v1.IdentityAwareProxyAdminService.SetIamPolicy": [
    "user admin@example.com",
    "GRANT",
    "google.cloud.iap.v1.IdentityAwareProxyAdminService.SetIamPolicy",
    "gcp.iap.service projects/1234/iap_web/compute/services/123456",
    "1234",
    "success",
    IP,
  ],
  "google.cloud.loadbalancing.type.LoadBalancerLogEntry-Spring4Shell": [
    "anonymous 192.158.1.38",
    "CREATE",
    "POST",
    "http.path /path",
    "1234 > 203.0.113.255",
    "denied",
    "192.158.1.38",
  ],
  "google.cloud.loadbalancing.type.LoadBalancerLogEntry-handledbyIAP": [
    "anonymous 192.158.1.38",
    "READ",
    "GET",
    "http.path /",
    "1234 > 203.0.113.255",
    "success",
    "192.158.1.38",
  ],
  "google.compute.googleapis.com.vpc_flows": ["skipped", "log entry without an access"],
  "google.iam.admin.v1.CreateServiceAccountRequest": [
    "user test@example.com",
    "CREATE",
    "google.iam.admin.v1.CreateServiceAccount",
    "gcp.iam.service-account projects/1234/serviceAccounts/sa-200@1234.iam.gserviceaccount.com",
    "1234",
    "success",
    IP,
  ],
  "google.iam.admin.v1.SetIamPolicy-keyAdmin": [
    "user admin@example.com",
    "GRANT",
    "google.iam.admin.v1.SetIAMPolicy",
    "gcp.iam.service-account projects/-/serviceAccounts/123456789",
    "my-project",
    "success",
    IP,
  ],
  "google.iam.admin.v1.SetIamPolicy-tokenCreator": [
    "user admin@example.com",
    "GRANT",
    "google.iam.admin.v1.SetIAMPolicy",
    "gcp.iam.service-account projects/-/serviceAccounts/123456789",
    "my-project",
    "success",
    IP,
  ],
  "google.storage.objects.get-notInSameVPC": [
    "unknown unknown",
    "READ",
    "google.storage.objects.get",
    "gcp.storage.object projects/123/buckets/protected-bucket/objects/private.txt",
    "1234",
    "denied",
    IP,
  ],
  "google.v1.compute.subnetworks.patch-disableFlowLogs": [
    "user test-user@example.com",
    "UPDATE",
    "v1.compute.subnetworks.patch",
    "gcp.compute.subnetwork projects/1234/regions/us-central1/subnetworks/subnet-1",
    "1234 > us-central1",
    "success",
    IP,
  ],
};

/** Lines of Panther's samples. */
const panther: readonly (readonly [number, ...Label])[] = [
  [
    16,
    "unknown unknown",
    "EXECUTE",
    "google.ssh-serialport.v1.connect",
    "gcp.ssh-serialport.serial-port projects/example-project/zones/us-central1-f/instances/example-instance/SerialPort/1",
    "example-project > us-central1-f",
    "success",
    "192.168.1.100",
  ],
  [
    28,
    "user user@example.com",
    "DELETE",
    "storage.objects.delete",
    "gcp.storage.object projects/_/buckets/test-bucket/objects/test-file.txt",
    "-",
    "denied",
    "-",
  ],
  [
    33,
    "user user.name@runpanther.io",
    "GRANT",
    "storage.setIamPermissions",
    "gcp.storage.bucket projects/_/buckets/jacks-test-bucket",
    "western-verve-123456 > us",
    "success",
    "136.24.229.58",
  ],
  [
    51,
    "service service-111111111111-gs-project-accounts.iam.gserviceaccount.com",
    "EXECUTE",
    "Encrypt",
    "gcp.cloudkms.crypto-key projects/test-project/locations/us/keyRings/test-keyring/cryptoKeys/test-key",
    "test-project > us",
    "failure",
    "-",
  ],
  [
    60,
    "service test-no-perms@test-project-123456.iam.gserviceaccount.com",
    "CREATE",
    "google.iam.admin.v1.CreateServiceAccount",
    "gcp.project projects/test-project-123456",
    "test-project-123456",
    "denied",
    "12.12.12.12",
  ],
  [
    71,
    "user user@example.com",
    "DELETE",
    "google.iam.v1.WorkloadIdentityPools.DeleteWorkloadIdentityPool",
    "gcp.iam.workload-identity-pool projects/test-project/locations/global/workloadIdentityPools/test-pool",
    "test-project > global",
    "pending",
    "07da:0994:97fb:8db1:c68f:c109:fcdd:d594",
  ],
  [
    83,
    "service system:serviceaccount:kube-system:deployment-controller",
    "CREATE",
    "io.k8s.core.v1.pods.create",
    "k8s.core.pods gke-system/network-agent",
    "some-project > us-west1 > some-project-cluster > gke-system",
    "success",
    "10.0.0.2",
  ],
];

describe.skipIf(!hasSharedData)("Google Cloud log entries labelled by hand", () => {
  for (const [name, label] of Object.entries(fixtures)) {
    it(`are read as labelled: ${name}`, async () => {
      const input = await readNative(gcp, readShared(`gcp/${name}.json`));
      expect(labelsAt(input, [1])).toEqual([[1, ...label]]);
    });
  }

  it("are read as labelled among the samples of a vendor", async () => {
    const input = await readNative(gcp, pantherEvents("GCP.AuditLog"));
    const lines = panther.map(([line]) => line);
    expect(labelsAt(input, lines)).toEqual(panther);
  });
});
