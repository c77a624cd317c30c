/**
 * What may be run in a container: each of these reads and writes nothing. PID 1 of a proxy's container is the agent,
 * so Envoy is looked for by its name (guide.md g, G4); the shell's own words do for images that have little else.
 */
export const PROGRAMS = {
  descriptors: [
    'sh',
    '-c',
    [
      'for p in /proc/[0-9]*; do read -r name <$p/comm || continue; [ "$name" = envoy ] || continue;',
      'while read -r line; do case $line in "Max open files"*) echo "$line";; esac; done <$p/limits;',
      // What may not be looked into has no number.
      'set -- $p/fd/*; [ -e "$1" ] && echo "open $#"; done 2>/dev/null; true',
    ].join(' '),
  ],
  // Envoy's own page, without a shell: also in a distroless image. Old agents know no more of `request` than this.
  metrics: [
    'pilot-agent',
    'request',
    'GET',
    'stats/prometheus?filter=istio_(build|requests_total|request_messages|tcp_)|server.state|lds.update_|listeners_active',
  ],
} as const satisfies Record<string, readonly string[]>;

export type Program = keyof typeof PROGRAMS;
