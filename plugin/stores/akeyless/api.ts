/** The wire: every call of Akeyless' API is a POST of one JSON object, which also holds the token. */
import { SecretValue } from "../../core/secret-value.ts";
import type { HttpAnswer, HttpSend } from "../http.ts";
import type { Answerer } from "../json-answer.ts";

type Member = string | number | boolean | readonly string[] | SecretValue;
/** Secret members stay wrapped until the bytes are written. */
export type Body = Readonly<Record<string, Member>>;

/** Every status resolves; rejects as HttpSend does. */
export type Call = (operation: string, body: Body, signal: AbortSignal) => Promise<HttpAnswer>;

/** Who answers, for messages. */
export const akeylessApi: Answerer = { name: "akeyless", addressField: "akeylessGWApiURL" };

/** `always` is a part of every body: the session's own token. */
export function createCall(server: string, send: HttpSend, always: Body = {}): Call {
  return (operation, body, signal) =>
    send(
      {
        method: "POST",
        url: new URL(`${server}/${operation}`),
        headers: { accept: "application/json", "content-type": "application/json" },
        body: encoded({ ...body, ...always }),
      },
      signal,
    );
}

function encoded(body: Body): SecretValue {
  const members = Object.entries(body).map(([name, member]) => [
    name,
    member instanceof SecretValue ? member.reveal().toString("utf8") : member,
  ]);
  return SecretValue.fromText(JSON.stringify(Object.fromEntries(members)));
}
