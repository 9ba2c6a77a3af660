/** Responses that a test spoils: each step of an honest IdP can be changed, and nothing else is. */
import {
  type EncryptionOptions,
  encryptAssertion,
  factsFor,
  type ResponseFacts,
  type SamlAudience,
  type SamlIdp,
  type SamlPerson,
  type SigningOptions,
  signXml,
  writeAssertion,
  writeResponse,
} from '../../../src/simulator/index.ts';

/** What a change may need to know. */
export interface CraftContext {
  readonly idp: SamlIdp;
  readonly to: SamlAudience;
  readonly facts: ResponseFacts;
  readonly person: SamlPerson;
  readonly request: string | undefined;
  readonly at: Date;
}

type Step = (xml: string, context: CraftContext) => string | Promise<string>;

/** The steps, in their order. What is left out is honest. */
export interface Craft {
  readonly facts?: (facts: ResponseFacts, context: CraftContext) => ResponseFacts;
  /** Over the assertion, before it is signed. */
  readonly assertion?: Step;
  readonly signAssertion?: SigningOptions;
  /** Over the signed assertion. */
  readonly signedAssertion?: Step;
  readonly encryption?: EncryptionOptions;
  /** Over the encrypted assertion. */
  readonly encrypted?: Step;
  /** Over the response, before it is signed. */
  readonly response?: Step;
  readonly signResponse?: SigningOptions;
  /** Over the whole message, when nothing is signed any more. */
  readonly message?: Step;
  /** Over the bytes. */
  readonly bytes?: (bytes: Buffer) => Buffer;
  /** Over the form field. */
  readonly field?: (field: string) => string;
}

/** Answers the form field of a response that the IdP of `to` was asked for. */
export async function craftResponse(
  idp: SamlIdp,
  to: SamlAudience,
  person: SamlPerson,
  { request, at, craft = {} }: { readonly request: string | undefined; readonly at: Date; readonly craft?: Craft },
): Promise<string> {
  const { hand, signs, inclusivePrefixes = [], encrypts } = idp.vendor;
  const honest = factsFor(idp, to, person, { request, at });
  const before: CraftContext = { idp, to, facts: honest, person, request, at };
  const facts = craft.facts?.(honest, before) ?? honest;
  const context: CraftContext = { ...before, facts };
  const step = async (change: Step | undefined, xml: string) => (change ? change(xml, context) : xml);
  const options = { prefix: hand.signature, inclusivePrefixes };

  const plain = await step(craft.assertion, writeAssertion(facts, hand));
  const signed = signs.assertion
    ? signXml(plain, 'Assertion', idp.keys[0], { ...options, ...craft.signAssertion })
    : plain;
  const assertion = await step(craft.signedAssertion, signed);
  const held =
    encrypts !== undefined && to.certificate !== undefined
      ? await encryptAssertion(assertion, to.certificate, { algorithm: encrypts, ...craft.encryption })
      : assertion;
  const response = await step(craft.response, writeResponse(facts, await step(craft.encrypted, held), hand));
  const whole = signs.response
    ? signXml(response, 'Response', idp.keys[0], { ...options, ...craft.signResponse })
    : response;
  const bytes = Buffer.from(await step(craft.message, whole), 'utf8');
  const field = (craft.bytes?.(bytes) ?? bytes).toString('base64');
  return craft.field?.(field) ?? field;
}

/** Replaces exactly one place; a change that changes nothing would prove nothing. */
export function swap(
  pattern: string | RegExp,
  replacement: string | ((found: string) => string),
): (xml: string) => string {
  return (xml) => {
    const changed =
      typeof replacement === 'string' ? xml.replace(pattern, () => replacement) : xml.replace(pattern, replacement);
    if (changed === xml) throw new Error(`the message has no ${String(pattern)}`);
    return changed;
  };
}
