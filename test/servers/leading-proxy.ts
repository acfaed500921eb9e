/**
 * A proxy of the kind that HTTPS_PROXY names, which leads some hosts of the internet to doubles on this machine: it answers CONNECT
 * and ends TLS itself, with a certificate that is made for the test and known to those who trust its `ca`. So the command can run
 * as people run it, with real addresses and nothing in it that tests could switch. Any other host is refused.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface LeadingProxy {
  readonly url: string;
  /** A file for NODE_EXTRA_CA_CERTS. */
  readonly ca: string;
  /** Hosts that were asked for with CONNECT, in order. */
  readonly asked: readonly string[];
  stop(): Promise<void>;
}

/** `hosts`: where each host really is, as `http://127.0.0.1:PORT`. */
export async function startLeadingProxy(hosts: Readonly<Record<string, string>>): Promise<LeadingProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'passport-proxy-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  makeCertificate(key, cert, Object.keys(hosts));
  const inside = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (from, to) => {
    lead(hosts[from.headers.host ?? ''], from, to);
  });
  const outside = createServer();
  const asked: string[] = [];
  const open = new Set<Socket>();
  outside.on('connect', (head: IncomingMessage, client: Socket) => {
    const [host = '', port] = (head.url ?? '').split(':');
    asked.push(host);
    open.add(client);
    if (hosts[host] === undefined || port !== '443') {
      client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    const through = connect((inside.address() as AddressInfo).port, '127.0.0.1');
    for (const socket of [client, through]) socket.on('error', () => socket.destroy());
    client.on('close', () => through.destroy());
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    client.pipe(through).pipe(client);
  });
  await Promise.all([listening(inside), listening(outside)]);
  return {
    ...{ url: `http://127.0.0.1:${(outside.address() as AddressInfo).port}`, ca: cert, asked },
    async stop() {
      for (const socket of open) socket.destroy();
      inside.closeAllConnections();
      outside.closeAllConnections();
      await Promise.all([inside, outside].map((server) => new Promise((done) => server.close(done))));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function makeCertificate(key: string, cert: string, hosts: readonly string[]): void {
  const names = hosts.map((host) => `DNS:${host}`).join(',');
  const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const files = ['-keyout', key, '-out', cert, '-subj', '/CN=a proxy of a test', '-addext', `subjectAltName=${names}`];
  execFileSync('openssl', [...kind, ...files], { stdio: 'pipe' });
}

function listening(server: Server): Promise<void> {
  return new Promise((done) => server.listen(0, '127.0.0.1', done));
}

/** The double's own connection breaks where its double breaks it: faults arrive as they are. */
function lead(origin: string | undefined, from: IncomingMessage, to: ServerResponse): void {
  if (origin === undefined) {
    to.writeHead(502).end();
    return;
  }
  const { method, headers } = from;
  const onward = request(`${origin}${from.url ?? '/'}`, { method, headers, agent: false }, (answer) => {
    to.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.on('error', () => to.destroy());
    answer.pipe(to);
  });
  onward.on('error', () => to.destroy());
  from.pipe(onward);
}
