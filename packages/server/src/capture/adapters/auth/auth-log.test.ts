import { assert, constantFrom, property, string, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import { AdaptStream, firstKey, parseAdapterOptions } from "../../adapt/index.ts";
import { labelsAt, readNative } from "../../testing/index.ts";
import { authLog } from "./auth-log.ts";

const head = "Mar 27 13:06:56 web1";

/** Labels without the line number of a message each. */
async function read(...messages: readonly string[]): Promise<readonly (readonly string[])[]> {
  const input = await readNative(authLog, messages.map((message) => `${head} ${message}`).join("\n"));
  const lines = messages.map((_message, index) => index + 1);
  return labelsAt(input, lines).map(([, ...label]) => label);
}

describe("the auth-log adapter", () => {
  it.each([
    [
      "sshd[1]: Accepted publickey for bob from 203.0.113.9 port 4 ssh2: ED25519-CERT SHA256:abc ID bob@corp (serial 7) CA RSA SHA256:def",
      ["user bob", "AUTH", "sshd accepted publickey", "os.account bob", "web1", "success", "203.0.113.9"],
    ],
    [
      "sshd[1]: Failed password for bob from 1.1.1.1 port 2 ssh2 from 203.0.113.9 port 4 ssh2",
      [
        "user bob from 1.1.1.1 port 2 ssh2",
        "AUTH",
        "sshd failed password",
        "os.account bob from 1.1.1.1 port 2 ssh2",
        "web1",
        "denied",
        "203.0.113.9",
      ],
    ],
    [
      "sshd[1]: Disconnected from user bob 203.0.113.9 port 4",
      ["user bob", "LOGOUT", "sshd disconnected", "os.account bob", "web1", "success", "203.0.113.9"],
    ],
    [
      "sshd[1]: Disconnecting authenticating user bob 203.0.113.9 port 4: Too many authentication failures [preauth]",
      ["user bob", "AUTH", "sshd disconnecting", "os.account bob", "web1", "failure", "203.0.113.9"],
    ],
    [
      "sshd[1]: Postponed keyboard-interactive for invalid user eve from 2001:db8::9 port 4 ssh2 [preauth]",
      [
        "unknown eve",
        "AUTH",
        "sshd postponed keyboard-interactive",
        "os.account eve",
        "web1",
        "pending",
        "2001:db8::9",
      ],
    ],
    [
      "sshd[1]: error: PAM: Authentication failure for illegal user eve from 203.0.113.9",
      ["unknown eve", "AUTH", "sshd PAM refused", "os.account eve", "web1", "denied", "203.0.113.9"],
    ],
    [
      "sshd[1]: subsystem request for sftp by user bob",
      ["user bob", "EXECUTE", "sshd subsystem sftp", "os.account bob", "web1", "success", "-"],
    ],
    [
      "sshd[1]: refused connect from ::ffff:203.0.113.9 (::ffff:203.0.113.9)",
      ["anonymous 203.0.113.9", "AUTH", "sshd refused connect", "os.service sshd", "web1", "denied", "203.0.113.9"],
    ],
    [
      "sshd[1]: reverse mapping checking getaddrinfo for x [203.0.113.9] failed - POSSIBLE BREAK-IN ATTEMPT!",
      ["unknown 203.0.113.9", "OTHER", "sshd", "os.service sshd", "web1", "failure", "203.0.113.9"],
    ],
    [
      "sudo:    bob : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/home/bob ; USER=root ; COMMAND=/bin/cat /etc/shadow",
      ["user bob", "EXECUTE", "sudo", "os.command /bin/cat", "web1", "denied", "-"],
    ],
    [
      "sudo:    bob : command not allowed ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh",
      ["user bob", "EXECUTE", "sudo", "os.command /bin/sh", "web1", "denied", "-"],
    ],
    [
      "sudo:    eve : user NOT in sudoers ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=list",
      ["user eve", "EXECUTE", "sudo", "os.command list", "web1", "denied", "-"],
    ],
    [
      "sudo: pam_unix(sudo:auth): auth could not identify password for [bob]",
      ["user bob", "AUTH", "sudo authentication failure", "os.account bob", "web1", "denied", "-"],
    ],
    [
      "sudo: pam_unix(sudo:auth): authentication failure; logname=bob uid=1000 euid=0 tty=/dev/pts/0 ruser=bob rhost=  user=bob",
      ["user bob", "AUTH", "sudo authentication failure", "os.account bob", "web1", "denied", "-"],
    ],
    [
      "sudo:      bob : (command continued) --and more",
      ["user bob", "EXECUTE", "sudo command continued", "os.service sudo", "web1", "unknown", "-"],
    ],
    ["su[7]: FAILED SU (to root) bob on pts/0", ["user bob", "AUTH", "su", "os.account root", "web1", "denied", "-"]],
    ["su: FAILED su for root by bob", ["user bob", "AUTH", "su", "os.account root", "web1", "denied", "-"]],
    ["su: (to root) bob on pts/0", ["user bob", "AUTH", "su", "os.account root", "web1", "success", "-"]],
    [
      "su[7]: pam_unix(su:session): session closed for user root",
      ["user root", "LOGOUT", "su session closed", "os.account root", "web1", "success", "-"],
    ],
    [
      "login[2]: FAILED LOGIN (1) on '/dev/tty1' FOR 'bob', Authentication failure",
      ["user bob", "AUTH", "login", "os.account bob", "web1", "denied", "-"],
    ],
    ["login[2]: ROOT LOGIN  on '/dev/tty1'", ["user root", "AUTH", "login", "os.account root", "web1", "success", "-"]],
    [
      "login[2]: LOGIN ON tty1 BY bob FROM 203.0.113.9",
      ["user bob", "AUTH", "login", "os.account bob", "web1", "success", "203.0.113.9"],
    ],
    [
      "systemd-logind[9]: New session '12' of user 'bob' with class 'user' and type 'tty'.",
      ["user bob", "AUTH", "systemd-logind new session", "os.account bob", "web1", "success", "-"],
    ],
    [
      "usermod[3]: add 'bob' to group 'sudo'",
      ["unknown unknown", "GRANT", "usermod add to group", "os.group sudo", "web1", "success", "-"],
    ],
    [
      "userdel[3]: delete 'bob' from group 'sudo'",
      ["unknown unknown", "REVOKE", "userdel delete from group", "os.group sudo", "web1", "success", "-"],
    ],
    [
      "gpasswd[3]: user bob added by root to group docker",
      ["user root", "GRANT", "gpasswd add to group", "os.group docker", "web1", "success", "-"],
    ],
    [
      "userdel[3]: delete user 'bob'",
      ["unknown unknown", "DELETE", "userdel delete user", "os.account bob", "web1", "success", "-"],
    ],
    [
      "usermod[3]: change user 'bob' shell from '/bin/sh' to '/bin/bash'",
      ["unknown unknown", "UPDATE", "usermod change shell", "os.account bob", "web1", "success", "-"],
    ],
    [
      "passwd[3]: password for 'bob' changed by 'root'",
      ["user root", "UPDATE", "passwd password change", "os.account bob", "web1", "success", "-"],
    ],
    [
      "polkitd(authority=local): Operator of unix-session:1 successfully authenticated as unix-user:root to gain TEMPORARY authorization for action org.freedesktop.systemd1.manage-units for system-bus-name::1.9 [systemctl] (owned by unix-user:bob)",
      [
        "user bob",
        "GRANT",
        "polkit authorization",
        "os.action org.freedesktop.systemd1.manage-units",
        "web1",
        "success",
        "-",
      ],
    ],
    [
      "dovecot: pam_unix(dovecot:auth): authentication failure; logname= uid=0 euid=0 tty=dovecot ruser= rhost=203.0.113.9  user=bob",
      ["user bob", "AUTH", "dovecot authentication failure", "os.account bob", "web1", "denied", "203.0.113.9"],
    ],
    ["sshd[1]: Server listening on 0.0.0.0 port 22.", ["skipped", "sshd's own life"]],
    ["sshd[1]: error: Could not load host key", ["skipped", "other message of an authentication log"]],
  ] as const)("%s", async (message, label) => {
    expect(await read(message)).toEqual([label]);
  });

  it("states keys, certificates, sessions and the identity that was taken on", async () => {
    const { events } = await readNative(
      authLog,
      [
        `${head} sshd[81]: Accepted publickey for bob from 203.0.113.9 port 4 ssh2: ED25519-CERT SHA256:abc ID bob@corp (serial 7) CA RSA SHA256:def`,
        `${head} sudo:   bob : TTY=pts/0 ; PWD=/x ; USER=pg ; COMMAND=/usr/bin/mysql -phunter2 --token=abc`,
      ].join("\n"),
    );
    expect(events[0]).toMatchObject({
      actor: { ns: "os:web1", credential: { kind: "ssh_certificate", id: "SHA256:abc" } },
      source: { port: 4, ipTrust: "peer" },
      trace: { correlationId: "web1/sshd[81]" },
      detail: { certificateId: "bob@corp", certificateSerial: "7" },
    });
    expect(events[1]).toMatchObject({
      actor: { actingAs: { type: "user", id: "pg" } },
      source: { host: "web1" },
      detail: { command: "/usr/bin/mysql -p*** --token=***", directory: "/x", tty: "pts/0" },
    });
    expect(JSON.stringify(events)).not.toContain("hunter2");
  });

  it("makes as many events of a repeated message as it stands for, and refuses absurd numbers", async () => {
    const failed = "Failed password for root from 203.0.113.9 port 4 ssh2";
    const { readings, events } = await readNative(
      authLog,
      [
        `${head} sshd[1]: message repeated 3 times: [ ${failed}]`,
        `${head} sshd[1]: message repeated 999999 times: [ ${failed}]`,
      ].join("\n"),
    );
    expect(events.map(({ detail }) => detail)).toEqual(["1", "2", "3"].map((repeat) => ({ repeat, repeats: "3" })));
    expect(new Set(events.map(({ id }) => id)).size).toBe(3);
    expect(readings[3]).toMatchObject({ kind: "unreadable", reasons: [{ problem: "stands for 999999 messages" }] });
  });

  it("says when another command could be meant", async () => {
    const { events } = await readNative(
      authLog,
      `${head} sudo: bob : TTY=pts/0 ; PWD=/tmp/x ; USER=root ; COMMAND=/bin/true ; USER=root ; COMMAND=/bin/sh`,
    );
    expect(events[0]?.origin.warnings).toContain("command:ambiguous");
  });

  it("takes a year that makes the line the latest before the log's end, and the zone that it is told", async () => {
    const line = "Dec 31 23:30:00 web1 sudo: bob : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh";
    const plain = await readNative(authLog, line, { nowMs: Date.parse("2026-01-02T00:00:00Z") });
    expect(plain.events[0]?.time).toEqual({
      occurred: "2025-12-31T23:30:00.000000000Z",
      precision: "s",
      basis: "event",
      tz: "assumed",
    });
    expect(plain.events[0]?.origin.warnings).toEqual(["tz:assumed", "year:assumed"]);
    const told = await readNative(authLog, line, { options: { until: "2020-06-01", timezone: "America/New_York" } });
    expect(told.events[0]?.time.occurred).toBe("2020-01-01T04:30:00.000000000Z");
    expect(told.events[0]?.origin.warnings).toBeUndefined();
  });

  it("names what it cannot read", async () => {
    const { readings } = await readNative(
      authLog,
      ["half a li", `Feb 30 13:06:56 web1 sshd[1]: Invalid user eve from 203.0.113.9`].join("\n"),
    );
    expect(readings).toMatchObject([
      { kind: "unreadable", reasons: [{ problem: "is no line of syslog" }] },
      { kind: "unreadable", reasons: [{ field: "timestamp" }] },
    ]);
  });

  it("reads whatever follows a known head without failing, in a moment", () => {
    const starts = constantFrom(
      "sshd[1]: ",
      "sudo: ",
      "su: ",
      "useradd[1]: ",
      "pam_unix(sshd:auth): ",
      "login: ",
      "polkitd: ",
      "",
    );
    const beginnings = constantFrom(
      "Failed password for ",
      "bob : TTY=",
      "session opened for user ",
      "Invalid user ",
      "",
      "change user '",
    );
    const stream = (text: string): readonly string[] => {
      const options = {
        optionsOf: () => parseAdapterOptions(authLog, {}),
        context: { nowMs: () => 0 },
        key: firstKey(""),
      };
      const adapting = new AdaptStream({ adapters: [authLog], ...options });
      return [...adapting.take([{ kind: "text", line: 1, text }]), ...adapting.end()].map(({ kind }) => kind);
    };
    assert(
      property(tuple(starts, beginnings, string({ unit: "binary", maxLength: 200 })), ([app, start, rest]) => {
        expect(["event", "skipped", "unreadable"]).toContain(stream(`${head} ${app}${start}${rest}`)[0]);
      }),
    );
    const startMs = performance.now();
    for (const filler of [" from 1.1.1.1", " ; COMMAND=", " user x", "a=b ", '\\"', " by "]) {
      stream(`${head} sshd[1]: Failed password for ${filler.repeat(20_000)}`);
      stream(`${head} sudo: bob : TTY=${filler.repeat(20_000)}`);
      stream(`${head} pam: pam_unix(x:auth): ${filler.repeat(20_000)}`);
    }
    expect(performance.now() - startMs).toBeLessThan(5_000);
  });
});
