package testenv

import (
	"context"
	"os"
	"strings"
)

// Kind is a kind of server the tests can ask for.
type Kind string

// The kinds of servers.
const (
	KindPostgres Kind = "postgres"
	KindMySQL    Kind = "mysql"
	KindMariaDB  Kind = "mariadb"
	KindMongo    Kind = "mongo" // anything that speaks MongoDB's protocol
	KindRedis    Kind = "redis"
	KindS3       Kind = "s3" // anything that speaks the S3 protocol
)

// Kinds returns every kind, in the order they are printed.
func Kinds() []Kind {
	return []Kind{KindPostgres, KindMySQL, KindMariaDB, KindMongo, KindRedis, KindS3}
}

// Env is the variable that names a running server of this kind. It holds a URL,
// or for MySQL and MariaDB a data source name of go-sql-driver/mysql, whose
// user may create databases; of S3 the user is the access key, which may create
// buckets, and the password the secret key.
func (k Kind) Env() string {
	return "LIVETABLES_TEST_" + strings.ToUpper(string(k)) + "_URL"
}

// provider is what this package knows about one kind.
type provider struct {
	title   string
	install string // what to do when there is none, as a sentence
	find    func() (recipe, error)
	image   image
	ping    func(ctx context.Context, url string) error
	fresh   func(ctx context.Context, url, name string) (freshURL string, drop dropFunc, err error)
}

// recipe is a way to start a server here.
type recipe struct {
	via    string // for people: the binary or the image
	launch func(*instance) (url string, err error)
}

type dropFunc func(context.Context) error

const byScript = "run scripts/testservers.sh as root on Debian 12, or start Docker"

func providerOf(k Kind) provider {
	switch k {
	case KindPostgres:
		return provider{
			title:   "PostgreSQL",
			install: byScript + ", or install the server package (apt-get install postgresql, brew install postgresql)",
			find:    findPostgres, image: postgresImage, ping: pingPostgres, fresh: freshPostgres,
		}
	case KindMySQL:
		return provider{
			title:   "MySQL",
			install: byScript + ", or install mysqld",
			find:    findMySQL, image: mysqlImage, ping: pingMySQL, fresh: freshMySQL,
		}
	case KindMariaDB:
		return provider{
			title:   "MariaDB",
			install: byScript + ", or install the server package (apt-get install mariadb-server-core mariadb-client-core, brew install mariadb)",
			find:    findMariaDB, image: mariadbImage, ping: pingMySQL, fresh: freshMySQL,
		}
	case KindMongo:
		return provider{
			title:   "MongoDB-compatible",
			install: byScript + ", or install mongod",
			find:    findMongo, image: mongoImage, ping: pingMongo, fresh: freshMongo,
		}
	case KindRedis:
		return provider{
			title:   "Redis",
			install: byScript + ", or install the server package (apt-get install redis-server, brew install redis)",
			find:    findRedis, image: redisImage, ping: pingRedis, fresh: freshRedis,
		}
	case KindS3:
		return provider{
			title:   "S3-compatible",
			install: byScript + ", or install versitygw (go install github.com/versity/versitygw/cmd/versitygw@v1.8.0)",
			find:    findS3, image: s3Image, ping: pingS3, fresh: freshS3,
		}
	}
	panic("testenv: unknown kind " + string(k))
}

// Required reports whether a missing server of this kind is a failure rather
// than a skip: in CI, unless LIVETABLES_TEST_ALLOW_MISSING (a comma-separated
// list of kinds) excuses it.
func (k Kind) Required() bool {
	if ci := os.Getenv("CI"); ci == "" || ci == "0" || ci == "false" {
		return false
	}
	for name := range strings.SplitSeq(os.Getenv("LIVETABLES_TEST_ALLOW_MISSING"), ",") {
		if strings.EqualFold(strings.TrimSpace(name), string(k)) {
			return false
		}
	}
	return true
}
