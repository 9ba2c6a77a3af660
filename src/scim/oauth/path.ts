/** Where the token endpoint is, below the directory's base URL. */
export const TOKEN_PATH = '/oauth/token';
