/** One place that was looked at, and why nothing was taken from it. */
export interface Attempt {
  readonly place: string;
  readonly outcome: string;
}

/** What one look at a place comes to. */
export type Look<Thing> =
  | { readonly found: Thing }
  | { readonly missing: string }
  /** Nothing usable here, and looking further would be against the user's word. */
  | { readonly refused: string };

/** A place to look at, by a name that a user understands. */
export interface Place<Thing> {
  readonly place: string;
  look(): Look<Thing> | Promise<Look<Thing>>;
}

/** What was found and where, and what was tried before. */
export interface Search<Thing> {
  readonly found?: Thing;
  readonly place?: string;
  readonly attempts: readonly Attempt[];
}

/** Looks at places in order until one has the thing, or forbids to go on. A look that throws counts as missing, with its message. */
export async function search<Thing>(places: readonly Place<Thing>[]): Promise<Search<Thing>> {
  const attempts: Attempt[] = [];
  for (const { place, look } of places) {
    const result = await attempt(look);
    if ('found' in result) return { found: result.found, place, attempts };
    const refused = 'refused' in result;
    attempts.push({ place, outcome: refused ? result.refused : result.missing });
    if (refused) break;
  }
  return { attempts };
}

async function attempt<Thing>(look: Place<Thing>['look']): Promise<Look<Thing>> {
  try {
    return await look();
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) };
  }
}

/** `place: outcome; place: outcome`, for the one line of an error. */
export function describeAttempts(attempts: readonly Attempt[]): string {
  return attempts.map(({ place, outcome }) => `${place}: ${outcome}`).join('; ');
}
