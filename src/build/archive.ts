import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { pack } from 'tar-stream';

/** A file of an archive. */
export interface ArchiveFile {
  name: string;
  body: Buffer;
  mode: number;
}

/** A .tar.gz that is the same for the same files, whenever it is made. */
export async function archiveOf(files: readonly ArchiveFile[]): Promise<Buffer> {
  const tar = pack();
  for (const { name, body, mode } of files) tar.entry({ name, mode, mtime: new Date(0), uid: 0, gid: 0 }, body);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return promisify(gzip)(Buffer.concat(chunks), { level: 9 });
}
