/**
 * Addresses of stores that stand in for the ones their kinds know: for private endpoints, and for tests against a server
 * of one's own. The variables are those that ESO reads.
 */

const variables = ["AWS_SECRETSMANAGER_ENDPOINT", "AWS_SSM_ENDPOINT", "AWS_STS_ENDPOINT"] as const;

/** By variable; those that are unset or empty are left out. Adds to `problems`. */
export function readEndpoints(
  environment: Readonly<Record<string, string | undefined>>,
  problems: string[],
): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of variables) {
    const text = environment[name] ?? "";
    if (text === "") continue;
    const url = URL.parse(text);
    if (!url || !/^https?:\/\//.test(text)) problems.push(`${name}: is no URL; write https://vpce-1.example.com`);
    else if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "")
      problems.push(`${name}: must be a plain address, without user, query or fragment`);
    else found[name] = url.href.replace(/\/+$/, "");
  }
  return found;
}
