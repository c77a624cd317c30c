import type { Series } from '../../../evidence/prometheus/query.ts';

/** The window of the rates that are judged (s). */
const WINDOW = 600;

/** So few requests within the window are no traffic yet: one side is scraped before the other. */
const FEW = 10;

/** Whether it is more than the first few requests. */
export const isTraffic = (rate: number | undefined): boolean => (rate ?? 0) * WINDOW >= FEW;

export const total = (series: readonly Series[]): number => series.reduce((sum, { value }) => sum + value, 0);

/** `NAMESPACE/NAME` of what a series says is its source or destination. */
export const endOf = (
  { labels }: Series,
  end: 'source_workload' | 'destination_workload' | 'destination_service',
): string =>
  `${labels.get(`${end}_namespace`) ?? ''}/${labels.get(end === 'destination_service' ? 'destination_service_name' : end) ?? ''}`;

export const reportedBy = (series: readonly Series[], reporter: string): readonly Series[] =>
  series.filter(({ labels }) => labels.get('reporter') === reporter);

/** Rates by what `of` says of each. */
export function ratesBy(series: readonly Series[], of: (each: Series) => string): ReadonlyMap<string, number> {
  const rates = new Map<string, number>();
  for (const each of series) rates.set(of(each), (rates.get(of(each)) ?? 0) + each.value);
  return rates;
}

/** The rates of each workload at one end, by whose proxy counted: its own, or that of the other end. */
export function ratesByEnd(
  series: readonly Series[],
  end: 'source_workload' | 'destination_workload',
): Readonly<Record<'own' | 'other', ReadonlyMap<string, number>>> {
  const [own, other] = end === 'source_workload' ? ['source', 'destination'] : ['destination', 'source'];
  const by = (reporter = '') => ratesBy(reportedBy(series, reporter), (each) => endOf(each, end));
  return { own: by(own), other: by(other) };
}

/** `12.5 requests/s`. */
export const perSecond = (rate: number): string =>
  `${rate >= 10 ? Math.round(rate) : Number(rate.toPrecision(2))} requests/s`;

/** `12.5 connections/s`. */
export const connections = (rate: number): string => perSecond(rate).replace('requests', 'connections');

/** Through ambient's tunnel: it cannot arrive anywhere but at the ztunnel of who is called. */
export const isTunnelled = ({ labels }: Pick<Series, 'labels'>): boolean =>
  labels.get('connection_security_policy') === 'mutual_tls';

/** `34%`, and never 0% or 100% of what is only a part. */
export const share = (part: number, whole: number): string =>
  part >= whole ? '100%' : `${Math.min(99, Math.max(1, Math.round((part / whole) * 100)))}%`;
