import { buildS3Server } from "@evident/testkit";

// A machine that cannot build it still runs every other test.
await buildS3Server();
