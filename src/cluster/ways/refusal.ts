import type { Hindrance, NoAnswer } from '../../errors.ts';
import type { Right } from '../../rights.ts';
import { type Question, rightOf } from '../question/question.ts';
import { firstLine, unanswered } from '../question/text.ts';

/** The API server's own account of a failure. */
interface Status {
  kind: 'Status';
  reason?: string;
  message?: string;
}

const isStatus = (value: unknown): value is Status =>
  typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'Status';

const statusIn = (body: string): Status | null => {
  try {
    const value: unknown = JSON.parse(body);
    return isStatus(value) ? value : null;
  } catch {
    return null;
  }
};

/**
 * What an answer other than 200 through `kubectl proxy` means. The API server always explains itself with a Status;
 * plain text is kubectl's own, and tells that the server could not be reached (500 in 1.32, 502 in others).
 */
export function refusedBy(question: Question, status: number, body: string, words?: string): NoAnswer {
  const said = statusIn(body);
  if (said) {
    const message = said.message ?? said.reason ?? `HTTP ${status}`;
    return unanswered(question, hindranceOf(status), message, { right: rightIn(message) ?? rightOf(question) });
  }
  if (status >= 500) return unanswered(question, 'Unreachable', words || firstLine(body) || `HTTP ${status}`);
  return unanswered(question, hindranceOf(status), `HTTP ${status}: ${firstLine(body)}`);
}

function hindranceOf(status: number): Hindrance {
  if (status === 401) return 'Unauthorized';
  if (status === 403) return 'Forbidden';
  if (status === 404) return 'NotFound';
  if (status === 504) return 'TimedOut';
  return 'BadAnswer';
}

/** The right that a refusal names: `… cannot create resource "pods/portforward" in API group "" in the namespace "x"`. */
export function rightIn(words: string): Right | null {
  const modern = /cannot (\w+) resource "([^"]+)" in API group "([^"]*)"(?:.* in the namespace "([^"]+)")?/.exec(words);
  const old = /cannot (\w+) ([\w./-]+) (?:in the namespace "([^"]+)"|at the cluster scope)/.exec(words);
  const [verb, plural, group, namespace] = modern
    ? [modern[1], modern[2], modern[3], modern[4]]
    : [old?.[1], old?.[2], '', old?.[3]];
  if (!verb || !plural || !/^(get|list|create)$/.test(verb)) return null;
  const resource = group?.includes('.') && !plural.includes(group) ? `${plural}.${group}` : plural;
  return { verb: verb as Right['verb'], resource, namespace: namespace ?? null };
}

/** What kubectl's own words tell of a failure. */
export function hindranceIn(words: string): Hindrance {
  if (/\(Forbidden\)|is forbidden|: forbidden|403 Forbidden/i.test(words)) return 'Forbidden';
  if (
    /\(Unauthorized\)|Unauthorized|must be logged in|credentials|oauth2|exec plugin|token (has )?expired/i.test(words)
  )
    return 'Unauthorized';
  if (/\(NotFound\)|not found|could not find the requested resource/i.test(words)) return 'NotFound';
  if (/timed? ?out|deadline exceeded|i\/o timeout/i.test(words)) return 'TimedOut';
  return 'Unreachable';
}

/** How a node's runtime names the pod's own address: it dials from inside the pod. */
const OWN = ['127.0.0.1', '[::1]', 'localhost'];

/**
 * Whether these words tell that the pod itself refused a connection to the port. Any other address that refused stands on
 * the way there: the node's kubelet, a proxy of the API server's, a gateway that is gone.
 *
 * `dial tcp4 127.0.0.1:42422: connect: connection refused` of a runtime, `connect(5, AF=2 127.0.0.1:42422, 16): Connection
 * refused` of one that takes socat; with the pod's own address where the API server dials it.
 */
export function isRefusedByPod(words: string, port: number, addresses: readonly string[] = OWN): boolean {
  return addresses.some((address) => {
    const whole = address.includes(':') && !address.startsWith('[') ? `[${address}]` : address;
    const named = whole.replace(/[.[\]]/g, '\\$&');
    return new RegExp(`(?<![\\w.:\\]])${named}:${port}(?:, \\d+\\))?: (?:connect: )?connection refused`, 'i').test(
      words,
    );
  });
}
