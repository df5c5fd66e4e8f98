/**
 * Who a cloud says this process is: the variables that EKS puts into a pod whose service account has a role. They serve
 * ClusterSecretStores without a login of their own; keys in the environment and instance profiles serve nobody.
 */
import { isAbsolute } from "node:path";

/** The EKS Pod Identity agent on its node, and this machine itself. */
const agentHosts = /^(?:169\.254\.170\.23|\[fd00:ec2::23\]|127(?:\.\d{1,3}){3}|\[::1\]|localhost)$/;

/** Each is of use only together with the file that stands behind it. */
const pairs = [
  ["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", agentProblem],
  ["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", roleProblem],
] as const;

/** By variable; pairs that are not whole are left out. Adds to `problems`. */
export function readOwnIdentity(
  environment: Readonly<Record<string, string | undefined>>,
  problems: string[],
): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [name, fileName, problemOf] of pairs) {
    const [value = "", file = ""] = [environment[name], environment[fileName]];
    if (value === "" || file === "") continue;
    const problem = problemOf(value);
    if (problem !== undefined) problems.push(`${name}: ${problem}`);
    if (!isAbsolute(file)) problems.push(`${fileName}: is no absolute path`);
    found[name] = value;
    found[fileName] = file;
  }
  return found;
}

/** A token is sent there, so it may be no address but those where an agent runs. */
function agentProblem(text: string): string | undefined {
  const url = URL.parse(text);
  const isPlain = url && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "";
  if (!isPlain) return "is no URL; unset it, or write http://169.254.170.23/v1/credentials";
  if (agentHosts.test(url.hostname)) return undefined;
  return "is not the address of the EKS Pod Identity agent (169.254.170.23, fd00:ec2::23) or of this machine; unset it";
}

function roleProblem(text: string): string | undefined {
  return /^arn:aws[a-z-]*:iam::\d{12}:role\/[\x21-\x7e]{1,512}$/.test(text) ? undefined : "is not a role's ARN";
}
