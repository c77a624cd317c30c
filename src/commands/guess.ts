/** The words that ask no cluster. */
const OFFLINE = ['version', 'help', 'explain', 'topics', 'schema', 'rbac', 'completion', '__complete'];

/** Whether a command line looks as if it asks a cluster. */
export const looksLive = (argv: readonly string[]): boolean =>
  argv[0] !== undefined &&
  !argv[0].startsWith('-') &&
  !OFFLINE.includes(argv[0]) &&
  !argv.some((word) => /^(-h|--help|--bundle(=.*)?)$/.test(word));
