import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { repository } from '../support/paths.js';

/** Before all tests: build the packages as their users get them. */
export default function buildClient(): void {
  for (const name of ['@podherd/node', '@podherd/client']) {
    execFileSync('npm', ['run', '--silent', 'build', '--workspace', name], {
      cwd: repository,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
  }
}

/**
 * Run a script in a process of its own, against the built package. The script may use what Node does not
 * parse yet, such as `await using`.
 */
export function runScript(
  folder: string,
  name: string,
  source: string,
  env: Readonly<Record<string, string>>,
): ChildProcess {
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.mjs`);
  // Nothing of the repository is above a temporary folder: name the package's file.
  const entry = join(repository, 'ts/client/dist/index.js');
  writeFileSync(path, outputText.replaceAll("'@podherd/client'", JSON.stringify(entry)));
  return spawn(process.execPath, [path], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
}

/** What a process wrote, and how it ended. */
export async function finished(
  child: ChildProcess,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  let stdout = '';
  let stderr = '';
  child.stdout!.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}

/** The first line that a process writes. */
export function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    let errors = '';
    child.stderr!.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.stdout!.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    });
    child.once('close', (code) =>
      reject(new Error(`it ended with ${code} before it said a line: ${errors}`)),
    );
  });
}
