/**
 * The metadata of a SAML IdP (saml-metadata-2.0-os): from the XML that the IdP publishes to what a connection keeps of it.
 * Nothing here believes a signature on it: it comes from an Admin, or over https from where an Admin has said (SSO-1).
 */
import { AppError } from '../errors.ts';
import { readCertificate } from './certificates.ts';
import { metadataLimits, parseXml, XmlRefused } from './saml/xmlGate.ts';
import type { SamlSettings } from './settings.ts';

const md = 'urn:oasis:names:tc:SAML:2.0:metadata';
const ds = 'http://www.w3.org/2000/09/xmldsig#';
const protocol = 'urn:oasis:names:tc:SAML:2.0:protocol';
const bindings: Readonly<Record<string, SamlSettings['ssoBinding']>> = {
  'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect': 'redirect',
  'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST': 'post',
};
const unspecified = 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified';

/** What metadata says of an IdP, in the form of a connection's settings. */
export type IdpMetadata = Pick<
  SamlSettings,
  'entityId' | 'ssoUrl' | 'ssoBinding' | 'sloUrl' | 'sloBinding' | 'sloResponseUrl' | 'certificates' | 'nameIdFormat'
> & {
  /** The IdP asks for signed requests. */
  readonly wantsSignedRequests: boolean;
};

export interface MetadataOptions {
  readonly at: Date;
  /** Lets an IdP on loopback be reached by plain http. */
  readonly allowPrivate: boolean;
}

/**
 * Reads the metadata of one IdP. Throws AppError `metadata_invalid` (no metadata, none or several IdPs, expired, a
 * location that is not https, no way to sign in or none to verify it) and `certificate_invalid`.
 */
export function readIdpMetadata(xml: string, { at, allowPrivate }: MetadataOptions): IdpMetadata {
  const { entity, descriptor, lists } = findIdp(xml);
  for (const element of [...lists, entity, descriptor]) refuseExpired(element, at);
  const entityId = entity.getAttribute('entityID') ?? '';
  if (entityId === '' || entityId.length > 1024)
    throw invalid('its entityID is missing or longer than 1024 characters');
  const sso = findEndpoint(descriptor, 'SingleSignOnService', allowPrivate);
  if (!sso) throw invalid('it has no SingleSignOnService with the binding HTTP-Redirect or HTTP-POST');
  const slo = findEndpoint(descriptor, 'SingleLogoutService', allowPrivate);
  const formats = childrenOf(descriptor, md, 'NameIDFormat').map(textOf);
  const [format] = formats;
  return {
    entityId,
    ssoUrl: sso.url,
    ssoBinding: sso.binding,
    ...(slo && { sloUrl: slo.url, sloBinding: slo.binding }),
    ...(slo?.responseUrl !== undefined && { sloResponseUrl: slo.responseUrl }),
    certificates: readCertificates(descriptor, at),
    // One of several is the Admin's to choose; to ask for "unspecified" is to ask for nothing.
    ...(format !== undefined && formats.length === 1 && format !== unspecified && { nameIdFormat: format }),
    wantsSignedRequests: ['true', '1'].includes(descriptor.getAttribute('WantAuthnRequestsSigned') ?? ''),
  };
}

/**
 * An address of an IdP that browsers are sent to: https, or plain http on loopback where `allowPrivate`. Answers it in
 * the one form that URLs have, undefined for anything else.
 */
export function readLocation(text: string, allowPrivate: boolean): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.username !== '' || url.password !== '' || url.hash !== '') return undefined;
  const onLoopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  const allowed = url.protocol === 'https:' || (url.protocol === 'http:' && allowPrivate && onLoopback);
  return allowed && url.href.length <= 2048 ? url.href : undefined;
}

const invalid = (why: string, cause?: unknown) =>
  new AppError('metadata_invalid', `The metadata cannot be used: ${why}`, { cause });

function parse(xml: string): Element {
  try {
    return parseXml(xml, metadataLimits).documentElement;
  } catch (error) {
    throw error instanceof XmlRefused ? invalid(error.message, error) : error;
  }
}

interface Listed {
  readonly entity: Element;
  /** The lists that it is in, the outermost first. */
  readonly lists: readonly Element[];
}

/** The one entity that is an IdP: the root, or the only one in a list of entities. */
function findIdp(xml: string): Listed & { readonly descriptor: Element } {
  const root = parse(xml);
  if (!isNamed(root, md, 'EntitiesDescriptor') && !isNamed(root, md, 'EntityDescriptor'))
    throw invalid('its root is no EntityDescriptor of SAML 2.0');
  const idps = entitiesIn(root, []).flatMap((listed) =>
    idpDescriptorsOf(listed.entity).map((descriptor) => ({ ...listed, descriptor })),
  );
  const [first, ...others] = idps;
  if (first === undefined)
    throw invalid('it describes no IdP (an IDPSSODescriptor for SAML 2.0); is it that of a service?');
  if (others.length > 0) throw invalid('it describes several IdPs; a connection is to one');
  return first;
}

