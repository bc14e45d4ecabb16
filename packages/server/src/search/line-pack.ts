/** Lines in one buffer that can be handed to another thread: count, lengths (u32 each), then the lines. */
export type LinePack = ArrayBuffer;

/** Copies lines into a buffer of their own: what belongs to the ledger is never transferred. */
export function packLines(lines: readonly Uint8Array[]): LinePack {
  const header = 4 + lines.length * 4;
  const packed = new Uint8Array(lines.reduce((sum, line) => sum + line.length, header));
  const numbers = new DataView(packed.buffer);
  numbers.setUint32(0, lines.length);
  let at = header;
  for (const [place, line] of lines.entries()) {
    numbers.setUint32(4 + place * 4, line.length);
    packed.set(line, at);
    at += line.length;
  }
  return packed.buffer;
}

/** Views of the lines of a pack. */
export function unpackLines(pack: LinePack): Buffer[] {
  const bytes = Buffer.from(pack);
  const count = bytes.readUInt32BE(0);
  const lines: Buffer[] = [];
  let at = 4 + count * 4;
  for (let place = 0; place < count; place++) {
    const end = at + bytes.readUInt32BE(4 + place * 4);
    lines.push(bytes.subarray(at, end));
    at = end;
  }
  return lines;
}
