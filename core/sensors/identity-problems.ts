/** A second connection of one certificate; a second use of a token; a journal whose numbers went back. */
export const identityProblems = ['cloned', 'token-reused', 'journal-returned'] as const
export type IdentityProblem = (typeof identityProblems)[number]
