// Runs on any Node: stops before an old one meets syntax it cannot read, and names the fix.
var wanted = 26;
var found = Number(process.versions.node.split(".")[0]);
if (found < wanted) {
  process.stderr.write(
    "Evident needs Node " +
      wanted +
      " or newer; this is Node " +
      process.versions.node +
      ".\n" +
      "The right one comes with the dependencies: run `npm ci` in the repository's root (with install scripts allowed;\n" +
      "`npm ci --ignore-scripts` leaves it out), then use `npm start`, `npm test` or `./evident`.\n",
  );
  process.exit(1);
}
