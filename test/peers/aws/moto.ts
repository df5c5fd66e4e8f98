/**
 * Another AWS emulator, for a second opinion on what goes over the wire. It takes any credentials and asks no policy, and
 * it refuses more than ten names in one GetParameters, as AWS does.
 */
import { administrator } from "./administrator.ts";
import type { Administrator } from "./administrator.ts";
import { obtainWheel, startPythonServer } from "./python-server.ts";
import type { PythonServer, Wheel } from "./python-server.ts";

const wheel: Wheel = {
  name: "moto",
  version: "5.2.1",
  sha256: "19d2fbd6e613aa5b4e364c52cd5d3cea371643a0f4210689a703227bd2924c5c",
  companions: [
    "blinker==1.9.0",
    "boto3==1.44.5",
    "botocore==1.44.5",
    "certifi==2026.10.18",
    "cffi==2.1.1",
    "charset-normalizer==3.5.2",
    "click==8.5.1",
    "cryptography==50.0.2",
    "flask==3.1.3",
    "flask-cors==6.0.5",
    "idna==3.20",
    "itsdangerous==2.2.0",
    "jinja2==3.1.6",
    "jmespath==1.1.0",
    "markupsafe==3.0.4",
    "pycparser==3.12",
    "python-dateutil==2.9.0.post0",
    "pyyaml==6.0.3",
    "requests==2.34.2",
    "responses==0.26.3",
    "s3transfer==0.19.3",
    "six==1.17.0",
    "urllib3==2.8.0",
    "werkzeug==3.1.9",
    "xmltodict==1.0.4",
  ],
};

export const obtainMoto = (): Promise<string> => obtainWheel(wheel);

export type Moto = PythonServer & Pick<Administrator, "call">;

export async function startMoto(): Promise<Moto> {
  const server = await startPythonServer({
    wheel,
    args: (port) => ["-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)],
    health: "/moto-api/",
  });
  return { ...administrator(server.url), ...server };
}
