import { describe, expect, it } from "vitest";
import {
  compareCrowdsec,
  crowdsecExpectations,
  hasSharedData,
  labelsAt,
  measurePrecision,
  type NativeInput,
  readNative,
  readShared,
} from "../../testing/index.ts";
import { authLog } from "./auth-log.ts";

const host = "ip-10-77-20-248";
const log = "syslog/sshd_auth.log.gz";

/** Labelled by hand from the raw lines before the adapter was run. */
const labels = [
  [6, "user ubuntu", "AUTH", "sshd accepted publickey", "os.account ubuntu", host, "success", "85.245.107.41"],
  [9, "user ubuntu", "AUTH", "systemd-logind new session", "os.account ubuntu", host, "success", "-"],
  [11, "user ubuntu", "AUTH", "sudo session opened", "os.account root", host, "success", "-"],
  [40, "system cron", "AUTH", "cron session opened", "os.account root", host, "success", "-"],
  [
    75,
    "unknown 85.245.107.41",
    "LOGOUT",
    "sshd received disconnect",
    "os.service sshd",
    host,
    "success",
    "85.245.107.41",
  ],
  [76, "unknown 85.245.107.41", "LOGOUT", "sshd disconnected", "os.service sshd", host, "success", "85.245.107.41"],
  [86, "user root", "AUTH", "sshd maximum attempts exceeded", "os.account root", host, "denied", "122.176.37.221"],
  [
    92,
    "anonymous 85.245.107.41",
    "AUTH",
    "sshd bad protocol version",
    "os.service sshd",
    host,
    "failure",
    "85.245.107.41",
  ],
  [96, "unknown support", "AUTH", "sshd invalid user", "os.account support", host, "denied", "95.152.57.58"],
  [
    102,
    "anonymous 209.160.24.191",
    "AUTH",
    "sshd no identification",
    "os.service sshd",
    host,
    "failure",
    "209.160.24.191",
  ],
  [149, "user ubuntu", "EXECUTE", "sudo", "os.command /bin/su", host, "success", "-"],
  [151, "user root", "AUTH", "su", "os.account root", host, "success", "-"],
  [153, "user ubuntu", "AUTH", "su session opened", "os.account root", host, "success", "-"],
  [
    251,
    "anonymous 85.245.107.41",
    "AUTH",
    "sshd connection closed",
    "os.service sshd",
    host,
    "failure",
    "85.245.107.41",
  ],
  [
    881,
    "anonymous 116.7.243.198",
    "AUTH",
    "sshd unable to negotiate",
    "os.service sshd",
    host,
    "failure",
    "116.7.243.198",
  ],
  [1073, "user ubuntu", "LOGOUT", "sshd close session", "os.account ubuntu", host, "success", "85.245.107.41"],
  [
    1124,
    "unknown unknown",
    "UPDATE",
    "chpasswd password change",
    "os.account elastic_user_$login_count",
    host,
    "failure",
    "-",
  ],
  [1503, "unknown unknown", "CREATE", "useradd new group", "os.group elastic_user_0", host, "success", "-"],
  [1504, "unknown unknown", "CREATE", "useradd new user", "os.account elastic_user_0", host, "success", "-"],
  [1536, "unknown unknown", "CREATE", "useradd new user", "os.account elastic_user_0", host, "failure", "-"],
  [1583, "unknown unknown", "UPDATE", "chpasswd password change", "os.account elastic_user_0", host, "success", "-"],
  [
    1617,
    "user elastic_user_7",
    "AUTH",
    "sshd accepted password",
    "os.account elastic_user_7",
    host,
    "success",
    "127.0.0.1",
  ],
  [
    1647,
    "user elastic_user_2",
    "AUTH",
    "sshd failed publickey",
    "os.account elastic_user_2",
    host,
    "denied",
    "85.245.107.41",
  ],
  [
    1665,
    "user elastic_user_8",
    "EXECUTE",
    "sshd starting session: command",
    "os.account elastic_user_8",
    host,
    "success",
    "85.245.107.41",
  ],
  [1813, "unknown pi", "AUTH", "sshd failed password", "os.account pi", host, "denied", "181.25.206.27"],
  [
    1834,
    "anonymous 181.25.206.27",
    "AUTH",
    "sshd authentication failure",
    "os.service sshd",
    host,
    "denied",
    "181.25.206.27",
  ],
  [2300, "user root", "AUTH", "sshd authentication failure", "os.account root", host, "denied", "218.60.136.106"],
  [2302, "user root", "AUTH", "sshd failed password", "os.account root", host, "denied", "218.60.136.106"],
  [5047, "anonymous 34.204.227.175", "AUTH", "sshd invalid user", "os.service sshd", host, "denied", "34.204.227.175"],
];

function countsOf({ readings }: NativeInput): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const reading of readings) {
    const name = reading.kind === "skipped" ? reading.why : reading.kind;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

describe.skipIf(!hasSharedData)("the auth-log adapter on real logs (needs ../shared/data)", () => {
  it("accounts for every line of a real auth.log, as labelled by hand", async () => {
    const input = await readNative(authLog, readShared(log), { options: { until: "2017-04-30" } });
    // 85 of 7,121 lines stand for 410 repeated messages.
    expect(countsOf(input)).toEqual({
      event: 6_341,
      "a group's line repeated for another file": 2,
      "end of a session without a name": 223,
      "remark of a PAM module": 340,
      "sshd line that names nobody": 325,
      "sshd repeats the invalid user of the line before": 178,
      "sshd's own life": 25,
      "su repeats the line before": 9,
      "systemd-logind's own life": 3,
    });
    expect(
      labelsAt(
        input,
        labels.map(([line]) => Number(line)),
      ),
    ).toEqual(labels);
    expect(new Set(input.events.map(({ time }) => time.occurred.slice(0, 7)))).toEqual(new Set(["2017-03", "2017-04"]));
  });

  it("names exactly what the log names", async () => {
    const { events } = await readNative(authLog, readShared(log));
    expect(measurePrecision(events)).toEqual({
      actor: 77.9,
      operation: 100,
      resource: 100,
      scope: 100,
      outcome: 99.7,
      source: 85.6,
    });
  });

  it.each([
    ["sshd-logs/sshd-logs.log", 24, 58],
    ["sshd-invalid-bf/sshd-invalid-bf.log", 6, 18],
    ["sshd-impossible-travel/sshd-success-logs.log", 2, 0],
    ["sshd-impossible-travel-user/sshd-success-logs.log", 2, 0],
  ] as const)("reads every line of %s and agrees with what it expects", async (name, count, agree) => {
    const raw = readShared(`crowdsec/${name}`);
    const input = await readNative(authLog, raw);
    expect(countsOf(input)).toEqual({ event: count });
    const expectations = crowdsecExpectations(`crowdsec/${name.split("/")[0]}/parser.assert`);
    expect(compareCrowdsec(input, raw.toString("utf8"), agree === 0 ? [] : expectations)).toEqual({
      agree,
      differ: [],
    });
  });
});
