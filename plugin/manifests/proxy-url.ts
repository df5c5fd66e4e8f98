/** The address of an HTTP proxy, as a store's annotation and --https-proxy give it. */

/** `text` is not empty. */
export function readProxyUrl(text: string): { readonly url: URL } | { readonly problem: string } {
  const url = /^https?:\/\//i.test(text) ? URL.parse(text) : null;
  if (!url) return { problem: "is no proxy's URL; write http://proxy.example.com:3128" };
  const isBare = url.pathname === "/" && url.search === "" && url.hash === "";
  return isBare
    ? { url }
    : { problem: "must be a proxy's scheme, host and port alone; write http://proxy.example.com:3128" };
}
