/** Refusal is why something could not even be asked for, in the words of the page. */
export class Refusal extends Error {}
