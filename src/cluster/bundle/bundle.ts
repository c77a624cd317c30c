import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { extract, pack } from 'tar-stream';
import { BundleError, messageOf, type Unanswered, UsageError } from '../../errors.ts';
import { isHeaderName, type Login, type PrometheusAt } from '../question/login.ts';
import type { Scratch } from '../ways/scratch.ts';
import type { Entry } from './recording.ts';
import { redact } from './redact.ts';

/** What a bundle tells of the run that made it. */
export interface BundleHead {
  tool: { name: string; version: string };
  startedAt: string;
  context: string | null;
  /** The namespace of the context. */
  namespace: string;
  /** The Prometheus that the user named, without what gets past its login; null for those that are found. */
  prometheus: PrometheusAt | null;
  /** The topic, or `all`; null of versions that did not tell. */
  command: string | null;
}

/** A bundle read back: the answers lie in files of the scratch folder. */
export interface Bundle extends BundleHead {
  entries: readonly Entry[];
}

/** The table of contents, `bundle.json`: the first file in the archive. */
interface Manifest extends BundleHead {
  apiVersion: 'istio-diag/v1alpha1';
  kind: 'Bundle';
  questions: readonly Entry[];
}

/** More than any mesh has; a bundle that unpacks to more is a trap. */
const UNPACKED_LIMIT = 4 * 1024 ** 3;

/**
 * Makes the file beside `file` that the bundle is written to first, and resolves to its path. Throws UsageError where
 * `file` can be no bundle, and what the system says where nothing can be written there.
 */
export async function makePartial(file: string): Promise<string> {
  const there = await stat(file).catch(() => null);
  if (there !== null && !there.isFile()) throw new UsageError(`cannot write the bundle: ${file} is not a regular file`);
  // A name of its own: two runs may save to the same file, and the last one wins.
  const partial = `${file}.${process.pid}-${randomBytes(4).toString('hex')}.partial`;
  await (await open(partial, 'wx', 0o600)).close();
  return partial;
}

/** Writes a .tar.gz of every question and answer to `partial`; it gets the name `file` only when it is whole. */
export async function writeBundle(
  file: string,
  partial: string,
  head: BundleHead,
  entries: readonly Entry[],
): Promise<void> {
  const named = entries.map((entry, index) => ('file' in entry ? { ...entry, file: `answers/${index}` } : entry));
  const manifest: Manifest = {
    apiVersion: 'istio-diag/v1alpha1',
    kind: 'Bundle',
    ...head,
    context: head.context === null ? null : redact(head.context),
    questions: named,
  };
  const archive = pack();
  const written = pipeline(archive, createGzip(), createWriteStream(partial, { mode: 0o600 }));
  const fill = async (): Promise<void> => {
    archive.entry({ name: 'bundle.json', mode: 0o600 }, `${JSON.stringify(manifest, null, 1)}\n`);
    for (const [index, entry] of entries.entries()) {
      if (!('file' in entry)) continue;
      const { size } = await stat(entry.file);
      await pipeline(createReadStream(entry.file), archive.entry({ name: `answers/${index}`, mode: 0o600, size }));
    }
    archive.finalize();
  };
  await Promise.all([written, fill()]);
  await rename(partial, file);
}

