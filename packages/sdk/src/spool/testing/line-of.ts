/** A line as the client makes it, told apart by its sequence number; not all of it ASCII. */
export function lineOf(seq: number, instance = "0198f0c2-1111-7111-8111-111111111111"): string {
  const origin = { nativeId: `${instance}/${seq}`, seq: String(seq) };
  return JSON.stringify({ v: 1, id: `e-${seq}`, origin, text: "ü".repeat(20) });
}
