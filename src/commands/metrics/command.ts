import { type Command, withFlags } from '../command.ts';
import { COMMANDS } from '../flags.ts';

export const metricsCommand: Command = (io, exit) => ({
  command: 'metrics <pod>',
  describe: COMMANDS.metrics,
  builder(command) {
    command
      .usage(
        `$0 metrics POD [flags]\n\nPrints a pod’s metrics page. -o json prints prom2json’s schema. Lines that Prometheus refuses are named on stderr,\nwhatever --match says, and the exit code is then 3.`,
      )
      .positional('pod', { type: 'string', describe: 'The pod’s name' });
    return withFlags(command, 'metrics')
      .example('$0 metrics istio-telemetry-6d8f -n istio-system', 'Mixer’s page about itself')
      .example(
        '$0 metrics istio-telemetry-6d8f -n istio-system --port 42422 --match ^istio_requests -o json',
        'what its adapter exports',
      );
  },
  async handler(args) {
    const { metrics } = await import('./metrics.ts');
    exit(await metrics(args, io));
  },
});
