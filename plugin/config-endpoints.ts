/**
 * Addresses of stores that stand in for the ones their kinds know: for private endpoints, and for tests against a server
 * of one's own. The variables are those that ESO or the cloud's own tools read.
 */

const variables = [
  "AWS_ACM_ENDPOINT",
  "AWS_SECRETSMANAGER_ENDPOINT",
  "AWS_SSM_ENDPOINT",
  "AWS_STS_ENDPOINT",
  "AZURE_POD_IDENTITY_AUTHORITY_HOST",
  "CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS",
  "CLOUDSDK_API_ENDPOINT_OVERRIDES_PARAMETERMANAGER",
  "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER",
  "CLOUDSDK_API_ENDPOINT_OVERRIDES_STS",
  "CLOUDSDK_AUTH_TOKEN_HOST",
  "DOPPLER_BASE_URL",
  "GAIA_TOKEN_EXCHANGE_ENDPOINT",
  "GCE_METADATA_HOST",
] as const;

/** As Go reads a truth value that is none. */
const falseWords = ["0", "f", "F", "false", "False", "FALSE"];

/** By variable; those that are unset or empty are left out. Adds to `problems`. */
export function readEndpoints(
  environment: Readonly<Record<string, string | undefined>>,
  problems: string[],
): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  if (falseWords.includes(environment["DOPPLER_VERIFY_TLS"] ?? ""))
    problems.push(
      "DOPPLER_VERIFY_TLS: certificates are always checked; unset it, and trust the server's CA on this machine",
    );
  for (const name of variables) {
    const text = asUrl(name, environment[name] ?? "");
    if (text === "") continue;
    const url = URL.parse(text);
    if (!url || !/^https?:\/\//.test(text)) problems.push(`${name}: is no URL; write https://vpce-1.example.com`);
    else if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "")
      problems.push(`${name}: must be a plain address, without user, query or fragment`);
    else found[name] = url.href.replace(/\/+$/, "");
  }
  return found;
}

/** Google's libraries take the metadata server as a host, with or without a port. */
function asUrl(name: string, text: string): string {
  return name === "GCE_METADATA_HOST" && text !== "" ? `http://${text}` : text;
}
