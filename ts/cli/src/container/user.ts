import { open } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../failure.js';

/**
 * `UID:GID` of a user that is given by name or number, `user[:group]`. Names are those of the root file system.
 *
 * @throws Failure for a name that isn't there
 */
export async function numericUser(rootfs: string, text: string): Promise<string> {
  if (/^\d+(:\d+)?$/.test(text)) return text;
  const [user = '', group] = text.split(':', 2);
  const passwd = await entries(rootfs, 'etc/passwd');
  const found = passwd.find(([name, , uid]) => name === user || uid === user);
  const uid = /^\d+$/.test(user) ? user : found?.[2];
  const gid = group === undefined ? (found?.[3] ?? '0') : await groupId(rootfs, group);
  if (uid === undefined || !/^\d+$/.test(uid)) throw unknownName('user', user, 'passwd');
  return `${uid}:${gid}`;
}

async function groupId(rootfs: string, group: string): Promise<string> {
  if (/^\d+$/.test(group)) return group;
  const found = (await entries(rootfs, 'etc/group')).find(([name]) => name === group)?.[2];
  if (found === undefined || !/^\d+$/.test(found)) throw unknownName('group', group, 'group');
  return found;
}

/** Lines of passwd(5) and group(5). A symbolic link could lead out of the container, and is not followed. */
async function entries(rootfs: string, name: string): Promise<string[][]> {
  try {
    await using file = await open(join(rootfs, name), constants.O_RDONLY | constants.O_NOFOLLOW);
    return (await file.readFile('utf8')).split('\n').map((line) => line.split(':'));
  } catch {
    return [];
  }
}

function unknownName(what: string, name: string, file: string): Failure {
  const message = `there is no ${what} ${JSON.stringify(name)} in the container's /etc/${file}`;
  return new Failure('USER_NOT_FOUND', message, { hint: 'give numbers: --user UID:GID' });
}
