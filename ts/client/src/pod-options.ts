import type { InterfaceChoice } from './link/dial.js';
import type { ReconnectOptions } from './link/reconnect.js';

/** How a pod talks to its server, however it came to it. `trace` holds for all of its calls that say no other. */
export interface PodOptions {
  /** Which interface to speak. Default `auto`: ask the server. */
  interface?: InterfaceChoice | undefined;
  /**
   * Make a lost connection again. Calls that may be repeated go on over the new one, and so do streams of events; others
   * reject with `CONNECTION_CLOSED`. Default true for a server that this pod does not own. A server of conmon-rs is
   * never connected to again: what it leaves to its clients is lost with the connection.
   */
  reconnect?: boolean | ReconnectOptions | undefined;
}
