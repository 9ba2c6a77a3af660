/**
 * The import rules: one direction, no cycles, each vendor library in one place.
 * Run by `npm run check`.
 */
const layers = [
  ['lib', []],
  ['store', ['lib']],
  ['queue', ['lib', 'store']],
  ['events', ['lib', 'store', 'queue']],
  ['directory', ['lib', 'store', 'queue', 'events']],
  ['access', ['lib', 'store', 'queue', 'events']],
  ['provisioning', ['lib', 'store', 'queue', 'events', 'directory', 'access']],
  ['scim', ['lib', 'store', 'queue', 'events', 'directory', 'access', 'provisioning']],
  ['sso', ['lib', 'store', 'queue', 'events', 'directory', 'access', 'provisioning']],
  ['http', ['lib', 'store', 'queue', 'events', 'directory', 'access', 'provisioning', 'scim', 'sso']],
  ['simulator', ['lib']],
];

const layerRules = layers.map(([name, allowed]) => ({
  name: `layer-${name}`,
  comment: `src/${name} may import only itself, errors.ts${allowed.length ? ` and ${allowed.join(', ')}` : ''}`,
  severity: 'error',
  from: { path: `^src/${name}/` },
  to: { path: '^(src|workers|test)/', pathNot: `^src/(errors\\.ts$|${[name, ...allowed].join('/|')}/)` },
}));

/** Vendor library → the only places that may import it. */
const vendors = {
  mongoose: '^(src/store/|test/(store|support)/)',
  '@photostructure/sqlite': '^(src/store/sqlite/|test/(bench|store)/)',
  bullmq: '^src/queue/bullmq',
  ioredis: '^(src/queue/bullmq|test/)',
  express: '^(src/http/|src/scim/|src/sso/|test/)',
  helmet: '^src/http/',
  pino: '^src/lib/logger',
  ulid: '^src/lib/ids',
  'prom-client': '^src/http/',
  jose: '^(src/directory/oauth/|src/sso/|test/)',
  'openid-client': '^(src/sso/oidc/|test/bench/)',
  'oidc-provider': '^(src/simulator/|test/)',
  'scim-patch': '^src/scim/patch',
  'zod-openapi': '^src/http/',
  'ipaddr.js': '^src/lib/addresses',
  '@node-saml/node-saml': '^(src/sso/saml/|test/bench/)',
  'xml-crypto': '^(src/sso/saml/|src/simulator/saml/|test/sso/saml/)',
  'xml-encryption': '^(src/sso/saml/decryption|src/simulator/saml/sign|test/sso/saml/)',
  '@xmldom/xmldom': '^(src/sso/saml/xmlGate|src/simulator/saml/|test/)',
  selfsigned: '^(src/sso/keys|src/simulator/|test/)',
};

const vendorRules = Object.entries(vendors).map(([library, home]) => ({
  name: `vendor-${library}`,
  comment: `${library} is imported in one place only`,
  severity: 'error',
  from: { path: '^(src|workers|test)/', pathNot: home },
  to: { path: `node_modules/${library}/`, pathNot: 'node_modules/@types/' },
}));

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    ...layerRules,
    ...vendorRules,
    {
      name: 'workers-import-areas',
      comment:
        'workers parse the job and call the area: never http or scim; of sso, what it does unasked (decision 15)',
      severity: 'error',
      from: { path: '^workers/' },
      to: { path: '^(src/(http/|scim/|sso/(?!tasks\\.ts$)|simulator/)|test/)' },
    },
    {
      name: 'product-never-imports-tests',
      severity: 'error',
      from: { path: '^(src|workers)/' },
      to: { path: '^test/' },
    },
    {
      name: 'store-by-its-front-door',
      comment: 'areas see the Store interface, never an engine',
      severity: 'error',
      from: { path: '^(src/(?!store/|main\\.ts|gatehouse\\.ts|backup\\.ts)|workers/(?!main\\.ts))' },
      to: { path: '^src/store/(?!index\\.ts)' },
    },
  ],
  options: {
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.js'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
