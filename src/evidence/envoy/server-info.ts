import { adminPage, answered, nameOf, ofEachEnvoy, readAdmin, type Told } from './asked.ts';

/** What an Envoy says of itself. */
export interface ServerInfo {
  /** `LIVE`, `DRAINING`; in small letters before Envoy 1.9. */
  state: string;
  /** Of this epoch, and of all since the first, in seconds: a hot restart begins a new epoch. */
  uptime: number;
  uptimeOfAll: number;
  epoch: number;
  /** Worker threads; 0 is one for each core, null when it does not tell. */
  concurrency: number | null;
  logLevel: string | null;
  componentLogLevel: string | null;
}

interface Raw {
  state?: string;
  uptime_current_epoch?: string;
  uptime_all_epochs?: string;
  command_line_options?: {
    restart_epoch?: number;
    concurrency?: number;
    log_level?: string;
    component_log_level?: string;
  };
}

/** `envoy 4d4f…/RELEASE live 35 35 0`, up to Envoy 1.8 (guide.md 0.4). */
const LINE = /^envoy \S+ (\w+) (\d+) (\d+) (\d+)/;

export function serverInfoIn(page: string): ServerInfo | null {
  const [, state, uptime, uptimeOfAll, epoch] = LINE.exec(page.trim()) ?? [];
  if (state !== undefined)
    return {
      state,
      uptime: Number(uptime),
      uptimeOfAll: Number(uptimeOfAll),
      epoch: Number(epoch),
      concurrency: null,
      logLevel: null,
      componentLogLevel: null,
    };
  try {
    const raw = JSON.parse(page) as Raw;
    const seconds = (text: string | undefined): number => Number.parseFloat(text ?? '0');
    const options = raw.command_line_options ?? {};
    if (raw.state === undefined) return null;
    return {
      state: raw.state,
      uptime: seconds(raw.uptime_current_epoch),
      uptimeOfAll: seconds(raw.uptime_all_epochs),
      epoch: options.restart_epoch ?? 0,
      concurrency: options.concurrency ?? null,
      logLevel: options.log_level ?? null,
      componentLogLevel: options.component_log_level || null,
    };
  } catch {
    return null;
  }
}

/** How long each Envoy that answered has run, in seconds, by its name. */
export const uptimesIn = (infos: readonly Told<ServerInfo>[]): ReadonlyMap<string, number> =>
  new Map(answered(infos).map(({ said, ...envoy }) => [nameOf(envoy), said.uptime]));

export const serverInfos = ofEachEnvoy(
  [{ verb: 'create', resource: 'pods/portforward' }],
  (ask, envoy): Promise<ServerInfo> => readAdmin(ask, adminPage(envoy, '/server_info'), serverInfoIn),
);
