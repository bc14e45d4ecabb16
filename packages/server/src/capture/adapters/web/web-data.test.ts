import { describe, expect, it } from "vitest";
import {
  compareCrowdsec,
  crowdsecExpectations,
  hasSharedData,
  labelsAt,
  measurePrecision,
  readNative,
  readShared,
} from "../../testing/index.ts";
import { apache } from "./apache.ts";
import { combined } from "./combined.ts";
import { nginx } from "./nginx.ts";
import { traefik } from "./traefik.ts";

const all = [apache, combined, nginx, traefik];
const shop = { options: { site: "semicomplete.com" } };
const apacheLog = "web/apache_combined_semicomplete_10k.log.gz";

/** Labelled by hand from the raw lines before the adapters were run. */
const site = "semicomplete.com";
const labels = [
  [32, "anonymous 50.16.19.13", "READ", "GET", "http.path /blog/tags/puppet", site, "success", "50.16.19.13"],
  [283, "anonymous 108.32.74.68", "READ", "GET", "http.path /files/xdotool/docs", site, "success", "108.32.74.68"],
  [688, "anonymous 89.170.74.95", "READ", "HEAD", "http.path /projects/xdotool/", site, "success", "89.170.74.95"],
  [2071, "anonymous 66.249.73.135", "READ", "GET", "http.path /misc/Title.php.txt", site, "failure", "66.249.73.135"],
  [
    2245,
    "anonymous 108.171.116.194",
    "READ",
    "GET",
    "http.path /blog/geekery/insist-on-better-asserts.html",
    site,
    "success",
    "108.171.116.194",
  ],
  [5005, "anonymous 180.76.5.152", "READ", "GET", "http.path /files/hello/", site, "success", "180.76.5.152"],
  [
    5009,
    "anonymous 37.115.186.244",
    "CREATE",
    "POST",
    "http.path /blog/geekery/xvfb-firefox",
    site,
    "success",
    "37.115.186.244",
  ],
  [
    5297,
    "anonymous 173.252.74.119",
    "READ",
    "GET",
    "http.path /images/jordan-80.png",
    site,
    "success",
    "173.252.74.119",
  ],
  [
    5340,
    "anonymous 204.244.74.22",
    "READ",
    "GET",
    "http.path /files/xdotool/xdotool-2.20101014.3063.tar.gz",
    site,
    "failure",
    "204.244.74.22",
  ],
  [
    5649,
    "anonymous 78.173.140.106",
    "CREATE",
    "POST",
    "http.path /blog/geekery/pyblosxom-mdate-vim-hack.html/trackback/",
    site,
    "failure",
    "78.173.140.106",
  ],
  [8686, "anonymous 208.115.113.88", "READ", "GET", "http.path /svnweb/xpathtool/", site, "denied", "208.115.113.88"],
  [
    8899,
    "anonymous 46.118.127.106",
    "READ",
    "GET",
    "http.path /scripts/grok-py-test/configlib.py",
    site,
    "success",
    "46.118.127.106",
  ],
  [
    9158,
    "anonymous 64.131.102.243",
    "OTHER",
    "OPTIONS",
    "http.path /projects/xdotool/",
    site,
    "failure",
    "64.131.102.243",
  ],
];
const fixtureLabels: Readonly<Record<string, readonly (readonly [number, ...string[]])[]>> = {
  "nginx-proxy-manager-logs/nginx-proxy-manager-logs.log": [
    [1, "anonymous 1.2.3.4", "READ", "GET", "http.path /sdfdsf", "openresty.local", "failure", "1.2.3.4"],
    [3, "anonymous 207.32.219.89", "READ", "GET", "http.path /.env", "4.3.2.1", "failure", "207.32.219.89"],
    [5, "user toto", "AUTH", "authenticate", "http.path /", "openresty.local", "denied", "1.2.3.4"],
    [6, "unknown qsd", "AUTH", "authenticate", "http.path /", "openresty.local", "denied", "1.2.3.4"],
    [9, "anonymous 203.0.113.45", "CREATE", "POST", "http.path /v1/data", "api.example.com", "failure", "203.0.113.45"],
    [14, "anonymous 203.0.113.89", "READ", "GET", "http.path /admin", "secure.example.com", "denied", "203.0.113.89"],
  ],
  "nginx-http-malformed/nginx_http-logs.log": [
    [1, "anonymous 1.2.3.4", "OTHER", "unreadable request", "http.server unknown", "-", "failure", "1.2.3.4"],
  ],
  "nginx-http-path-traversal/nginx-http-path-traversal.log": [
    [1, "anonymous 127.0.0.1", "READ", "GET", "http.path /%2fetc%2fpasswd", "-", "failure", "127.0.0.1"],
  ],
  "modsecurity-nginx/modsecurity-nginx.log": [
    [2, "anonymous 143.198.55.184", "READ", "GET", "http.path /.env", "34.238.111.71", "unknown", "143.198.55.184"],
  ],
  "bunkerweb-http-sensitive-files/bunkerweb-http-sensitive-files.log": [
    [1, "anonymous 127.0.0.1", "READ", "GET", "http.path /.bash_history", "example.com", "failure", "127.0.0.1"],
  ],
  "traefik_clf/traefik_clf.log": [
    [2, "anonymous 172.17.0.1", "READ", "GET", "http.path /upload.asp", "-", "success", "172.17.0.1"],
    [5, "anonymous 172.17.1.1", "READ", "GET", "http.path /mobileadmin/home.cs", "-", "unknown", "172.17.1.1"],
  ],
};

