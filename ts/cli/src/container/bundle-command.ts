import { Bundle } from '@podherd/client';

/** Program and arguments of a bundle, or null when it can't be read any more. */
export async function commandOf(bundle: string): Promise<string[] | null> {
  try {
    return [...((await Bundle.open(bundle)).config.process?.args ?? [])];
  } catch {
    return null;
  }
}
