/** The templates of one read: they share one time budget. */
import type { SecretValue } from "../core/secret-value.ts";
import { defaultBudgets } from "../template/request.ts";
import type { Renderer, RenderRequest } from "../template/render.ts";

/** Loads the template engine when the first template is met: most processes start without it. */
export type LoadRenderer = () => Promise<Renderer>;

export interface Rendering {
  /** Key → result. Rejects with Failure `template_failed`, or the signal's reason. */
  render(request: RenderRequest, signal: AbortSignal): Promise<ReadonlyMap<string, SecretValue>>;
}

export function startRendering(loadRenderer: LoadRenderer): Rendering {
  let leftMs = defaultBudgets.timeMs;
  return {
    async render(request, signal) {
      const renderer = await loadRenderer();
      const { values, spentMs } = await renderer.render(request, { ...defaultBudgets, timeMs: leftMs }, signal);
      leftMs -= spentMs;
      return values;
    },
  };
}
