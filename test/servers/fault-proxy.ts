/**
 * Between a real client and a real server: forwards HTTP on loopback byte for byte (also the Host header, which S3 signs) and
 * does to single requests what networks and servers do. It counts what it sees.
 */
import { createServer, type IncomingMessage, request as forward, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { StoreFault } from '../../src/testing/index.ts';

export interface Seen {
  /** From 0, in the order of arrival. */
  readonly index: number;
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly fault: StoreFault['kind'] | 'delay' | undefined;
  /** Of the answer that the client got; undefined when it got none. */
  status?: number;
}

export type Fault = StoreFault | { readonly kind: 'delay'; readonly ms: number };

/** What is to happen to the next request. */
export type Rule = (request: {
  readonly index: number;
  readonly method: string;
  readonly url: string;
}) => Fault | undefined;

export class FaultProxy {
  readonly seen: Seen[] = [];
  rule: Rule = () => undefined;
  readonly #server: Server;
  readonly #port: number;

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#port = target;
    server.on('request', (request, response) => this.#handle(request, response));
    server.on('checkContinue', (request, response: ServerResponse) => {
      response.writeContinue();
      this.#handle(request, response);
    });
  }

  static async before(target: number): Promise<FaultProxy> {
    const server = createServer({ requestTimeout: 0 });
    const proxy = new FaultProxy(server, target);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '', headers } = request;
    const index = this.seen.length;
    const fault = this.rule({ index, method, url });
    const seen: Seen = { index, method, url, headers, fault: fault?.kind };
    this.seen.push(seen);
    const broken = () => request.socket.destroy();
    request.on('error', broken);
    response.on('finish', () => (seen.status = response.statusCode));
    if (fault?.kind === 'status') {
      request.resume();
      const { status, retryAfterSeconds } = fault;
      const headers = retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) };
      // After the whole request: a client that is still sending would see a broken connection.
      request.on('end', () => response.writeHead(status, headers).end());
    } else if (fault?.kind === 'silence') {
      request.resume();
    } else if (fault?.kind === 'delay') {
      setTimeout(() => this.#forward(request, response, undefined), fault.ms);
    } else {
      this.#forward(request, response, fault?.kind);
    }
  }

  #forward(request: IncomingMessage, response: ServerResponse, fault: StoreFault['kind'] | undefined): void {
    const { method, url, rawHeaders: headers } = request;
    const upstream = forward({ host: '127.0.0.1', port: this.#port, method, path: url, headers, agent: false });
    const cut = () => request.socket.destroy();
    upstream.on('error', cut);
    upstream.on('response', (answer) => {
      if (fault === 'lost-answer') {
        answer.resume();
        answer.on('end', cut);
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      if (fault === 'cut-answer') {
        answer.once('data', (chunk: Uint8Array) => response.write(chunk.subarray(0, chunk.length / 2), cut));
        answer.once('end', cut); // it had no body
        return;
      }
      answer.on('error', cut);
      answer.pipe(response);
    });
    if (fault === 'cut-request') {
      // Half of the body reaches the server, if there is one.
      const half = Number(request.headers['content-length'] ?? 0) / 2;
      let sent = 0;
      const stop = () => {
        upstream.destroy();
        cut();
      };
      request.on('data', (chunk: Uint8Array) => {
        sent += chunk.length;
        if (sent < half) upstream.write(chunk);
        else upstream.write(chunk, stop);
      });
      request.on('end', stop);
      return;
    }
    request.pipe(upstream);
  }
}
