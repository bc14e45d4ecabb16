import { Type } from "typebox";
import { isZone } from "../../adapt/index.ts";
import { isNetwork, type TrustedProxies, trustProxies } from "./forwarded.ts";
import { WebClock } from "./web-time.ts";

/** Options of every reader of web logs. */
export const webOptions = {
  site: Type.Optional(
    Type.String({
      description: "The site that was accessed, where the log does not name the virtual host.",
      minLength: 1,
      maxLength: 256,
    }),
  ),
  trustedProxies: Type.Refine(
    Type.Array(Type.String(), {
      description:
        "Addresses and networks (10.0.0.0/8) of your own proxies: behind them the client is who they say. Without them the peer is the client.",
      default: [],
    }),
    (networks) => networks.every(isNetwork),
    () => "has something that is no address or network such as 10.0.0.0/8",
  ),
  forwardedField: Type.String({
    description: "The variable of the log that holds the addresses which proxies add, client first.",
    default: "http_x_forwarded_for",
    minLength: 1,
  }),
  realIp: Type.Boolean({
    description:
      "Whether the server itself replaces the peer's address by the client's (nginx real_ip, Apache mod_remoteip).",
    default: false,
  }),
  timezone: Type.Optional(
    Type.Refine(
      Type.String({
        description: "Zone of times without one, such as Europe/Berlin or +02:00. Absent: UTC is assumed.",
      }),
      isZone,
      () => "is no time zone",
    ),
  ),
} as const;

/** The options as `webOptions` checks them. */
export interface WebOptions {
  readonly site?: string;
  readonly trustedProxies: readonly string[];
  readonly forwardedField: string;
  readonly realIp: boolean;
  readonly timezone?: string;
}

/** What the readers of one input share. */
export interface WebSettings {
  readonly site: string | undefined;
  readonly isTrusted: TrustedProxies;
  readonly hasProxies: boolean;
  readonly forwardedField: string;
  readonly realIp: boolean;
  readonly clock: WebClock;
  readonly timezone: string | undefined;
}

/** Makes what one input's records are read with. */
export function openSettings(options: WebOptions): WebSettings {
  const { site, trustedProxies, forwardedField, realIp, timezone } = options;
  const clock = new WebClock(timezone ?? "UTC");
  const isTrusted = trustProxies(trustedProxies);
  return { site, isTrusted, hasProxies: trustedProxies.length > 0, forwardedField, realIp, clock, timezone };
}
