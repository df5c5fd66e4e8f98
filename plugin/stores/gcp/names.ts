/** What things are called in Google Cloud. All of it may come from a tenant and ends in a URL, so nothing else passes. */

/** An id, its older form with a domain (`example.com:shop`), or a number. */
export const projectPattern = /^(?:[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?:)?[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
export const locationPattern = /^(?=.{1,30}$)[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
export const clusterNamePattern = /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
export const secretPattern = /^[A-Za-z0-9_-]{1,255}$/;
/** Of a parameter, and of its versions. */
export const parameterPattern = /^[A-Za-z0-9_-]{1,63}$/;
/** A number, or an alias. */
export const versionPattern = /^(?:[1-9][0-9]{0,18}|[A-Za-z][A-Za-z0-9_-]{0,62})$/;
export const labelKeyPattern = /^[\p{Ll}\p{Lo}\p{N}_-]{1,63}$/u;
export const labelValuePattern = /^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u;
const emailPattern = /^[a-z0-9][a-z0-9-]{0,62}@[a-z0-9][a-z0-9.-]{0,127}\.gserviceaccount\.com$/;

/** Whether a text can be the name of a Google service account. */
export function isEmail(text: string): boolean {
  return emailPattern.test(text) && !text.includes("..");
}
