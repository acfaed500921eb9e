/**
 * The server under each double: HTTP on a free port of this machine, a log of every request, and faults between the double and
 * its client. A double is no service: it is our reading of published descriptions, made to refuse what they do not allow.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { StoreFault } from '../../src/testing/index.ts';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Objects are sent as JSON. */
  readonly body?: Uint8Array | string | object;
}

/** What happens to one request, chosen by a test: an answer instead of the double's, or a fault; undefined lets it pass. */
export type Trap = (request: Received) => Reply | StoreFault | undefined;

export abstract class HttpDouble {
  /** `METHOD /path` and the status that was sent (0: none), in order of arrival. */
  readonly log: { readonly method: string; readonly path: string; readonly query: string; status: number }[] = [];
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch((error: unknown) => {
      this.broken ??= error;
      response.destroy();
    });
  });
  #fault: StoreFault | undefined;
  readonly #traps: Trap[] = [];
  /** Asked for every request that no trap wants. */
  rule: Trap | undefined;
  /** A bug of the double itself: a test that ends with one failed. */
  broken: unknown;
  url = '';

  protected abstract answer(request: Received): Reply | Promise<Reply>;
  /** How the service writes an error that it gives for `status`. */
  protected abstract errorFor(status: number): Reply;

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    if (this.broken !== undefined) throw new Error('the double itself failed', { cause: this.broken });
  }

  /** For every request from now on. */
  setFault(fault: StoreFault | undefined): void {
    this.#fault = fault;
  }

  /** For the next request that it wants, once. */
  trap(trap: Trap): void {
    this.#traps.push(trap);
  }

  /** How many requests `action` makes. */
  async count(action: () => Promise<unknown>): Promise<number> {
    const before = this.log.length;
    await action();
    return this.log.length - before;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const { pathname: path, searchParams: query } = url;
    const entry = { method: request.method ?? '', path: decodeURIComponent(path), query: url.search, status: 0 };
    this.log.push(entry);
    const head = { method: entry.method, path, query, headers: request.headers };
    if (this.#fault?.kind === 'cut-request') {
      request.once('data', () => request.socket.destroy());
      request.once('end', () => request.socket.destroy());
      return;
    }
    const body = await bodyOf(request);
    if (body === undefined) return; // the client went away
    const received: Received = { ...head, body };
    const trapped = this.#trapped(received) ?? this.rule?.(received) ?? this.#fault;
    if (trapped !== undefined && 'kind' in trapped) return this.#fail(trapped, received, response, entry);
    const reply = trapped ?? (await this.answer(received));
    entry.status = reply.status;
    send(response, reply);
  }

  #trapped(request: Received): Reply | StoreFault | undefined {
    for (const [at, trap] of this.#traps.entries()) {
      const wanted = trap(request);
      if (wanted === undefined) continue;
      this.#traps.splice(at, 1);
      return wanted;
    }
    return undefined;
  }

  async #fail(
    fault: StoreFault,
    request: Received,
    response: ServerResponse,
    entry: { status: number },
  ): Promise<void> {
    if (fault.kind === 'silence') return;
    if (fault.kind === 'cut-request') {
      response.destroy();
      return;
    }
    if (fault.kind === 'status') {
      const { headers, ...reply } = this.errorFor(fault.status);
      const pause = fault.retryAfterSeconds === undefined ? {} : { 'retry-after': String(fault.retryAfterSeconds) };
      entry.status = fault.status;
      send(response, { ...reply, headers: { ...headers, ...pause } });
      return;
    }
    const reply = await this.answer(request);
    entry.status = reply.status;
    if (fault.kind === 'lost-answer') response.destroy();
    else send(response, reply, true);
  }
}

function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.once('end', () => resolve(Buffer.concat(parts)));
    request.once('close', () => resolve(undefined));
  });
}

function send(response: ServerResponse, { status, headers, body }: Reply, cut = false): void {
  const isBytes = body instanceof Uint8Array || typeof body === 'string';
  const bytes = Buffer.from(body === undefined ? '' : isBytes ? body : JSON.stringify(body));
  const type = body === undefined || isBytes ? {} : { 'content-type': 'application/json; charset=UTF-8' };
  const length = status === 204 ? {} : { 'content-length': String(bytes.length) };
  response.writeHead(status, { ...type, ...length, ...headers });
  if (!cut) response.end(bytes);
  // What was sent so far has to be on its way before the connection breaks.
  else response.write(bytes.subarray(0, bytes.length >> 1), () => setTimeout(() => response.destroy(), 5));
}
