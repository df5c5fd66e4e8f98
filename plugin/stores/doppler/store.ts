/** One Doppler config: downloaded whole, by one request for all of its secrets, or by none when it has not changed. */
import type { Located, Store, StoreAnswer, StoreDeps } from "../contract.ts";
import { counted } from "../counted.ts";
import type { HttpAnswer } from "../http.ts";
import { answerInvalid } from "../json-answer.ts";
import { requestIdOf } from "../request-id.ts";
import { downloadOf, findDownload, keysOf, locate, locateFind, nameIn } from "./address.ts";
import type { Download } from "./address.ts";
import type { DopplerConfig } from "./config.ts";
import { givenToken, tradeToken } from "./login.ts";
import type { DopplerSession } from "./login.ts";
import { checkRefusal, doppler, readRefusal } from "./refusal.ts";
import { checkFile, readSecrets, secretOf } from "./secrets.ts";

export function createDopplerStore(
  config: DopplerConfig,
  { http, clock, countCall }: Pick<StoreDeps, "http" | "clock" | "countCall">,
): Store<DopplerSession> {
  const send = http({});
  const { login, server } = config;

  const ask = (url: URL, headers: Readonly<Record<string, string>>, session: DopplerSession, signal: AbortSignal) =>
    send({ method: "GET", url, headers: { ...headers, authorization: session.bearer } }, signal);

  /** Undefined: not changed since `validator`, which is empty when there is none. */
  const download = (which: Download, validator: string, session: DopplerSession, signal: AbortSignal) =>
    counted("DownloadSecrets", countCall, async (): Promise<HttpAnswer | undefined> => {
      const isJson = which !== "file" || config.format?.endsWith("json") === true;
      const headers = {
        accept: isJson ? "application/json" : "text/plain",
        ...(validator === "" ? {} : { "if-none-match": validator }),
      };
      const answer = await ask(downloadUrl(config, which), headers, session, signal);
      if (answer.status === 304 && validator !== "") return undefined;
      if (answer.status !== 200) throw readRefusal(answer, config, clock);
      if (which === "file") checkFile(answer, config);
      else readSecrets(answer);
      return answer;
    });

  const reread = async (located: Located, validator: string, session: DopplerSession, signal: AbortSignal) => {
    const answer = await download(downloadOf(located), validator, session, signal);
    return answer ? answered(answer) : "unchanged";
  };

  return {
    proofNeed: login.proof,
    loginRealm: [server, "doppler", login.method].join(" "),
    locate: (ref) => locate(config, ref),
    login: async (proof, signal) =>
      login.method === "token"
        ? givenToken(proof)
        : counted("Login", countCall, () => tradeToken(config, login.identity, proof, { send, clock }, signal)),
    async fetch(located, session, signal) {
      const answer = await reread(located, "", session, signal);
      if (answer === "unchanged") throw answerInvalid("nothing new, where nothing was known", doppler);
      return answer;
    },
    refetch: reread,
    part: (located, whole) => secretOf(nameIn(config, located), located, whole),
    check: (session, signal) =>
      counted("GetMe", countCall, async () => {
        const answer = await ask(new URL(`${server}/v3/me`), { accept: "application/json" }, session, signal);
        if (answer.status !== 200) throw checkRefusal(answer, clock);
      }),
    find: {
      by: ["path", "name"],
      locate: locateFind,
      async list({ path = "", name }, session, signal) {
        const which = findDownload(config);
        const answer = which && (await download(which, "", session, signal));
        const names = answer ? Object.keys(readSecrets(answer)) : [];
        return keysOf(config, names).filter((one) => one.name.startsWith(path) && (name?.matches(one.name) ?? true));
      },
    },
  };
}

function downloadUrl({ server, project, config, format, nameTransformer }: DopplerConfig, which: Download): URL {
  const url = new URL(`${server}/v3/configs/config/secrets/download`);
  if (project !== "") url.searchParams.set("project", project);
  if (config !== "") url.searchParams.set("config", config);
  url.searchParams.set("format", which === "file" ? format! : "json");
  if (which !== "own" && nameTransformer) url.searchParams.set("name_transformer", nameTransformer);
  return url;
}

/** The ETag is no version: Doppler derives it from the values. */
function answered({ body, headers }: HttpAnswer): StoreAnswer {
  const tag = headers["etag"] ?? "";
  const validator = /^[\x20-\x7e]{1,256}$/.test(tag) ? { validator: tag } : {};
  return { value: body, version: "", ...requestIdOf(headers), ...validator };
}
