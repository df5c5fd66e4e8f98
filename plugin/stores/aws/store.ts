/** One service of one AWS region: logs in, reads and lists through the SDK, one client for each session. */
import type { Store, StoreDeps } from "../contract.ts";
import { createBatch, createFind, createRefetch } from "./abilities.ts";
import { locate } from "./address.ts";
import { createCalling } from "./calling.ts";
import type { AwsConfig } from "./config.ts";
import { logIn } from "./login.ts";
import { callFor } from "./reads.ts";
import type { AwsSession } from "./reads.ts";
import { createRequestHandler } from "./request-handler.ts";
import { services } from "./services.ts";

type Deps = Pick<StoreDeps, "clock" | "http" | "machineHttp" | "countCall" | "endpoints">;

export function createAwsStore(config: AwsConfig, deps: Deps): Store<AwsSession> {
  const { clock, countCall, endpoints = {} } = deps;
  const { service, region, login, roles } = config;
  const { load, endpoint, most } = services[service];
  const send = deps.http({});
  // Shared by all clients: each of them would otherwise keep connections of its own.
  const target = { region, endpoint: endpoints[endpoint], handler: createRequestHandler(send) };
  const stsEndpoint = endpoints["AWS_STS_ENDPOINT"];
  const loginDeps = { region, endpoint: stsEndpoint, send, machineSend: deps.machineHttp ?? send, clock, countCall };
  const calling = createCalling(config, deps);
  const read: Store<AwsSession>["fetch"] = async (located, { reads }, signal) => {
    const call = callFor(located, reads);
    return calling.about(located, call, () => call.run(located, signal), signal);
  };

  return {
    proofNeed: login.proof,
    loginRealm: ["aws", stsEndpoint ?? region, login.method].join(" "),
    locate: (ref) => locate(config, ref),
    async login(proof, signal, facts) {
      const { credentials, expiresAtMs } = await logIn(config, proof, { ...loginDeps, facts }, signal);
      const openReads = await load();
      const sendsNothing = login.method === "keys" && roles.length === 0;
      return {
        reads: openReads(target, credentials, clock),
        ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
        ...(sendsNothing ? { given: true as const } : {}),
      };
    },
    fetch: read,
    ...(most === undefined
      ? { refetch: createRefetch(read, calling) }
      : { find: createFind(config, calling), batch: createBatch(most, calling) }),
  };
}
