/** Paths of the requests that are stored of a source, sorted; what is in quarantine with all its text. */
export async function readStored(server: {
  readonly url: string;
  readonly key: string;
  readonly source: string;
}): Promise<readonly string[]> {
  const query = new URLSearchParams({ trail: "main", format: "ndjson" });
  const answer = await fetch(`${server.url}/v1/export?${query.toString()}`, {
    headers: { authorization: `Bearer ${server.key}` },
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  const found: string[] = [];
  for (const line of text.split("\n").filter((each) => each.includes(`"${server.source}"`))) {
    const { entry } = JSON.parse(line) as { entry: { event?: { native?: { request?: string } } } };
    found.push(entry.event?.native?.request?.split(" ")[1] ?? line);
  }
  return found.sort();
}
