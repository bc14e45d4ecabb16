import type { Op } from "@evident/core";

/** How a kind of statement is read. */
export interface Command {
  readonly op: Op;
  /** Command tag; absent: made of the node's name. */
  readonly name?: string;
  readonly kind?: "iam";
  readonly isHousekeeping?: true;
  /** Member that holds the relation acted on, and what kind of object it is. */
  readonly relation?: string;
  readonly type?: string;
  /** Member that holds the object's name, as text or as a list of names. */
  readonly names?: string;
}

const role = { kind: "iam", type: "role" } as const;

/** Statements by the name of their node in PostgreSQL's parse tree, where the general rules of `readNode` do not suffice. */
export const commands: Readonly<Record<string, Command>> = {
  CreateStmt: { op: "CREATE", name: "CREATE TABLE", relation: "relation", type: "table" },
  CreateForeignTableStmt: { op: "CREATE", name: "CREATE FOREIGN TABLE", type: "foreign-table" },
  ViewStmt: { op: "CREATE", name: "CREATE VIEW", relation: "view", type: "view" },
  CreateSeqStmt: { op: "CREATE", name: "CREATE SEQUENCE", relation: "sequence", type: "sequence" },
  AlterSeqStmt: { op: "UPDATE", name: "ALTER SEQUENCE", relation: "sequence", type: "sequence" },
  CreateSchemaStmt: { op: "CREATE", name: "CREATE SCHEMA", names: "schemaname", type: "schema" },

  CreateTrigStmt: { op: "CREATE", name: "CREATE TRIGGER", names: "trigname", type: "trigger" },
  CreateEventTrigStmt: { op: "CREATE", name: "CREATE EVENT TRIGGER", names: "trigname", type: "event-trigger" },
  AlterEventTrigStmt: { op: "UPDATE", name: "ALTER EVENT TRIGGER", names: "trigname", type: "event-trigger" },
  CreatePolicyStmt: { op: "CREATE", name: "CREATE POLICY", kind: "iam", names: "policy_name", type: "policy" },
  AlterPolicyStmt: { op: "UPDATE", name: "ALTER POLICY", kind: "iam", names: "policy_name", type: "policy" },
  CreatedbStmt: { op: "CREATE", name: "CREATE DATABASE", names: "dbname", type: "database" },
  DropdbStmt: { op: "DELETE", name: "DROP DATABASE", names: "dbname", type: "database" },
  AlterDatabaseStmt: { op: "UPDATE", name: "ALTER DATABASE", names: "dbname", type: "database" },
  AlterDatabaseSetStmt: { op: "CONFIGURE", name: "ALTER DATABASE", names: "dbname", type: "database" },
  CreateExtensionStmt: { op: "CREATE", name: "CREATE EXTENSION", names: "extname", type: "extension" },
  AlterExtensionStmt: { op: "UPDATE", name: "ALTER EXTENSION", names: "extname", type: "extension" },
  AlterExtensionContentsStmt: { op: "UPDATE", name: "ALTER EXTENSION", names: "extname", type: "extension" },
  CreateForeignServerStmt: { op: "CREATE", name: "CREATE SERVER", names: "servername", type: "server" },
  AlterForeignServerStmt: { op: "UPDATE", name: "ALTER SERVER", names: "servername", type: "server" },
  CreateUserMappingStmt: {
    op: "CREATE",
    name: "CREATE USER MAPPING",
    kind: "iam",
    names: "servername",
    type: "server",
  },
  AlterUserMappingStmt: { op: "UPDATE", name: "ALTER USER MAPPING", kind: "iam", names: "servername", type: "server" },
  DropUserMappingStmt: { op: "DELETE", name: "DROP USER MAPPING", kind: "iam", names: "servername", type: "server" },
  CreatePublicationStmt: { op: "CREATE", name: "CREATE PUBLICATION", names: "pubname", type: "publication" },
  AlterPublicationStmt: { op: "UPDATE", name: "ALTER PUBLICATION", names: "pubname", type: "publication" },
  CreateSubscriptionStmt: { op: "CREATE", name: "CREATE SUBSCRIPTION", names: "subname", type: "subscription" },
  AlterSubscriptionStmt: { op: "UPDATE", name: "ALTER SUBSCRIPTION", names: "subname", type: "subscription" },
  DropSubscriptionStmt: { op: "DELETE", name: "DROP SUBSCRIPTION", names: "subname", type: "subscription" },
  CreateTableSpaceStmt: { op: "CREATE", name: "CREATE TABLESPACE", names: "tablespacename", type: "tablespace" },
  DropTableSpaceStmt: { op: "DELETE", name: "DROP TABLESPACE", names: "tablespacename", type: "tablespace" },
  CreateEnumStmt: { op: "CREATE", name: "CREATE TYPE", names: "typeName", type: "type" },
  CompositeTypeStmt: { op: "CREATE", name: "CREATE TYPE", relation: "typevar", type: "type" },
  CreateRangeStmt: { op: "CREATE", name: "CREATE TYPE", names: "typeName", type: "type" },
  AlterEnumStmt: { op: "UPDATE", name: "ALTER TYPE", names: "typeName", type: "type" },
  CreateDomainStmt: { op: "CREATE", name: "CREATE DOMAIN", names: "domainname", type: "domain" },
  AlterDomainStmt: { op: "UPDATE", name: "ALTER DOMAIN", names: "typeName", type: "domain" },
  CreateRoleStmt: { op: "CREATE", name: "CREATE ROLE", names: "role", ...role },
  AlterRoleStmt: { op: "UPDATE", name: "ALTER ROLE", names: "role", ...role },
  AlterRoleSetStmt: { op: "CONFIGURE", name: "ALTER ROLE", names: "role", ...role },
  DropRoleStmt: { op: "DELETE", name: "DROP ROLE", names: "roles", ...role },
  DropOwnedStmt: { op: "DELETE", name: "DROP OWNED", names: "roles", ...role },
  ReassignOwnedStmt: { op: "UPDATE", name: "REASSIGN OWNED", names: "roles", ...role },
  RefreshMatViewStmt: {
    op: "WRITE",
    name: "REFRESH MATERIALIZED VIEW",
    relation: "relation",
    type: "materialized-view",
  },
  AlterSystemStmt: { op: "CONFIGURE", name: "ALTER SYSTEM" },
  VariableShowStmt: { op: "READ", name: "SHOW", names: "name", type: "parameter" },
  ConstraintsSetStmt: { op: "CONFIGURE", name: "SET CONSTRAINTS" },
  ImportForeignSchemaStmt: { op: "CREATE", name: "IMPORT FOREIGN SCHEMA", names: "server_name", type: "server" },
  DoStmt: { op: "EXECUTE", name: "DO" },
  LoadStmt: { op: "EXECUTE", name: "LOAD" },
  FetchStmt: { op: "READ", name: "FETCH", names: "portalname", type: "cursor" },
  LockStmt: { op: "OTHER", name: "LOCK TABLE" },
  VacuumStmt: { op: "OTHER", name: "VACUUM" },
  ReindexStmt: { op: "OTHER", name: "REINDEX" },
  ClusterStmt: { op: "OTHER", name: "CLUSTER" },
  CheckPointStmt: { op: "OTHER", name: "CHECKPOINT" },
  ListenStmt: { op: "OTHER", name: "LISTEN", names: "conditionname", type: "channel" },
  UnlistenStmt: { op: "OTHER", name: "UNLISTEN", names: "conditionname", type: "channel" },
  NotifyStmt: { op: "OTHER", name: "NOTIFY", names: "conditionname", type: "channel" },
  DiscardStmt: { op: "OTHER", name: "DISCARD" },
  DeallocateStmt: { op: "OTHER", name: "DEALLOCATE", isHousekeeping: true },
  ClosePortalStmt: { op: "OTHER", name: "CLOSE CURSOR", isHousekeeping: true },
};
