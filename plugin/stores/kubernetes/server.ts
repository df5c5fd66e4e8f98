/** The address of an API server, as a block or a kubeconfig gives it. */

export type Server = { readonly ok: true; readonly url: string } | { readonly ok: false; readonly problem: string };

/** Without a scheme it is https, as client-go has it; a path is kept: proxies have one for each cluster. */
export function readServer(text: string, plainHttp: boolean): Server {
  const spelled = text.includes("://") ? text : `https://${text}`;
  const url = URL.parse(spelled);
  if (!url || !/^https?:\/\//.test(spelled))
    return { ok: false, problem: "must be the API server's URL, such as https://kube.example.com:6443" };
  if (url.username !== "" || url.password !== "")
    return { ok: false, problem: "must not hold a user name or password" };
  if (/[?#]/.test(spelled)) return { ok: false, problem: "must not have a query or fragment" };
  if (url.protocol === "http:" && !plainHttp)
    return { ok: false, problem: "must be https://; plain http is for standalone use only" };
  return { ok: true, url: url.href.replace(/\/+$/, "") };
}
