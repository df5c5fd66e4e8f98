/**
 * B12: templates beside Go's own text/template with sprig: time of one execution, and of parsing apart.
 *
 * Both have the same templates and the same data and take turns; a ratio is our time through Go's. Time is processor
 * time, of all threads: what else the machine does changes little. The Go program is the
 * one that the peer tests ask, so this needs the Go toolchain once.
 */
import { systemClock } from "../plugin/core/clock.ts";
import { SecretValue } from "../plugin/core/secret-value.ts";
import { dotOf, startMachine } from "../plugin/template/execute.ts";
import { prepare } from "../plugin/template/go/program.ts";
import { bytesOf, fromText } from "../plugin/template/go/text.ts";
import { defaultBudgets } from "../plugin/template/request.ts";
import { measureTemplates } from "../test/peers/oracle/template.ts";
import { quantile } from "./numbers.ts";

const rounds = 3;
const measureMs = 300;
const textGoal = 2;

const secrets = {
  user: "payments",
  password: "p@ss/w0rd&ä",
  host: "db.payments.svc.cluster.local",
  port: "5432",
  database: "ledger",
  sslMode: "",
  users: "ada,grace,edsger,barbara,alan",
};

const yamlDocument = `${Array.from(
  { length: 5 },
  (_, i) => `replica-${i}:
  host: {{ .host }}
  port: {{ .port }}
  {{- if eq .port "5432" }}
  sslMode: {{ .sslMode | default "require" | quote }}
  {{- end }}
  password: {{ .password | quote }}`,
).join("\n")}\n`;

const texts: Readonly<Record<string, string>> = {
  connection:
    "postgres://{{ .user }}:{{ .password | urlquery }}@{{ .host }}:{{ .port }}/{{ .database }}?sslmode=require",
  yaml: yamlDocument,
  range:
    "{{ range $i := until 100 }}{{ if gt $i 50 }}{{ $i }}:{{ $.user }},{{ else }}{{ printf `%03d` $i }}{{ end }}{{ end }}",
  sprig:
    '{{ $all := dict }}{{ range $i, $name := splitList "," .users }}{{ $_ := set $all $name (dict "id" (add $i 1000) ' +
    '"mail" (printf "%s@%s" (lower $name) $.host) "key" (sha256sum (cat $name $.password) | trunc 12)) }}{{ end }}' +
    '{{ $all | toPrettyJson }}{{ .users | upper | replace "," "-" | b64enc | nindent 2 }}{{ regexReplaceAll "[aeiou]" .host "_" }}',
};
const pkcs12 = "{{ pemToPkcs12Pass .cert .key .password | b64dec | pkcs12certPass .password }}";

type Data = Readonly<Record<string, string>>;

interface Times {
  readonly renderNs: number;
  readonly parseNs: number;
}

export async function b12(again: () => boolean): Promise<Record<string, number>> {
  const data = { ...secrets, ...newCertificate() };
  const templates = Object.entries({ ...texts, pkcs12 });
  const ratios = new Map(templates.map(([name]) => [name, { render: [] as number[], parse: [] as number[] }]));
  let round = 0;
  do {
    const rows = templates.map(([, template]) => ({ template, data, strings: true }));
    const theirs = await measureTemplates(rows, measureMs);
    for (const [i, [name, template]] of templates.entries()) {
      const [go, ours] = [theirs[i]!, measure(template, data)];
      ratios.get(name)!.render.push(ours.renderNs / go.renderNs);
      ratios.get(name)!.parse.push(ours.parseNs / go.parseNs);
      if (round === 0) console.log(line(name, ours, go));
    }
    round++;
  } while (round < rounds || again());
  const middle = (values: readonly number[]): number => quantile(values, 0.5);
  const render = [...ratios].map(([name, { render }]) => [`${name}_ratio`, middle(render)] as const);
  const parse = [...ratios].map(([name, { parse }]) => [`${name}_parse_ratio`, middle(parse)] as const);
  const worst = Math.max(...Object.keys(texts).map((name) => middle(ratios.get(name)!.render)));
  return {
    ...Object.fromEntries(render),
    ...Object.fromEntries(parse),
    worst_text_ratio: worst,
    limit_ratio: textGoal,
  };
}

function line(name: string, ours: Times, go: Times): string {
  const perSecond = ({ renderNs }: Times): string => Math.round(1e9 / renderNs).toLocaleString("en");
  const us = (ns: number): string => (ns / 1_000).toFixed(1);
  return `${name}: keyferry ${perSecond(ours)} renders/s, parse ${us(ours.parseNs)} µs; Go ${perSecond(go)} renders/s, parse ${us(go.parseNs)} µs`;
}

const asData = (data: Data): ReadonlyMap<string, SecretValue> =>
  new Map(Object.entries(data).map(([key, value]) => [key, new SecretValue(Buffer.from(value))]));

function measure(template: string, data: Data): Times {
  const [name, text] = [fromText("t"), fromText(template)];
  const program = prepare(name, text);
  const dot = dotOf(asData(data));
  const budgets = { ...defaultBudgets, timeMs: 60_000 };
  const renderNs = mean(() => {
    const machine = startMachine(program, dot, { missingKey: "error" }, budgets, systemClock);
    machine.run();
    bytesOf(machine.output);
  });
  return { renderNs, parseNs: mean(() => void prepare(name, text)) };
}

/** Nanoseconds of processor time that one call takes, garbage collection included, once it is warm. */
function mean(work: () => void): number {
  const forMs = (limitMs: number): number => {
    const began = process.cpuUsage();
    const spentMs = (): number => {
      const { user, system } = process.cpuUsage(began);
      return (user + system) / 1_000;
    };
    let calls = 0;
    for (let batch = 1; spentMs() < limitMs; batch = Math.min(batch * 2, 64)) {
      for (let i = 0; i < batch; i++) work();
      calls += batch;
    }
    return (spentMs() * 1e6) / calls;
  };
  forMs(measureMs / 2);
  return forMs(measureMs);
}

/** A key and its own certificate, in PEM. */
function newCertificate(): { cert: string; key: string } {
  const template = '{{ $c := genSelfSignedCert "bench" (list) (list) 1 }}{{ $c.Cert }}|{{ $c.Key }}';
  const program = prepare(fromText("t"), fromText(template));
  const budgets = { ...defaultBudgets, timeMs: 60_000 };
  const machine = startMachine(program, dotOf(new Map()), { missingKey: "error" }, budgets, systemClock);
  machine.run();
  const [cert = "", key = ""] = machine.output.split("|");
  return { cert, key };
}
