/** What grows while a mesh has traffic and is scraped; all else stands still. */
const GROWS =
  /^(istio_(requests_total|request_|response_|tcp_)|istio_agent_scrapes_total|istio_agent_scrape_failures_total|pilot_total_xds_rejects|istio_xds_connection_terminations_total\{reason="(Connection)?Error")/;

/** How much of a counter is added in a second. */
const SHARE = 0.05;

/**
 * A page as it is so many seconds later: counters of traffic have grown, all by the same share, so that buckets stay in
 * their order and what two proxies counted of the same requests stays alike.
 */
export function later(page: string, seconds: number): string {
  return page
    .split('\n')
    .map((line) => {
      if (!GROWS.test(line)) return line;
      const at = line.lastIndexOf(' ');
      return `${line.slice(0, at)} ${Math.floor(Number(line.slice(at + 1)) * (1 + SHARE * seconds))}`;
    })
    .join('\n');
}
