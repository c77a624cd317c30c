import { createServer } from 'node:http';
import { ended, listening } from './loopback.ts';
import { startPrometheus } from './prometheus.ts';

/** A page as it is served: bytes as latin1, and what the server calls them. */
export interface Served {
  body: string;
  contentType: string;
}

/** What a real Prometheus made of a page: its error, null where it took it, and how many samples. */
export interface Scrape {
  error: string | null;
  samples: number;
}

/** The answers to `promql`, by the label `page`. */
async function byPage(port: number, promql: string): Promise<ReadonlyMap<number, number>> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(promql)}`);
  const { data } = (await answer.json()) as {
    data: { result: readonly { metric: { page: string }; value: [number, string] }[] };
  };
  return new Map(data.result.map(({ metric, value }) => [Number(metric.page), Number(value[1])]));
}

/** Lets a real Prometheus scrape every page once, or a few times, each as a target of its own. */
export async function scrapes(pages: readonly Served[]): Promise<readonly Scrape[]> {
  const server = createServer((request, response) => {
    const page = pages[Number(request.url?.slice(1))];
    if (!page) return response.writeHead(404).end();
    return response.writeHead(200, { 'content-type': page.contentType }).end(Buffer.from(page.body, 'latin1'));
  });
  const target = `127.0.0.1:${await listening(server)}`;
  try {
    const prometheus = await startPrometheus([{ name: 'pages', target, pages: pages.length }]);
    try {
      const answer = await fetch(`http://127.0.0.1:${prometheus.port}/api/v1/targets?state=active`);
      const { data } = (await answer.json()) as {
        data: { activeTargets: readonly { labels: { page: string }; lastError: string }[] };
      };
      const samples = await byPage(prometheus.port, 'scrape_samples_scraped');
      const errors = new Map(data.activeTargets.map(({ labels, lastError }) => [Number(labels.page), lastError]));
      return pages.map((_, page) => ({ error: errors.get(page) || null, samples: samples.get(page) ?? 0 }));
    } finally {
      await prometheus.close();
    }
  } finally {
    await ended(server);
  }
}
