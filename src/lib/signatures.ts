/** Signatures of JWTs that count (RFC 8725 §3.1): asymmetric ones only. With a symmetric one a public key would pass for a secret. */
export const asymmetricSignatures: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
