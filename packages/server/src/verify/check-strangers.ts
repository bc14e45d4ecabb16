import { listFiles, listFolders, listTopFiles } from "./list-files.ts";
import type { Report } from "./report.ts";
import type { WalFindings } from "./scan-wal.ts";

/** Names what belongs to no trail: files, folders and entries in the log. After a clean stop, also what only a crash leaves. */
export function checkStrangers(found: {
  readonly dataDir: string;
  readonly trails: ReadonlySet<string>;
  readonly wal: WalFindings;
  readonly report: Report;
}): void {
  const { dataDir, trails, wal, report } = found;
  for (const folder of ["trails", "blobs"]) {
    for (const { path } of listTopFiles(dataDir, folder)) {
      report.add({ trail: "", index: null, kind: "stray", file: path, detail: "no file belongs here, only folders" });
    }
    for (const name of listFolders(dataDir, folder)) {
      if (trails.has(name)) continue;
      for (const { path } of listFiles(dataDir, `${folder}/${name}`)) {
        const detail = "evident states no trail of this name";
        report.add({ trail: "", index: null, kind: "stray", file: path, detail });
      }
    }
  }
  for (const name of wal.runs.names()) {
    if (trails.has(name)) continue;
    const [run] = wal.runs.trail(name).runs;
    const detail = `the log holds entries of ${name}, but evident states no trail of this name`;
    report.add({ trail: name, index: run?.first ?? null, kind: "stray", file: run?.file ?? wal.lastFile, detail });
  }
  if (wal.heads === undefined) return;
  for (const file of wal.leftovers) {
    const detail = "only a crash leaves such a file, but the server was stopped";
    report.add({ trail: "", index: null, kind: "stray", file, detail });
  }
}
