/** The id that a store's server gave a request, for audit; anything that does not look like one is left out. */
export function requestIdOf(headers: Readonly<Record<string, string>>): { requestId?: string } {
  const id = headers["x-request-id"] ?? "";
  return /^[A-Za-z0-9._-]{1,64}$/.test(id) ? { requestId: id } : {};
}
