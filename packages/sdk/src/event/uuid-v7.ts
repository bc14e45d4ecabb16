const POOL_BYTES = 4_096;
const RANDOM_BYTES = 10;
const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
/** The time in the first 48 bits must not go back within a process, or ids would not sort. */
let lastMs = 0;
let pool: Uint8Array<ArrayBuffer> | undefined;
let used = POOL_BYTES;

/**
 * A UUIDv7 (RFC 9562): its first 48 bits are `nowMs`, or the newest time of an earlier call where that is later. The random bits are drawn
 * 4 KiB at a time, on first use: edge runtimes forbid randomness while a module loads.
 */
export function uuidV7(nowMs: number): string {
  lastMs = Math.max(lastMs, nowMs);
  pool ??= new Uint8Array(POOL_BYTES);
  if (used + RANDOM_BYTES > POOL_BYTES) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  const at = (offset: number): string => hex[pool?.[used + offset] ?? 0] ?? "";
  const time = lastMs.toString(16).padStart(12, "0");
  const version = hex[((pool[used] ?? 0) & 0x0f) | 0x70] ?? "";
  const variant = hex[((pool[used + 2] ?? 0) & 0x3f) | 0x80] ?? "";
  const text = `${time.slice(0, 8)}-${time.slice(8)}-${version}${at(1)}-${variant}${at(3)}-${at(4)}${at(5)}${at(6)}${at(7)}${at(8)}${at(9)}`;
  used += RANDOM_BYTES;
  return text;
}