/** Reads a bundle. Throws BundleError when it is none, is cut off, or comes from a newer version. */
export async function readBundle(file: string, scratch: Scratch): Promise<Bundle> {
  const files = new Map<string, string>();
  let manifest: unknown;
  let unpacked = 0;
  const unpack = extract();
  const reading = pipeline(createReadStream(file), createGunzip(), unpack);
  // Awaited below; until then a failure must not count as unhandled.
  reading.catch(() => undefined);
  try {
    for await (const entry of unpack) {
      unpacked += entry.header.size ?? 0;
      if (unpacked > UNPACKED_LIMIT)
        throw new BundleError(`${file} unpacks to more than ${UNPACKED_LIMIT / 1024 ** 3} GB`);
      if (entry.header.type !== 'file') entry.resume();
      else if (entry.header.name === 'bundle.json') manifest = JSON.parse(await textOf(entry as AsyncIterable<Buffer>));
      else {
        // The name in the archive is never used as a path.
        const path = scratch.path('');
        await pipeline(entry, createWriteStream(path, { mode: 0o600 }));
        files.set(entry.header.name, path);
      }
    }
    await reading;
  } catch (error) {
    unpack.destroy();
    throw error instanceof BundleError ? error : notReadable(file, error);
  }
  return checked(file, manifest, files);
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function notReadable(file: string, error: unknown): BundleError {
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  // The bundle may be whole: it is its place to be unpacked to that is not there, or full.
  if (syscall === 'mkdtemp' || syscall === 'write' || (syscall === 'open' && path !== file))
    return new BundleError(`${file} cannot be unpacked: ${messageOf(error)}`);
  if (code === 'ENOENT' || code === 'EACCES' || code === 'EISDIR') {
    const folder = 'it is a folder, and a bundle is the .tar.gz that --save-bundle writes';
    return new BundleError(`cannot read the bundle: ${code === 'EISDIR' ? folder : messageOf(error)}`);
  }
  if (code === 'Z_BUF_ERROR' || /unexpected end/i.test(messageOf(error))) {
    return new BundleError(`${file} is cut off: it ends in the middle of the archive`);
  }
  return new BundleError(`${file} is not a bundle: a .tar.gz made by --save-bundle was wanted (${messageOf(error)})`);
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isTextOrNull = (value: unknown): value is string | null => value === null || isText(value);

function isPrometheusAt(value: unknown): value is PrometheusAt {
  const { url, login, namespace, service, port, prefix } = (value ?? {}) as Record<string, unknown>;
  if (url === undefined) return [namespace, service, prefix].every(isText) && Number.isInteger(port);
  return isText(url) && URL.canParse(url) && (login === undefined || isLogin(login));
}

function isLogin(value: unknown): value is Login {
  const { tokenFile, headers, ca } = (value ?? {}) as Record<string, unknown>;
  return isTextOrNull(tokenFile) && isTextOrNull(ca) && Array.isArray(headers) && headers.every(isHeaderName);
}

function isEntry(value: unknown): value is Entry {
  const entry = (value ?? {}) as Record<string, unknown>;
  if (!isText(entry.key) || !isText(entry.command)) return false;
  if (entry.got === 'nothing') return isUnanswered(entry.unanswered);
  if (entry.got === 'list') return isText(entry.file);
  const isAnswer = Number.isInteger(entry.status) && isText(entry.contentType) && isText(entry.file);
  return entry.got === 'answer' && isAnswer && (entry.broke === undefined || isUnanswered(entry.broke));
}

function isUnanswered(value: unknown): value is Unanswered {
  const { hindrance, command, words, right, triedInstead } = (value ?? {}) as Record<string, unknown>;
  const { verb, resource, namespace } = (right ?? {}) as Record<string, unknown>;
  return (
    [hindrance, command, words, verb, resource].every(isText) &&
    (namespace === null || isText(namespace)) &&
    Array.isArray(triedInstead) &&
    triedInstead.every(isText)
  );
}

function checked(file: string, value: unknown, files: ReadonlyMap<string, string>): Bundle {
  const manifest = value as Partial<Manifest> | undefined;
  if (manifest?.kind !== 'Bundle' || !Array.isArray(manifest.questions)) {
    throw new BundleError(`${file} is not a bundle: it has no bundle.json made by --save-bundle`);
  }
  if (manifest.apiVersion !== 'istio-diag/v1alpha1') {
    throw new BundleError(
      `${file} was made by another version (${manifest.apiVersion ?? 'it does not say which'}): update kubectl-istio-diag`,
    );
  }
  const { tool, startedAt, context, namespace, questions } = manifest as Manifest;
  // Older versions kept none.
  const prometheus = manifest.prometheus ?? null;
  const command = manifest.command ?? null;
  const isHead =
    Number.isFinite(Date.parse(startedAt)) &&
    typeof startedAt === 'string' &&
    isTextOrNull(context) &&
    isText(namespace) &&
    isTextOrNull(command) &&
    (prometheus === null || isPrometheusAt(prometheus));
  if (!isHead || !questions.every(isEntry)) {
    throw new BundleError(`${file} is damaged: its bundle.json is not as --save-bundle writes it`);
  }
  const entries = questions.map((entry) => {
    if (!('file' in entry)) return entry;
    const path = files.get(entry.file);
    if (path === undefined) throw new BundleError(`${file} is cut off: the answer ${entry.file} is missing`);
    return { ...entry, file: path };
  });
  return { tool, startedAt, context, namespace, prometheus, command, entries };
}
