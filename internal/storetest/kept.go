package storetest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/postgres"
)

// kept is a schema with a store open on it, which one test after the other has.
type kept struct {
	place Place
	store *postgres.Store
	taken atomic.Bool // the test has asked for a store
	form  string      // how the tables are defined, once a mini-DB has made them
}

// take is the store for the first who asks.
func (k *kept) take() adapter.Store {
	if k == nil || k.taken.Swap(true) {
		return nil
	}
	return k.store
}

var free struct {
	sync.Mutex
	list []*kept
}

// used is a schema without data that a test may have had before. It is emptied after the test and kept, unless the test has
// changed how it is made.
func used(t testing.TB) Place {
	t.Helper()
	free.Lock()
	var k *kept
	if n := len(free.list); n > 0 {
		k, free.list = free.list[n-1], free.list[:n-1]
	}
	free.Unlock()
	if k == nil {
		k = &kept{place: unused(t)}
		var err error
		if k.store, err = k.place.openPostgres(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	k.taken.Store(false)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		again, err := k.empty(ctx)
		if err != nil || !again {
			err = errors.Join(err, k.discard(ctx))
		} else {
			free.Lock()
			free.list = append(free.list, k)
			free.Unlock()
		}
		if err != nil {
			t.Errorf("empty the test's schema: %v", err)
		}
	})
	p := k.place
	p.kept = k
	return p
}

// form reads how the tables and indexes of the store's schema are defined. There are none of others than the mini-DB.
const form = `SELECT md5(string_agg(line, E'\n' ORDER BY line)) FROM (
	SELECT relname || attname || format_type(atttypid, atttypmod) || attnotnull FROM pg_class c JOIN pg_attribute ON attrelid = c.oid
		WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'i') AND attnum > 0 AND NOT attisdropped
	UNION ALL SELECT version || name FROM lt_migration) AS t(line)`

// wipe removes all rows but those that say what was done to the database. Large tables are cut, which costs more than to
// delete few rows.
const wipe = `DO $$ DECLARE t regclass; BEGIN
	FOR t IN SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
		AND relname NOT IN ('lt_migration', 'lt_meta', 'lt_commit') LOOP
		IF pg_relation_size(t) > 1000000 THEN EXECUTE 'TRUNCATE ' || t; ELSE EXECUTE 'DELETE FROM ' || t; END IF;
	END LOOP;
	DELETE FROM lt_meta WHERE name = 'epoch';
END $$`

// empty removes what a test has left. It answers false when the schema is no longer as a mini-DB makes it.
func (k *kept) empty(ctx context.Context) (again bool, err error) {
	names, err := k.query(ctx, `SELECT name FROM lt_namespace`)
	if err != nil { // the test has closed the store or has damaged it
		return false, nil //nolint:nilerr // it is not used again
	}
	err = k.store.Write(ctx, func(tx adapter.Tx) error {
		for _, name := range names {
			if err := k.store.DropNamespace(ctx, tx, name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	now, err := k.query(ctx, form)
	if err != nil || len(now) != 1 || k.form != "" && now[0] != k.form { // no mini-DB was made, or it was changed
		return false, nil //nolint:nilerr // it is not used again
	}
	k.form = now[0]
	return true, k.store.Write(ctx, func(tx adapter.Tx) error {
		_, err := tx.Exec(ctx, wipe)
		return err
	})
}

func (k *kept) query(ctx context.Context, sql string) (list []string, err error) {
	err = k.store.Read(ctx, func(tx adapter.Tx) error {
		rows, err := tx.Query(ctx, sql)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			list = append(list, rows.Value(0).Text())
		}
		return rows.Err()
	})
	return list, err
}

func (k *kept) discard(ctx context.Context) error {
	return errors.Join(k.store.Close(), k.place.remove(ctx))
}

// discardKept removes what is kept.
func discardKept(ctx context.Context) error {
	free.Lock()
	defer free.Unlock()
	var errs []error
	for _, k := range free.list {
		errs = append(errs, k.discard(ctx))
	}
	free.list = nil
	return errors.Join(errs...)
}
