/**
 * The part of Drive's query language that the double understands (guides/ref-search-terms): `and`, `or`, parentheses,
 * `'id' in parents`, `mimeType = '…'`, `trashed = true|false`. Anything else is refused, queries for a name too: nothing of ours
 * may depend on one.
 */
export interface Queried {
  readonly parents: readonly string[];
  readonly mimeType: string;
  readonly trashed: boolean;
}

export type Query = (item: Queried) => boolean;

/** Undefined when the double does not understand it. */
export function parseQuery(text: string): Query | undefined {
  const tokens = text.match(/'(?:[^'\\]|\\.)*'|[()]|[a-zA-Z]+|=|\S/g) ?? [];
  let at = 0;
  const take = (expected?: string | RegExp): string | undefined => {
    const token = tokens[at];
    const fits = typeof expected === 'string' ? token === expected : (expected?.test(token ?? '') ?? true);
    if (token === undefined || !fits) return undefined;
    at++;
    return token;
  };
  const quoted = (token: string | undefined): string | undefined => token?.slice(1, -1).replaceAll(/\\(.)/g, '$1');

  const term = (): Query | undefined => {
    if (take('(') !== undefined) {
      const inner = any();
      return inner !== undefined && take(')') !== undefined ? inner : undefined;
    }
    if (take('trashed') !== undefined) {
      const value = take('=') && take(/^(?:true|false)$/);
      return value === undefined ? undefined : (item) => item.trashed === (value === 'true');
    }
    if (take('mimeType') !== undefined) {
      const type = quoted(take('=') && take(/^'/));
      return type === undefined ? undefined : (item) => item.mimeType === type;
    }
    const id = quoted(take(/^'/));
    if (id === undefined || take('in') === undefined || take('parents') === undefined) return undefined;
    return (item) => item.parents.includes(id);
  };
  /** Terms joined by one word. A mixture is read from left to right by Drive, which nobody expects: refused. */
  const any = (): Query | undefined => {
    const first = term();
    const word = tokens[at];
    if (first === undefined || (word !== 'and' && word !== 'or')) return first;
    const terms = [first];
    while (take(word) !== undefined) {
      const next = term();
      if (next === undefined) return undefined;
      terms.push(next);
    }
    return (item) => (word === 'and' ? terms.every((each) => each(item)) : terms.some((each) => each(item)));
  };
  const query = any();
  return at === tokens.length ? query : undefined;
}
