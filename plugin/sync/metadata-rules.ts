/** The API server's rules for labels and annotations, so that a write it would refuse is told before it is sent. */

const segment = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const prefixPart = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** All keys and values together, bytes. */
const largestAnnotationsBytes = 256 * 1024;

type Texts = Readonly<Record<string, string>>;

/** What is wrong, beginning with the field's name; undefined when nothing is. Shows names, never values. */
export function metadataProblem(labels: Texts, annotations: Texts): string | undefined {
  for (const [name, value] of Object.entries(labels)) {
    if (!isQualifiedName(name)) return nameProblem("label", name);
    if (!isLabelValue(value))
      return `label ${name} must be at most 63 letters, digits, "-", "_" or ".", with a letter or digit at both ends`;
  }
  // Their names are compared in lower case, as the API server does.
  const badName = Object.keys(annotations).find((name) => !isQualifiedName(name.toLowerCase()));
  return badName === undefined ? undefined : nameProblem("annotation", badName);
}

export function annotationsTooLarge(annotations: Texts): boolean {
  const sizes = Object.entries(annotations).map(([name, text]) => Buffer.byteLength(name) + Buffer.byteLength(text));
  return sizes.reduce((sum, size) => sum + size, 0) > largestAnnotationsBytes;
}

function nameProblem(what: string, name: string): string {
  return `${what} ${JSON.stringify(name.slice(0, 60))} has no valid name: an optional DNS prefix and "/", then at most 63 letters, digits, "-", "_" or "."`;
}

function isQualifiedName(name: string): boolean {
  const slash = name.lastIndexOf("/");
  const [prefix, own] = slash === -1 ? [undefined, name] : [name.slice(0, slash), name.slice(slash + 1)];
  if (prefix !== undefined && (prefix.length > 253 || !prefixPart.test(prefix))) return false;
  return own.length <= 63 && segment.test(own);
}

function isLabelValue(value: string): boolean {
  return value === "" || (value.length <= 63 && segment.test(value));
}
