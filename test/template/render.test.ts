/** Rendering a request: all keys or none, inline or in the worker, with failures that may be shown. */
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { after, test } from "node:test";
import type { Clock } from "../../plugin/core/clock.ts";
import { systemClock } from "../../plugin/core/clock.ts";
import { Failure } from "../../plugin/core/failure.ts";
import { SecretValue } from "../../plugin/core/secret-value.ts";
import { findFunction, functionNames } from "../../plugin/template/go/functions/table.ts";
import { createRenderer, defaultBudgets } from "../../plugin/template/render.ts";
import type { Rendered, RenderRequest, TemplateData } from "../../plugin/template/render.ts";
import { FakeClock } from "../fakes/clock.ts";

const never = new AbortController().signal;

const secrets = (values: Readonly<Record<string, string>>): ReadonlyMap<string, SecretValue> =>
  new Map(Object.entries(values).map(([key, value]) => [key, SecretValue.fromText(value)] as const));

function request(
  templates: Readonly<Record<string, string>>,
  data: TemplateData = secrets({ user: "app", password: "hunter2" }),
  more: Partial<RenderRequest> = {},
): RenderRequest {
  const named = Object.entries(templates).map(([key, text]) => ({ key, text, field: `template.data.${key}` }));
  return { templates: named, data, missingKey: "error", ...more };
}

const texts = ({ values }: Rendered): Record<string, string> =>
  Object.fromEntries([...values].map(([key, value]) => [key, value.reveal().toString()] as const));

const failed = (field: string, message: string | RegExp) => (thrown: unknown) => {
  assert.ok(thrown instanceof Failure, String(thrown));
  assert.equal(thrown.code, "template_failed");
  assert.equal(thrown.field, field);
  if (typeof message === "string") assert.equal(thrown.message, message);
  else assert.match(thrown.message, message);
  return true;
};

/** Makes any request one for the worker. */
const padding = `{{/*${"x".repeat(70_000)}*/}}`;

const renderer = createRenderer(systemClock);
after(() => renderer.close());

for (const [where, pad] of [
  ["inline", ""],
  ["in the worker", padding],
] as const) {
  const render = (asked: RenderRequest, budgets = {}) =>
    renderer.render(
      { ...asked, templates: asked.templates.map((template) => ({ ...template, text: pad + template.text })) },
      { ...defaultBudgets, ...budgets },
      never,
    );

  test(`${where}: every key gets its template's result, bytes as they are`, async () => {
    const data = new Map([
      ...secrets({ user: "app" }),
      ["raw", new SecretValue(Buffer.from([0xff, 0x00, 0x80]))] as const,
    ]);
    const rendered = await render(request({ url: "db://{{ .user }}", raw: "{{ .raw }}" }, data));
    assert.equal(rendered.values.get("url")!.reveal().toString(), "db://app");
    assert.deepEqual(rendered.values.get("raw")!.reveal(), Buffer.from([0xff, 0x00, 0x80]));
    assert.ok(rendered.spentMs >= 0);
  });

  test(`${where}: a failure has Go's text, the field, and no value`, async () => {
    const asked = request({ ok: "{{ .user }}", bad: "{{ range .password }}{{ end }}" });
    await assert.rejects(
      render(asked),
      failed(
        "template.data.bad",
        `template: bad:1:${9 + pad.length}: executing "bad" at <.password>: range can't iterate over [secret]`,
      ),
    );
    await assert.rejects(
      render(request({ bad: "{{ if }}" })),
      failed("template.data.bad", "template: bad:1: missing value for if"),
    );
  });

  test(`${where}: a budget is named`, async () => {
    const loop = request({ loop: "{{ range 2000000 }}{{ end }}" });
    await assert.rejects(render(loop), failed("template.data.loop", /budget "steps", more than 1000000 steps/));
    const long = request({ long: "0123456789" });
    await assert.rejects(
      render(long, { outputBytes: 9 }),
      failed("template.data.long", /budget "output", more than 9 bytes/),
    );
  });

  test(`${where}: a missing key is <no value> where Go's default is asked for`, async () => {
    const asked = request({ k: "{{ .none }}{{ .value }}" }, secrets({ value: "v" }), { missingKey: "default" });
    assert.deepEqual(texts(await render(asked)), { k: "<no value>v" });
  });

  test(`${where}: maps in the data, and other delimiters`, async () => {
    const data = new Map([
      ["remoteRef", secrets({ key: "a/b" })],
      ["auth", secrets({ token: "t" })],
    ]);
    assert.deepEqual(texts(await render(request({ k: '{{ .remoteRef.key }} {{ printf "%T" . }}' }, data))), {
      k: "a/b map[string]map[string]string",
    });
    const mixed: TemplateData = new Map<string, SecretValue | ReadonlyMap<string, SecretValue>>([
      ...secrets({ value: "v" }),
      ["m", secrets({ a: "b" })],
    ]);
    assert.deepEqual(texts(await render(request({ k: "{{ .value }}{{ .m.a }}" }, mixed))), { k: "vb" });
  });
}

