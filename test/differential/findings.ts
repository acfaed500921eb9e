/**
 * One question, put to every provider of a platform: all give one answer, and the one that is expected. The answers go into a
 * digest, so that two platforms are compared by 32 bytes. Runs in a browser.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { type Bytes, copy, hex, utf8 } from '../../src/bytes.ts';

/** Bytes become hexadecimal, or their SHA-256 where they are long; yes and no stand for booleans. */
export type Answer = Bytes | boolean | string;
export type Run = () => Answer | Promise<Answer>;

/** Whatever a provider throws: which error it is differs between them, and only our own codes are a promise. */
export const REFUSED = 'refused';

const LONG = 64;
/** The rest is counted: one cause makes many. */
const SHOWN = 50;

export interface Summary {
  readonly cases: number;
  /** Of all providers together. */
  readonly answers: number;
  /** Answers per provider. */
  readonly providers: Readonly<Record<string, number>>;
  /** 32 bytes in hexadecimal, over all cases in their order. */
  readonly digest: string;
  readonly wrongCount: number;
  readonly wrong: readonly string[];
  /** What the platform's own Ed25519 answers otherwise than the rule: the reason for the rule, not a fault. */
  readonly ownVerifierDiffers: number;
}

export class Findings {
  #cases = 0;
  #answers = 0;
  #wrongCount = 0;
  #ownVerifierDiffers = 0;
  readonly #wrong: string[] = [];
  readonly #providers = new Map<string, number>();
  readonly #ids = new Set<string>();
  readonly #digest = sha256.create();

  /** Providers that a platform does not have are undefined. Without `expected` the answer is any one but a refusal. */
  async ask(id: string, providers: Readonly<Record<string, Run | undefined>>, expected?: Answer): Promise<void> {
    if (this.#ids.has(id)) throw new Error(`two cases are called ${id}`);
    this.#ids.add(id);
    this.#cases += 1;
    const said = new Map<string, string[]>();
    for (const [provider, run] of Object.entries(providers)) {
      if (run === undefined) continue;
      const answer = await answerOf(run);
      this.#answers += 1;
      this.#providers.set(provider, (this.#providers.get(provider) ?? 0) + 1);
      said.set(answer, [...(said.get(answer) ?? []), provider]);
    }
    const [answer = 'nobody answers'] = said.keys();
    const right = expected === undefined ? answer !== REFUSED : answer === text(expected);
    if (said.size !== 1 || !right) this.#report(id, said, expected);
    this.#digest.update(utf8(`${id} ${answer}\n`));
  }

  ownVerifierDiffers(): void {
    this.#ownVerifierDiffers += 1;
  }

  summary(): Summary {
    return {
      cases: this.#cases,
      answers: this.#answers,
      providers: Object.fromEntries(this.#providers),
      digest: hex(copy(this.#digest.clone().digest())),
      wrongCount: this.#wrongCount,
      wrong: this.#wrong,
      ownVerifierDiffers: this.#ownVerifierDiffers,
    };
  }

  #report(id: string, said: ReadonlyMap<string, readonly string[]>, expected: Answer | undefined): void {
    this.#wrongCount += 1;
    if (this.#wrong.length === SHOWN) return;
    const answers = [...said].map(([answer, providers]) => `${providers.join(' and ')}: ${answer}`).join('; ');
    this.#wrong.push(`${id}: ${expected === undefined ? '' : `expected ${text(expected)}; `}${answers}`);
  }
}

async function answerOf(run: Run): Promise<string> {
  try {
    return text(await run());
  } catch {
    return REFUSED;
  }
}

function text(answer: Answer): string {
  if (typeof answer === 'string') return answer;
  if (typeof answer === 'boolean') return answer ? 'yes' : 'no';
  return answer.length > LONG ? `${answer.length} bytes, SHA-256 ${hex(copy(sha256(answer)))}` : `0x${hex(answer)}`;
}
