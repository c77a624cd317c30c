/** The link to a section of Istio 0.8's Troubleshooting Guide, by its title: the last release that had them all. */
export const sectionOf = (title: string) => (): string =>
  `https://archive.istio.io/v0.8/help/troubleshooting/#${title
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-')}`;
