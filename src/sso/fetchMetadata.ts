import { AppError } from '../errors.ts';
import type { Outgoing } from '../lib/outgoing.ts';

/** The metadata at an address, as text. Throws AppError `remote_unreachable` and those of the guarded client. */
export async function fetchMetadata(outgoing: Outgoing, url: string): Promise<string> {
  const accept = 'application/samlmetadata+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1';
  const response = await outgoing(url, { follow: true, headers: { accept } });
  if (response.status === 200) return response.text();
  throw new AppError('remote_unreachable', `${new URL(url).host} answers ${response.status}, not with metadata`);
}
