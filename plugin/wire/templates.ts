/** The template engine of this process: loaded with the first template, as most processes start without one. */
import { systemClock } from "../core/clock.ts";
import type { LoadRenderer } from "../read/rendering.ts";
import type { Renderer } from "../template/render.ts";

export interface Templates {
  readonly load: LoadRenderer;
  /** Ends its worker. */
  close(): void;
}

export function openTemplates(): Templates {
  let renderer: Promise<Renderer> | undefined;
  return {
    load: () =>
      (renderer ??= import("../template/render.ts").then(({ createRenderer }) => createRenderer(systemClock))),
    close: () => void renderer?.then((opened) => opened.close()),
  };
}
