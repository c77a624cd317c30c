/** What becomes of a scrape that fails, by what ended it: the way to the proxy, its answer, its page, a limit of Prometheus'. */
export const TROUBLES = {
  way: [
    'ConnectionRefused',
    'ConnectionReset',
    'ClosedUnanswered',
    'ScrapeTimedOut',
    'Unreachable',
    'TlsFailed',
    'TargetDown',
  ],
  answer: ['ScrapeDenied', 'PageNotFound', 'ProxyUnavailable', 'HttpError'],
  page: ['ContentTypeRefused', 'PageInvalid'],
  limit: ['SampleLimit', 'BodySizeLimit', 'LabelLimit', 'TargetLimit'],
} as const;

export type Family = keyof typeof TROUBLES;
export type Trouble = (typeof TROUBLES)[Family][number];

/**
 * The wordings of Prometheus (scrape/scrape.go, model/textparse) and of Go's net/http; those of 2.42 are held against a real one
 * by a test. What none of them fits is a page that cannot be read: whatever else ends a scrape is named here.
 */
const WORDS: readonly (readonly [RegExp, Trouble])[] = [
  [/sample limit exceeded/, 'SampleLimit'],
  [/body size limit exceeded/, 'BodySizeLimit'],
  [/label_(name_length_|value_length_)?limit exceeded/, 'LabelLimit'],
  [/target_limit exceeded/, 'TargetLimit'],
  [/HTTP status 40[13]\b/, 'ScrapeDenied'],
  [/HTTP status 404\b/, 'PageNotFound'],
  [/HTTP status 50[234]\b/, 'ProxyUnavailable'],
  [/HTTP status \d/, 'HttpError'],
  [/Content-Type/i, 'ContentTypeRefused'],
  [/x509|tls: |certificate|server gave HTTP response to HTTPS client|malformed HTTP response/, 'TlsFailed'],
  [/connection refused/, 'ConnectionRefused'],
  [/connection reset|broken pipe/, 'ConnectionReset'],
  [/deadline exceeded|i\/o timeout|Client\.Timeout|timed out/, 'ScrapeTimedOut'],
  [/no route to host|network is unreachable|no such host|server misbehaving/, 'Unreachable'],
  [/(^|: )(unexpected )?EOF$/, 'ClosedUnanswered'],
];

/** What a target's `lastError` says. Without words it is known to be down, and not why. */
export function troubleOf(lastError: string): Trouble {
  if (lastError === '') return 'TargetDown';
  // A page's own text is quoted in what is said of it, and may hold anything.
  const isParsing =
    /valid start token|expected .* (after|got)|invalid (metric|label|UTF)|unexpected end|parse|strconv/i.test(
      lastError,
    );
  if (isParsing && !lastError.startsWith('Get "') && !/limit exceeded|Content-Type/i.test(lastError))
    return 'PageInvalid';
  const known = WORDS.find(([words]) => words.test(lastError))?.[1];
  return known ?? (lastError.startsWith('Get "') ? 'Unreachable' : 'PageInvalid');
}

export const familyOf = (trouble: Trouble): Family =>
  (Object.keys(TROUBLES) as Family[]).find((family) => (TROUBLES[family] as readonly string[]).includes(trouble)) ??
  'way';

/** Without the address, which is each target's own: `connection refused`. */
export const shortened = (lastError: string): string =>
  lastError
    .replace(/^Get "?\S+"?: /, '')
    .replace(/^(dial|read) tcp \S+: ((connect|read): )?/, '')
    .trim();
