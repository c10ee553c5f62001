/** An option that cannot work: one line for people, exit code 2. */
export class Misuse extends Error {
  override readonly name = 'Misuse';
}
