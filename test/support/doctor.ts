import { serverBinary } from './paths.js';
import { run } from './run.js';

/** A finding of `podherd doctor --json`, as far as tests look at it. */
export interface Finding {
  code: string;
  severity: 'problem' | 'note';
  subject: string;
  message: string;
  advice: string;
  fixable: boolean;
  details: {
    pid?: number;
    parentPid?: number;
    parentName?: string;
    containerId?: string;
    path?: string;
    pids?: number[];
    versions?: string[];
  };
  fixed: boolean | null;
  fixResult: string | null;
}

/** The answer of `podherd doctor --json`. */
export interface Report {
  schema: number;
  healthy: boolean;
  findings: Finding[];
  servers: { pid: number; kind: string; answers: boolean; containers: string[] | null }[];
  runtimes: { name: string; version: string }[];
  missing: string[];
}

/** Runs the doctor. Its exit code must be that of its verdict. */
export async function doctor(...args: string[]): Promise<Report> {
  const settle = args.some((arg) => arg.startsWith('--settle')) ? [] : ['--settle=0.3'];
  const { code, stdout, stderr } = await run(serverBinary, ['doctor', '--json', ...settle, ...args]);
  if (stdout === '') throw new Error(`exit ${code}: ${stderr}`);
  const report = JSON.parse(stdout) as Report;
  if (code !== (report.healthy ? 0 : 1)) throw new Error(`exit ${code}: ${stdout}`);
  return report;
}

/** The codes of a report's findings. */
export function codes(report: Report): string[] {
  return report.findings.map(({ code }) => code);
}

/** The one finding with this code. */
export function only(report: Report, code: string): Finding {
  const found = report.findings.filter((finding) => finding.code === code);
  const [first] = found;
  if (first === undefined || found.length > 1) throw new Error(`${code}: ${JSON.stringify(report.findings)}`);
  return first;
}
