/** The environment for a process of ours: this one's, without the settings of tests and of whoever runs them. */
export function childEnvironment(more: Readonly<Record<string, string>> = {}): Record<string, string | undefined> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("EVIDENT_"));
  return { ...Object.fromEntries(inherited), NO_COLOR: "1", ...more };
}