/** An entity, or those of a list and of the lists in it (saml-metadata-2.0-os §2.3.1); the gate bounds how deep they are. */
function entitiesIn(element: Element, lists: readonly Element[]): readonly Listed[] {
  if (isNamed(element, md, 'EntityDescriptor')) return [{ entity: element, lists }];
  const inside = ['EntityDescriptor', 'EntitiesDescriptor'].flatMap((name) => childrenOf(element, md, name));
  return inside.flatMap((each) => entitiesIn(each, [...lists, element]));
}

const idpDescriptorsOf = (entity: Element): readonly Element[] =>
  childrenOf(entity, md, 'IDPSSODescriptor').filter((descriptor) =>
    (descriptor.getAttribute('protocolSupportEnumeration') ?? '').split(/\s+/).includes(protocol),
  );

function refuseExpired(element: Element, at: Date): void {
  const text = element.getAttribute('validUntil');
  if (!text) return;
  const until = new Date(text);
  if (Number.isNaN(until.getTime())) throw invalid('its validUntil is no time');
  if (until <= at) throw invalid(`it has expired at ${until.toISOString()}`);
}

interface Endpoint {
  readonly url: string;
  readonly binding: SamlSettings['ssoBinding'];
  /** Where what it asks is answered, if elsewhere. */
  readonly responseUrl?: string;
}

/** The redirect binding where there is one: it needs no page in between. */
function findEndpoint(
  descriptor: Element,
  name: 'SingleSignOnService' | 'SingleLogoutService',
  allowPrivate: boolean,
): Endpoint | undefined {
  const endpoints = childrenOf(descriptor, md, name).flatMap((element) => {
    const binding = bindings[element.getAttribute('Binding') ?? ''];
    return binding === undefined ? [] : [{ binding, element }];
  });
  const chosen = endpoints.find(({ binding }) => binding === 'redirect') ?? endpoints[0];
  if (chosen === undefined) return undefined;
  const { binding, element } = chosen;
  const [url, responseUrl] = ['Location', 'ResponseLocation'].map((place) => {
    const text = element.getAttribute(place) || undefined;
    const read = readLocation(text ?? '', allowPrivate);
    if (read === undefined && (text !== undefined || place === 'Location'))
      throw invalid(`the ${place} of its ${name} is no https address`);
    return read;
  });
  return url === undefined ? undefined : { url, binding, ...(responseUrl !== undefined && { responseUrl }) };
}

/** The first certificate of each key: what follows it is the chain that vouches for it, and signs nothing. */
function readCertificates(descriptor: Element, at: Date): SamlSettings['certificates'] {
  const found = childrenOf(descriptor, md, 'KeyDescriptor')
    .filter((key) => (key.getAttribute('use') || 'signing') === 'signing')
    .flatMap((key) => childrenOf(key, ds, 'KeyInfo'))
    .flatMap((info) => childrenOf(info, ds, 'X509Data'))
    .flatMap((data) => childrenOf(data, ds, 'X509Certificate').slice(0, 1))
    .map((element) => readCertificate(textOf(element)));
  return collectCertificates(found, at, invalid);
}

/** Each once; as many as may be, and one at least that has not expired. */
export function collectCertificates(
  found: readonly { readonly pem: string; readonly expiresAt: Date }[],
  at: Date,
  refuse: (why: string) => AppError,
): SamlSettings['certificates'] {
  const unique = [...new Map(found.map((one) => [one.pem, one])).values()];
  if (unique.length === 0) throw refuse('it has no signing certificate');
  if (unique.length > 10) throw refuse('it has more than ten signing certificates');
  if (unique.every(({ expiresAt }) => expiresAt <= at)) throw refuse('all of its signing certificates have expired');
  return unique.map(({ pem, expiresAt }) => ({ pem, expiresAt: expiresAt.toISOString() }));
}

const isNamed = (element: Element, namespace: string, name: string): boolean =>
  element.namespaceURI === namespace && element.localName === name;

const ELEMENT_NODE = 1;

function childrenOf(parent: Element, namespace: string, name: string): readonly Element[] {
  const found: Element[] = [];
  for (let node = parent.firstChild; node !== null; node = node.nextSibling) {
    if (node.nodeType === ELEMENT_NODE && isNamed(node as Element, namespace, name)) found.push(node as Element);
  }
  return found;
}

const textOf = (element: Element): string => (element.textContent ?? '').trim();
