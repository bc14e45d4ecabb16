export type { Receivers, S3Receiver, SyslogListen, SyslogReceiver } from "./check-receivers.ts";
export { type Config, type ConfigSources, type ListenAddress, loadConfig } from "./load-config.ts";
export { isLoopback, makeRangeTest } from "./proxy-range.ts";
export { configFlags, renderCommentedConfig, renderConfigDocs } from "./render-config.ts";
