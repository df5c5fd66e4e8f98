/**
 * An AWS emulator that checks signatures, IAM policies and trust policies: started, and driven as an account's
 * administrator would.
 */
import { administrator } from "./administrator.ts";
import type { Administrator } from "./administrator.ts";
import { obtainWheel, startPythonServer } from "./python-server.ts";
import type { PythonServer, Wheel } from "./python-server.ts";

const wheel: Wheel = {
  name: "ministack",
  version: "1.5.33",
  sha256: "36f9158cbe7eb7a3f910ccf1c052c98204511164249b783682f7a96ef56b0bba",
  companions: [
    "botocore==1.43.106",
    "defusedxml==0.7.1",
    "graphql-core==3.2.12",
    "h11==0.16.0",
    "h2==4.4.1",
    "hpack==4.2.0",
    "hypercorn==0.18.0",
    "hyperframe==6.1.0",
    "jmespath==1.1.0",
    "jsonata-python==0.7.1",
    "priority==2.0.0",
    "python-dateutil==2.9.0.post0",
    "pyyaml==6.0.3",
    "six==1.17.0",
    "urllib3==2.8.0",
    "wsproto==1.3.2",
  ],
};

export { accountId, region } from "./administrator.ts";
export type { AccessKey } from "./administrator.ts";

export const obtainMinistack = (): Promise<string> => obtainWheel(wheel);

export type Ministack = PythonServer & Administrator;

export async function startMinistack(): Promise<Ministack> {
  const server = await startPythonServer({
    wheel,
    args: () => ["-m", "ministack"],
    env: (port) => ({ AUTH: "true", BIND_HOST: "127.0.0.1", GATEWAY_PORT: String(port) }),
    health: "/_ministack/health",
  });
  return { ...administrator(server.url), ...server };
}
