import type { PeerCertificate } from 'node:tls';
import type { Answer } from '../question/cluster.ts';
import type { HandshakeQuestion } from '../question/question.ts';
import { type Patience, within } from './deadline.ts';
import { once } from './http.ts';
import { brokenBy, type Connection } from './pages.ts';

/** How a TLS handshake ended: the other side's certificate, and whether the trusted ones vouch for it. */
export interface Handshake {
  /** OpenSSL's or Node's code of what is wrong with the certificate: `CERT_HAS_EXPIRED`; null when it is trusted. */
  error: string | null;
  /** The certificate's names, as Node writes them: `DNS:istiod.istio-system.svc`. */
  names: string;
  issuer: string;
  /** Milliseconds since 1970. */
  notBefore: number;
  notAfter: number;
}

/** Shakes hands over a connection, says nothing and hangs up. Throws NoAnswer when there is no TLS to be had. */
export async function shakeHands(
  question: HandshakeQuestion,
  open: () => Promise<Connection>,
  patience: Patience,
): Promise<Answer> {
  // TLS costs 8 ms to load: before the connection is there, which may break meanwhile.
  const tls = await import('node:tls');
  const connection = await open();
  // An answer is wanted for a certificate that nobody trusts too: nothing is sent to it.
  const options = {
    servername: question.serverName,
    ca: question.ca,
    rejectUnauthorized: false,
    // As Go does: a bundle may hold an intermediate and not its root.
    allowPartialTrustChain: true,
  };
  const socket = tls.connect({ socket: connection.stream, ...options });
  const done = new Promise<Handshake>((resolve, reject) => {
    socket.once('secureConnect', () => resolve(handshakeOf(socket.getPeerCertificate(), socket.authorizationError)));
    socket.on('error', reject);
    connection.stream.once('close', () => reject(new Error('the connection was closed before the handshake ended')));
  });
  try {
    const body = Buffer.from(JSON.stringify(await within(patience, done)));
    return { status: 200, contentType: 'application/json', body: once(body) };
  } catch (error) {
    throw await brokenBy(question, error, connection);
  } finally {
    socket.destroy();
    connection.stream.destroy();
  }
}

const handshakeOf = (peer: PeerCertificate, error: Error | string | null | undefined): Handshake => ({
  error: error ? ((error as NodeJS.ErrnoException).code ?? String(error)) : null,
  names: peer.subjectaltname ?? '',
  issuer: [peer.issuer.O, peer.issuer.CN].filter(Boolean).join(' '),
  notBefore: Date.parse(peer.valid_from),
  notAfter: Date.parse(peer.valid_to),
});
