import { Spool } from "../spool.ts";
import { lineOf } from "./line-of.ts";

// A writer that is killed: `write-and-die.ts DIR COUNT` writes lines 1 to COUNT. Three accesses were noted as under way: one was recorded
// and forgotten, one was recorded when the kill came before it was forgotten, one was never recorded.
const [dir = "", count = "0"] = process.argv.slice(2);
const instance = "0198f0c2-1111-7111-8111-111111111111";
const spool = new Spool({ dir, instance, adoptAfterMs: 60_000, maxBytes: 1 << 20, segmentBytes: 1_000 });
const done = spool.noteOpen({ id: "e-1", begunMs: 1_000, what: "GET" });
spool.noteOpen({ id: "e-open", begunMs: 2_000, what: "GET" });
if (done !== undefined) spool.forgetOpen(done);
spool.noteOpen({ id: "e-2", begunMs: 3_000, what: "POST" });
for (let seq = 1; seq <= Number(count); seq += 1) spool.append(lineOf(seq), Date.now());
process.kill(process.pid, "SIGKILL");
