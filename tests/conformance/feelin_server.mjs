// Evaluates FEEL with form-js's own evaluator: a JSON line {"e": expression, "c": context} in, {"v": value} out.
// The folder that holds node_modules is the first argument.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { createInterface } from 'node:readline';

const require = createRequire(pathToFileURL(process.argv[2] + '/'));
const { evaluate } = await import(pathToFileURL(require.resolve('@bpmn-io/feelin')).href);

function plain(value) {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number') return { number: String(value) };
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'function') return { other: 'function' };
  if (Array.isArray(value)) return value.map(plain);
  if (value.isLuxonDateTime || value.isLuxonDuration) return { temporal: value.toISO() };
  if (Object.getPrototypeOf(value) !== Object.prototype) return { other: value.constructor.name };
  return { context: Object.fromEntries(Object.entries(value).map(([ key, entry ]) => [ key, plain(entry) ])) };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { e, c } = JSON.parse(line);
  let answer;
  try {
    answer = { v: plain(evaluate(e, c).value) };
  } catch (error) {
    answer = { error: String(error.message ?? error) };
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}
