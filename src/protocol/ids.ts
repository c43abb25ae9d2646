/** What ids look like, for who checks them without a schema. */

/** `7`, `7.2.1` */
export const loopIdPattern = /^[1-9]\d{0,9}(?:\.[1-9]\d{0,9}){0,7}$/;
/** `c7`: a conversation. */
export const chatIdPattern = /^c[1-9]\d{0,14}$/;
