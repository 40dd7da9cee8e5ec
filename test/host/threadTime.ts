/**
 * Time that this thread itself computed, in ms. Machines that run tests are busy: a clock on the wall would measure the others too.
 */

export function threadTime(): number {
  // Node 23.9 and later; before, all threads of the process together, which can only be more.
  const { threadCpuUsage } = process as NodeJS.Process & { threadCpuUsage?: () => NodeJS.CpuUsage };
  const { user, system } = (threadCpuUsage ?? process.cpuUsage)();
  return (user + system) / 1000;
}

/** Watches the event loop: the most that this thread computed between two turns of a 5-ms timer. */
export function watchEventLoop(): { stop(): number } {
  let last = threadTime();
  let longest = 0;
  const turn = (): void => {
    const now = threadTime();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(turn, 5);
  return {
    stop: () => {
      clearInterval(timer);
      turn();
      return longest;
    },
  };
}