/** What is told otherwise: a failed login is an act of its own, whatever method carried it. */
const known: Readonly<Record<string, readonly string[]>> = {
  "nginx-proxy-manager-logs/nginx-proxy-manager-logs.log": [
    "line 5 http_verb: GET, not authenticate",
    "line 6 http_verb: GET, not authenticate",
  ],
};

/** Fixtures with access lines of web servers: readings, and of them events. */
const fixtures: Readonly<Record<string, number>> = {
  "apache-http-probing/apache-http-probing.log": 77,
  "apache2-http-sensitive-files/apache2-http-sensitive-files.log": 13,
  "apache2-malformed/apache2-logs.log": 11,
  "apache_log4j2_cve-2021-44228/apache_log4j2_cve-2021-44228.log": 3,
  "bunkerweb-http-sensitive-files/bunkerweb-http-sensitive-files.log": 9,
  "http-cve-probing/http-cve-probing.log": 3,
  "http-technology-probing/http-technology-probing.log": 5,
  "modsecurity-nginx/modsecurity-nginx.log": 2,
  "nextcloud-whitelist/nextcloud-whitelist.log": 18,
  "nginx-bad-user-agent/nginx-bad-user-agent.log": 3,
  "nginx-http-backdoor/nginx-http-backdoor.log": 2,
  "nginx-http-malformed/nginx_http-logs.log": 12,
  "nginx-http-path-traversal/nginx-http-path-traversal.log": 9,
  "nginx-http-xss-probing/nginx-http-xss-probing.log": 26,
  "nginx-proxy-manager-logs/nginx-proxy-manager-logs.log": 14,
  "nginx-proxy-manager-malformed/nginx_http-logs.log": 12,
  "traefik_base-http-scenario/traefik_base-http-scenario.log": 80,
  "traefik_clf/traefik_clf.log": 7,
};

/** Fixtures that say what each line means: how many of their facts (address, user, status, method, agent, host, time) there are. */
const asserted: Readonly<Record<string, number>> = {
  "apache2-malformed/apache2-logs.log": 44,
  "nextcloud-whitelist/nextcloud-whitelist.log": 90,
  "nginx-http-malformed/nginx_http-logs.log": 48,
  "nginx-proxy-manager-logs/nginx-proxy-manager-logs.log": 79,
  "nginx-proxy-manager-malformed/nginx_http-logs.log": 48,
  "traefik_clf/traefik_clf.log": 42,
};

describe.skipIf(!hasSharedData)("the web adapters on real logs (needs ../shared/data)", () => {
  it("reads every line of an Apache log, as labelled by hand and with exact parts", async () => {
    const input = await readNative(combined, readShared(apacheLog), shop);
    expect([input.readings.length, input.events.length]).toEqual([10_000, 10_000]);
    expect(
      labelsAt(
        input,
        labels.map(([line]) => Number(line)),
      ),
    ).toEqual(labels);
    expect(measurePrecision(input.events)).toEqual({
      actor: 100,
      operation: 100,
      resource: 100,
      scope: 100,
      outcome: 100,
      source: 100,
    });
  });

  it("gives the same events whatever the format is called", async () => {
    const withoutAdapter = async (adapter: typeof apache): Promise<unknown> => {
      const { events } = await readNative(adapter, readShared(apacheLog), shop);
      return events.map((event) => ({ ...event, origin: { ...event.origin, adapter: "" } }));
    };
    expect(await withoutAdapter(nginx)).toEqual(await withoutAdapter(apache));
  });

  it.each(Object.entries(fixtures))("reads every line of %s", async (name, count) => {
    const input = await readNative(all, readShared(`crowdsec/${name}`));
    expect(input.readings.map(({ kind }) => kind)).toEqual(Array.from({ length: count }, () => "event"));
    const expected = fixtureLabels[name] ?? [];
    expect(
      labelsAt(
        input,
        expected.map(([line]) => line),
      ),
    ).toEqual(expected);
  });

  it.each(Object.entries(asserted))("agrees with what %s expects", async (name, agree) => {
    const raw = readShared(`crowdsec/${name}`);
    const expectations = crowdsecExpectations(`crowdsec/${name.split("/")[0]}/parser.assert`);
    const input = await readNative(all, raw);
    expect(compareCrowdsec(input, raw.toString("utf8"), expectations)).toEqual({
      agree,
      differ: known[name] ?? [],
    });
  });
});
