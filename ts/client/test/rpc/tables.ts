import type { Session } from '../../src/rpc/session.js';

interface LibraryTables {
  questions: Map<number, unknown>;
  imports: Map<number, unknown>;
  exports: Map<number, unknown>;
  answers: Map<number, unknown>;
}

const sessionConn = new WeakMap<Session, LibraryTables>();

/** The sizes of the library's own tables, which it keeps to itself. */
export function tables(session: Session): Record<keyof LibraryTables, number> {
  const target = session.root._target;
  const conn =
    sessionConn.get(session) ??
    (target.tag === 'import' ? (target.conn as unknown as LibraryTables) : undefined);
  if (conn === undefined) throw new Error('the session has no connection of the library');
  sessionConn.set(session, conn);
  return {
    questions: conn.questions.size,
    imports: conn.imports.size,
    exports: conn.exports.size,
    answers: conn.answers.size,
  };
}
