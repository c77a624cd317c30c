import type { Pod } from '../../evidence/pod.ts';

/** The words by which names of Services, ports, containers and images say that something is a database or a broker. */
const WORDS =
  /(^|[^a-z])(mysql|mariadb|percona|postgres(ql)?|pgsql|pgbouncer|cockroach(db)?|clickhouse|influx(db)?|redis|valkey|keydb|mongo(db)?|couchdb|elasticsearch|opensearch|etcd|kafka|redpanda|cassandra|scylla(db)?|zookeeper|rabbitmq|amqp|activemq|nats|memcached?|mssql|sqlserver|oracle|minio|db|database)(?![a-z])/i;

/** An image's name and whose it is, without registry and tag: `mssql/server` says it by the latter. */
const repositoryOf = (image: string): string =>
  image
    .replace(/[@:][^/]*$/, '')
    .split('/')
    .slice(-2)
    .join('/');

export const saysStore = (word: string): boolean => WORDS.test(word);

/** Whether a container of a pod, or its image, is named for a database or a broker. */
export const isStore = ({ containers }: Pod): boolean =>
  containers.some(({ name, image }) => saysStore(name) || saysStore(repositoryOf(image)));
