import { assert, property, stringMatching } from "fast-check";
import { describe, expect, it } from "vitest";
import { isSecretName, maskMembers, maskText, maskUrl } from "./mask-secrets.ts";

describe("masking secrets in addresses", () => {
  it.each([
    ["/login?user=bob&password=hunter2", "/login?user=bob&password=***"],
    ["/cb?code=abc&state=xyz#access_token=q.w.e&x=1", "/cb?code=***&state=xyz#access_token=***&x=1"],
    ["/a;jsessionid=0FF1CE/b?x=1", "/a;jsessionid=***/b?x=1"],
    ["token=abc&page=2", "token=***&page=2"],
    ["?sig=a%2Bb%3D&se=2026", "?sig=***&se=2026"],
    ["/p?user%5Bpassword%5D=x", "/p?user%5Bpassword%5D=***"],
    ["/p?pass%77ord=x&y=1", "/p?pass%77ord=***&y=1"],
    ["https://u:p4ss@h.example/x?y=1", "https://u:***@h.example/x?y=1"],
    ["postgres://u:p@4ss@h.example/db", "postgres://u:***@h.example/db"],
    ["/x?a=token=b&c=d", "/x?a=token=***&c=d"],
    ["/go?to=https%3A%2F%2Fx%2Fcb%3Ftoken%3Dabc%26n%3D1&z=2", "/go?to=https%3A%2F%2Fx%2Fcb%3Ftoken%3D***%26n%3D1&z=2"],
    ["/o?X-Amz-Signature=ff&X-Amz-Credential=AKIA/2026", "/o?X-Amz-Signature=***&X-Amz-Credential=AKIA/2026"],
    ["/x?a=1;token=b;c=d", "/x?a=1;token=***"],
    ["/x?token=", "/x?token="],
    ["/x?token=a?b=c/d", "/x?token=***"],
    ["/files/key=value/list?page_token=abc", "/files/key=***/list?page_token=abc"],
    ["/zip?zip_code=123&keyword=a", "/zip?zip_code=123&keyword=a"],
    ["/plain/path", "/plain/path"],
  ])("%s", (text, masked) => {
    expect(maskUrl(text)).toBe(masked);
  });

  it("never leaves a secret value behind, whatever surrounds it", () => {
    const harmless = stringMatching(/^[a-z]{1,4}$/);
    const secret = stringMatching(/^[A-Z0-9._~/?:;@!$'()*+,=-]{8,20}$/);
    assert(
      property(harmless, secret, harmless, (before, value, after) => {
        const masked = maskUrl(`/p?x=${before}&access_token=${value}&y=${after}`);
        expect(masked).toBe(`/p?x=${before}&access_token=***&y=${after}`);
      }),
    );
  });

  it("takes a megabyte of parameters in a moment", () => {
    const startMs = performance.now();
    maskUrl(`/x?${"a=%3D%253D&".repeat(100_000)}`);
    maskText(`${"a=b --x y ".repeat(20_000)} mysql ${"-".repeat(50_000)}`);
    expect(performance.now() - startMs).toBeLessThan(5_000);
  });

  // Each took minutes while every equals sign, or every beginning of a token, was looked at with what follows.
  it.each([
    ["equals signs", (sizeBytes: number) => maskUrl(`/x?${"=".repeat(sizeBytes)}`)],
    ["encoded equals signs", (sizeBytes: number) => maskUrl(`/x?${"%3d".repeat(sizeBytes / 3)}`)],
    ["beginnings of tokens", (sizeBytes: number) => maskText("eyJaaaaaaaa-".repeat(sizeBytes / 12))],
  ])("takes a megabyte of %s in a moment", (_name, mask) => {
    const startMs = performance.now();
    mask(1_200_000);
    expect(performance.now() - startMs).toBeLessThan(5_000);
  });
});

describe("masking secrets elsewhere", () => {
  it("knows names of parameters, headers and cookies", () => {
    const secret = ["Authorization", "X-API-Key", "PHPSESSID", "csrf_token", "login[code]", "Set-Cookie"];
    expect(secret.filter((name) => !isSecretName(name))).toEqual([]);
    const harmless = ["page_token", "keyword", "author", "zip_code", "hashed_token", "state", "X-Amz-Credential"];
    expect(harmless.filter(isSecretName)).toEqual([]);
  });

  it.each([
    ["/usr/bin/mysql -u root -phunter2 shop", "/usr/bin/mysql -u root -p*** shop"],
    ["/usr/bin/tool --password hunter2 --verbose", "/usr/bin/tool --password *** --verbose"],
    ["/usr/bin/tool --api-key=abc x", "/usr/bin/tool --api-key=*** x"],
    ["env DB_PASSWORD='a b' run", "env DB_PASSWORD=*** run"],
    [
      'curl -H "Authorization: Bearer abcdefgh.ijk" https://x/?token=1',
      'curl -H "Authorization: Bearer ***" https://x/?token=***',
    ],
    ["curl -u bob:pw https://x", "curl -u bob:*** https://x"],
    ["sshpass -p pw ssh bob@h", "sshpass -p *** ssh bob@h"],
    ['{"password": "a\\"b", "user": "c"}', '{"password": ***, "user": "c"}'],
    ["/bin/cat /etc/passwd", "/bin/cat /etc/passwd"],
    ["authorization: bearer abc.def x", "authorization: *** *** x"],
    ["Authorization: ApiKey abcdef", "Authorization: *** ***"],
    ["curl --user bob:pw https://x", "curl --user bob:*** https://x"],
    ["MYSQL_PWD=pw mysql -u root", "MYSQL_PWD=*** mysql -u root"],
    ["export K evk_800ec30213d3ea08_Mc0Ipq19oV8vf hvs.CAESIJlU9JMYEhOPYv4igdhm9PnZ", "export K *** ***"],
    ["a-eyJhbGciOiJI.eyJzdWIiOiIx.c2ln b", "a-*** b"],
    ["eyJhbGciOiJI-eyJhbGciOiJI is no token", "eyJhbGciOiJI-eyJhbGciOiJI is no token"],
    ["echo ghp_0123456789abcdefghijABCDEFGHIJ", "echo ***"],
  ])("in text: %s", (text, masked) => {
    expect(maskText(text)).toBe(masked);
  });

  it("in native records: members by name, addresses by parameter, ids kept, nothing copied without need", () => {
    const record = {
      masterUserPassword: "pw",
      credentials: { sessionToken: "t", accessKeyId: "AKIA1" },
      externalSessionId: "s-1",
      code: 200,
      nextToken: "n",
      url: "https://x.example/?sig=1",
      secrets: [{ name: "db" }],
    };
    expect(maskMembers(record)).toEqual({
      ...record,
      masterUserPassword: "***",
      credentials: { sessionToken: "***", accessKeyId: "AKIA1" },
      url: "https://x.example/?sig=***",
    });
    const clean = { a: [{ b: "c" }] };
    expect(maskMembers(clean)).toBe(clean);
    const hostile = JSON.parse('{"__proto__":{"password":"x"}}') as object;
    expect(JSON.stringify(maskMembers(hostile))).toBe('{"__proto__":{"password":"***"}}');
  });
});