test("other delimiters leave Go's usual ones alone", async () => {
  const asked = request({ k: "{{ .user }} [[ .user ]]" }, undefined, { delimiters: { left: "[[", right: "]]" } });
  assert.deepEqual(texts(await renderer.render(asked, defaultBudgets, never)), { k: "{{ .user }} app" });
});

test("functions that give another result each time are named, reached or not", () => {
  const asked = request({ a: '{{ if false }}{{ now }}{{ end }}{{ "x" | upper }}', b: "{{ randAlpha 3 }}{{ now }}" });
  assert.deepEqual(renderer.volatileFunctions(asked), ["now", "randAlpha"]);
  assert.deepEqual(renderer.volatileFunctions(request({ a: "{{ .user | b64enc }}" })), []);
  assert.throws(
    () => renderer.volatileFunctions(request({ a: "{{ nonsense }}" })),
    failed("template.data.a", 'template: a:1: function "nonsense" not defined'),
  );
});

test("of a template that is secret itself, failures tell the place and no word", async () => {
  const asked = (text: string) => {
    const plain = request({ k: text });
    return { ...plain, templates: plain.templates.map((template) => ({ ...template, secretText: true })) };
  };
  const fails = (text: string, message: string) =>
    assert.rejects(renderer.render(asked(text), defaultBudgets, never), failed("template.data.k", message));
  await fails('{{ len (print "s3cret" | index 5) }}', "template: k:1:25: fails: [secret]");
  await fails("\n{{ s3cret }}", "template: k:2: does not parse: [secret]");
});

test("what no slice can hold moves to the worker, which gives the same result", async () => {
  const clock = new FakeClock();
  const own = createRenderer(clock);
  const asked = request({ a: "{{ .user }}", b: '{{ printf "%0300000d" 1 | len }}' });
  assert.deepEqual(texts(await own.render(asked, defaultBudgets, never)), { a: "app", b: "300000" });
  assert.equal(clock.pending, 1, "the worker is there, and will go when idle");
  own.close();
});

test("a template with a heavy function is the worker's from the start", async () => {
  const heavy = functionNames.find((name) => findFunction(name)?.heavy);
  assert.ok(heavy, "no function is heavy");
  const clock = new FakeClock();
  const own = createRenderer(clock);
  const asked = request({ a: `{{ if false }}{{ ${heavy} }}{{ end }}{{ .user }}` });
  assert.deepEqual(texts(await own.render(asked, defaultBudgets, never)), { a: "app" });
  assert.equal(clock.pending, 1, "the worker is there, and will go when idle");
  own.close();
});

test("results are never templates again, for this key or another", async () => {
  const data = secrets({ evil: "{{ .password }}", password: "hunter2" });
  const rendered = await renderer.render(request({ a: "{{ .evil }}", b: "{{ .evil }}" }, data), defaultBudgets, never);
  assert.deepEqual(texts(rendered), { a: "{{ .password }}", b: "{{ .password }}" });
});

test("the time budget is that of all keys together", async () => {
  let nowMs = 0;
  const clock: Clock = { ...systemClock, monotonicMs: () => (nowMs += 1) };
  const own = createRenderer(clock);
  const loop = "{{ range 100000 }}{{ end }}";
  const one = await own.render(request({ a: loop }), defaultBudgets, never);
  assert.ok(one.spentMs > 300 && one.spentMs < 2_000, `${one.spentMs} ms`);
  const budgets = { ...defaultBudgets, timeMs: one.spentMs * 1.5 };
  await assert.rejects(
    own.render(request({ a: loop, b: loop }), budgets, never),
    failed("template.data.b", /budget "time"/),
  );
});

