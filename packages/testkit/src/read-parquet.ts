import { DuckDBInstance, type Json } from "@duckdb/node-api";

/** Runs a statement over a Parquet file, which it calls `file`, as anyone's DuckDB would; rows by column name, values as JSON has them. */
export async function readParquet(path: string, sql: string): Promise<Record<string, Json>[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    await connection.run(`CREATE VIEW file AS SELECT * FROM read_parquet('${path.replaceAll("'", "''")}')`);
    return (await connection.runAndReadAll(sql)).getRowObjectsJson();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
