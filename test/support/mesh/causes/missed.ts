const OWN_STORE = 'of a store without any series it is said that it has them, and that Grafana asks another';

/** What the steps say wrongly or do not find yet, by the name of the cause or of the folder: each is to be taken off here when it is right. */
export const MISSED: Readonly<Record<string, string>> = {
  'a second control plane waits for its first proxy':
    'one query is asked for each control plane, and a bundle keeps the last answer',
  'an installation brings no stats filters': OWN_STORE,
  'the root disables all, and a provider alone does not enable it again': OWN_STORE,
  'a default for tracing takes the default for metrics away': OWN_STORE,
  'the default provider is not known': OWN_STORE,
  'a Telemetry names a provider of another kind': OWN_STORE,
  'Prometheus was switched off when it was installed': OWN_STORE,
  'the Telemetry that would enable metrics is labelled with a tag': OWN_STORE,
  'Stackdriver makes no metrics any more': OWN_STORE,
  'pages are for localhost only': OWN_STORE,
  'merged pages are no text for who accepts more': OWN_STORE,
  'telemetry-disables-all': OWN_STORE,
};
