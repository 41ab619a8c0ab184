import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/**
 * Rules beyond TypeScript's own checks. A promise that nobody awaits would end the process of whoever uses
 * the client, so `no-floating-promises` is among them, without its escape by `void` for calls that can fail.
 */
export default defineConfig(
  globalIgnores(['**/dist/', '**/node_modules/', 'target/', '**/generated/', '.cache/']),
  {
    files: ['ts/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts', 'examples/**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: {
        projectService: true,
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      // Texts of errors are made of numbers as well.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowNullish: true },
      ],
      // A function whose type says Promise may have nothing to await in one of its implementations.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['ts/**/src/**/*.ts'],
    rules: {
      'no-console': 'error',
      'no-restricted-imports': [
        'error',
        { paths: [{ name: 'capnp-ts', message: 'Only capnp/library.ts imports it.' }] },
      ],
    },
  },
  {
    files: ['ts/client/src/capnp/library.ts', 'ts/codegen/**/*.ts', 'ts/cli/**/*.ts'],
    rules: { 'no-restricted-imports': 'off' },
  },
  {
    files: ['ts/codegen/**/*.ts', 'ts/cli/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    // Matchers such as `expect.stringContaining` are typed `any`.
    files: ['**/test/**/*.ts', '**/*.test.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    // Type tests name methods without calling them.
    files: ['**/*.test-d.ts'],
    rules: { '@typescript-eslint/unbound-method': 'off' },
  },
);
