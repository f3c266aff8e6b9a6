/** What all processes of a run agree on. */

/** Rows of the database, each with an entry. */
export const KEYS = 300;
/** Each row has one tag: its number modulo this. */
export const TAGS = 20;