test("between slices others have their turn, and an abort ends the render", async () => {
  let nowMs = 0;
  let pauses = 0;
  const stop = new AbortController();
  const clock: Clock = {
    ...systemClock,
    monotonicMs: () => (nowMs += 1),
    after(delayMs, act) {
      if (++pauses === 3) stop.abort(new Error("no longer wanted"));
      return systemClock.after(delayMs, act);
    },
  };
  const asked = request({ a: "{{ range 400000 }}{{ end }}" });
  await assert.rejects(createRenderer(clock).render(asked, defaultBudgets, stop.signal), /no longer wanted/);
  assert.equal(pauses, 3);
});

/** More work than any test waits for. */
const endless = request({ k: `${padding}{{ range 9223372036854775807 }}{{ end }}` });
const boundless = { ...defaultBudgets, steps: Number.MAX_SAFE_INTEGER, outputBytes: 1e12, timeMs: 3_600_000 };
const large = request({ k: `${padding}{{ .user }}` });

test("a worker that outlives its budget is killed; the job behind it runs in a new one", async () => {
  const clock = new FakeClock();
  const own = createRenderer(clock);
  const hung = own.render(endless, boundless, never);
  const next = own.render(large, defaultBudgets, never);
  const fails = assert.rejects(hung, failed("template.data.k", /budget "time", more than 3600000 ms/));
  await clock.advance(boundless.timeMs + 1_000);
  await fails;
  assert.deepEqual(texts(await next), { k: "app" });
  own.close();
});

test("an abort kills the running job, and takes a waiting one out of the queue", async () => {
  const own = createRenderer(new FakeClock());
  const first = new AbortController();
  const second = new AbortController();
  const hung = assert.rejects(own.render(endless, boundless, first.signal), /first/);
  const waiting = assert.rejects(own.render(endless, boundless, second.signal), /second/);
  const last = own.render(large, defaultBudgets, never);
  second.abort(new Error("second"));
  await waiting;
  first.abort(new Error("first"));
  await hung;
  assert.deepEqual(texts(await last), { k: "app" });
  own.close();
});

test("a worker that dies takes its job along and nothing else", async () => {
  const own = createRenderer(new FakeClock());
  const poison = { length: 70_000 } as unknown as string;
  const deadly = request({ k: poison });
  await assert.rejects(own.render(deadly, defaultBudgets, never), (thrown) => {
    assert.ok(thrown instanceof Failure);
    assert.equal(thrown.code, "template_failed");
    assert.match(thrown.message, /the template worker died/);
    return true;
  });
  assert.deepEqual(texts(await own.render(large, defaultBudgets, never)), { k: "app" });
  own.close();
});

test("a finished job leaves nothing on its signal", async () => {
  const { signal } = new AbortController();
  await renderer.render(large, defaultBudgets, signal);
  await renderer.render(request({ k: "x" }), defaultBudgets, signal);
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("an idle worker goes after a minute and comes back when needed", async () => {
  const clock = new FakeClock();
  const own = createRenderer(clock);
  await own.render(large, defaultBudgets, never);
  assert.equal(clock.pending, 1);
  await clock.advance(60_000);
  assert.equal(clock.pending, 0);
  assert.deepEqual(texts(await own.render(large, defaultBudgets, never)), { k: "app" });
  own.close();
});

test("closing fails what runs and what waits, and leaves no timer", async () => {
  const clock = new FakeClock();
  const own = createRenderer(clock);
  const jobs = [own.render(endless, boundless, never), own.render(endless, boundless, never)];
  const fails = jobs.map((job) => assert.rejects(job, /keyferry is ending/));
  own.close();
  await Promise.all(fails);
  assert.equal(clock.pending, 0);
});

test("a request that is no longer wanted is not begun", async () => {
  const gone = AbortSignal.abort(new Error("gone"));
  await assert.rejects(renderer.render(request({ k: "x" }), defaultBudgets, gone), /gone/);
  await assert.rejects(renderer.render(large, defaultBudgets, gone), /gone/);
});
