/**
 * Bundles: a directory with the `config.json` of a container, made and edited with types.
 *
 * - `bundle.ts`: the class; `file.ts` reads and writes the file
 * - `options.ts`: what a bundle is made from; `config.ts` makes the configuration of it, `defaults.ts` is what it
 *   has where nothing is said
 * - `oci/`: the types of the OCI runtime specification
 */

export { Bundle } from './bundle.js';
export { bundleConfig } from './config.js';
export { bindMount } from './mounts.js';
export type { BindMountOptions } from './mounts.js';
export type { BundleOptions, NamespaceChoice } from './options.js';
export type * from './oci/index.js';
