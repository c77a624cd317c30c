import type { Pod } from '../../evidence/kubernetes/pod.ts';

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

/** Ports that databases and brokers are known by: none of them speaks HTTP there. */
const KNOWN: Readonly<Record<number, string>> = {
  1433: 'SQL Server',
  1521: 'Oracle',
  2181: 'ZooKeeper',
  3306: 'MySQL',
  5432: 'PostgreSQL',
  5672: 'AMQP',
  6379: 'Redis',
  9042: 'Cassandra',
  9092: 'Kafka',
  11211: 'memcached',
  27017: 'MongoDB',
};

/** Whose port it is; undefined where it may be anybody's. */
export const storeOn = (port: number): string | undefined => KNOWN[port];

export const saysStore = (word: string): boolean => WORDS.test(word);

/** Whether a container of a pod, or its image, is named for a database or a broker. */
export const isNamedStore = ({ containers }: Pod): boolean =>
  containers.some(({ name, image }) => saysStore(name) || saysStore(repositoryOf(image)));

/** Whether a pod is one as far as anything tells: by a name, or by a port on which it says that it listens. */
export const isStore = (pod: Pod): boolean =>
  isNamedStore(pod) || pod.containers.some(({ ports }) => ports.some(({ port }) => storeOn(port) !== undefined));
