/** Where our templates differ from Go's on purpose: one entry for each heading of docs/templates-differences.md. */
import type { Row } from "./rows.ts";

export interface Difference {
  /** The heading in the document. */
  readonly heading: string;
  readonly row: Row;
  /** What Go makes of the row: its output, or its error behind its stage. */
  readonly go: RegExp;
  readonly ours: string;
}

export const differences: readonly Difference[] = [
  {
    heading: "A template that uses too much ends",
    row: { template: '{{define "r"}}{{template "r"}}{{end}}{{template "r"}}' },
    go: /^exec: template: t:1:25: executing "r" at <\{\{template "r"\}\}>: exceeded maximum template depth \(100000\)$/,
    ours: "budget: depth",
  },
  {
    heading: "Keys come in order",
    row: { template: '{{keys (dict "b" 1 "a" 2 "c" 3)}} {{values (dict "b" 1 "a" 2 "c" 3)}}' },
    go: /^\[[abc] [abc] [abc]\] \[[123] [123] [123]\]$/,
    ours: "[a b c] [2 1 3]",
  },
  {
    heading: "A password for bcrypt is text",
    row: { template: '{{bcrypt "\\xff" | len}}' },
    go: /^60$/,
    ours: 'exec: template: t:1:2: executing "t" at <bcrypt "\\xff">: error calling bcrypt: bcrypt: the password is not UTF-8 text',
  },
  {
    heading: "Damaged keys and certificates",
    row: {
      template: "{{jwkPrivateKeyPem .jwk}}",
      data: {
        jwk: '{"kty":"OKP","crv":"X25519","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","d":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"}',
      },
    },
    go: /: failed to build public key: invalid x value given d value$/,
    ours:
      'exec: template: t:1:2: executing "t" at <jwkPrivateKeyPem .jwk>: error calling jwkPrivateKeyPem: ' +
      "x509: unknown key type while marshaling PKCS#8: x25519.PrivateKey",
  },
  {
    heading: "YAML is UTF-8",
    row: { template: '{{fromYaml "\\xff\\xfea\\x00:\\x00 \\x001\\x00"}}' },
    go: /^map\[a:1\]$/,
    ours: "map[Error:error converting YAML to JSON: yaml: invalid leading UTF-8 octet]",
  },
  {
    heading: "There are no addresses",
    row: { template: '{{printf "%p" .l}}', data: { l: [1] } },
    go: /^0x[0-9a-f]{8,}$/,
    ours: "0xc000010000",
  },
  {
    heading: "Letters of newer Unicode",
    row: { template: '{{printf "%q" "\u1c89"}}' },
    go: /^"\\u1c89"$/,
    ours: '"\u1c89"',
  },
  {
    heading: "Time zones of long ago",
    row: { template: '{{dateInZone "-07:00 MST" -441482090 "Asia/Seoul"}}' },
    go: /^\+08:30 KST$/,
    ours: "+08:30 +0830",
  },
];

/** Whether a random row ends differently on purpose: of the differences only budgets are met by chance. */
export const endsAtBudget = (ours: { readonly out: Buffer } | { readonly err: string }): boolean =>
  "err" in ours && ours.err.startsWith("budget: ");
