/** The product's version; the same as in package.json, as a test sees to. */
export const version = '0.1.0';
