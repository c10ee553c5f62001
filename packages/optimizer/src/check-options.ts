import type { z } from 'zod';
import { OptimizerError } from './errors.ts';

/** Where an option stands: keys from the outside in. */
export type Path = readonly PropertyKey[];

/**
 * Reads options by their schema.
 *
 * @param path of `input` within all options.
 * @throws {OptimizerError} `bad-option` for the first that does not fit: its path, the rule, what was found.
 */
export function parse<T extends z.ZodType>(schema: T, input: unknown, path: Path): z.output<T> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const issue = firstIssue(result.error.issues);
  throw refusal([...path, ...issue.path], `${inOurWords(issue.message)}${describe(valueAt(input, issue.path))}`);
}

/**
 * Reads options of a group: only what it says itself, no defaults.
 *
 * @param schema with every option optional.
 * @throws as `parse` does.
 */
export function parseGiven<T extends z.ZodType<Record<string, unknown>>>(
  schema: T,
  input: Readonly<Record<string, unknown>>,
  path: Path,
): Partial<z.output<T>> {
  const all = parse(schema, input, path);
  return Object.fromEntries(Object.entries(all).filter(([key]) => key in input)) as Partial<z.output<T>>;
}

const KINDS: Readonly<Record<string, string>> = {
  array: 'an array',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'an object',
  record: 'an object',
  string: 'a string',
  tuple: 'an array',
};

/** What the schema library says, as a reader of options would. A method that may be left out shows as a choice of `undefined`. */
const inOurWords = (message: string): string =>
  message
    .replace(/'undefined' \| /, '')
    .replace('Invalid discriminator value. Expected', 'must be')
    .replace(/Invalid input: expected (\w+), received \w+/g, (_, kind: string) => `must be ${KINDS[kind] ?? kind}`)
    .replace(/Invalid (input|option): expected/g, 'must be')
    .replaceAll(', or must be', ' or')
    .replace(/Too (big|small): expected \w+ to/g, 'must')
    .replace(/^Unrecognized keys?: (.*)$/, 'does not take $1: misspelt, or of another type or method');

/** Of a union that failed, the branch that came furthest is the one that was meant. */
function firstIssue(issues: readonly z.core.$ZodIssue[]): { path: Path; message: string } {
  const [issue] = issues as [z.core.$ZodIssue];
  if (issue.code === 'invalid_key') return { path: issue.path, message: firstIssue(issue.issues).message };
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return issue;
  const branches = issue.errors.map((branch) => firstIssue(branch)).sort((a, b) => b.path.length - a.path.length);
  const deepest = branches[0] as { path: Path; message: string };
  return {
    path: [...issue.path, ...deepest.path],
    message: deepest.path.length > 0 ? deepest.message : branches.map(({ message }) => message).join(', or '),
  };
}

const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? (inner as Record<PropertyKey, unknown>)[key] : undefined),
    value,
  );

/** What is longer would bury the sentence. */
const LONGEST_SHOWN = 60;

function describe(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  if (text === undefined) return '';
  return text.length > LONGEST_SHOWN ? ` (got ${text.slice(0, LONGEST_SHOWN)}...)` : ` (got ${text})`;
}

/** @throws {OptimizerError} `bad-option`, always. @param rest what it is, the rule, the remedy: a sentence after the path, without its full stop. */
export function refuse(path: Path, rest: string): never {
  throw refusal(path, rest);
}

const refusal = (path: Path, rest: string): OptimizerError => {
  const name = path.map(String).join('.') || 'options';
  return new OptimizerError('bad-option', `${name}: ${rest}.`, { path: path.map(String) });
};
