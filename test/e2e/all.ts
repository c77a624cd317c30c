import { buildPrograms } from './build.ts';

// Real programs, built from their Go modules; then the tests, one after another: each has a cluster of its own.
buildPrograms();
await import('./scenarios.e2e.ts');
