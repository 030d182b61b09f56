package minidb

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// chainEnd is the last link of a workspace's chain.
type chainEnd struct {
	sequence int64
	hash     []byte // nil for a chain without entries
	grown    bool   // lt_chain does not know of it yet
}

func (s *sequence) keep(workspace string, end chainEnd) *chainEnd {
	if s.chains == nil {
		s.chains = make(map[string]*chainEnd, 1)
	}
	s.chains[workspace] = &end
	return &end
}

// link ties an entry to the last one of its workspace. All its other fields must be what they are going to be stored as.
func (u *unit) link(e *audit.Entry) error {
	end, ok := u.seq.chains[e.Workspace]
	if !ok { // place reads the ends it comes across; entries without a table may be of several workspaces
		found, _, err := one(u.session, func(r record) chainEnd {
			return chainEnd{sequence: r.integer(0), hash: r.bytes(1)}
		}, `SELECT sequence, hash FROM lt_chain WHERE workspace = ?`, argText(e.Workspace))
		if err != nil {
			return fmt.Errorf("read end of chain: %w", err)
		}
		end = u.seq.keep(e.Workspace, found)
	}
	e.Chain = &audit.Link{Sequence: end.sequence + 1, Salt: u.salt(), Prev: end.hash}
	e.Chain.Hash, u.seq.working = audit.Digest(e, u.seq.working)
	end.sequence, end.hash, end.grown = e.Chain.Sequence, e.Chain.Hash, true
	return nil
}

// salt is the salt of the next entry.
func (u *unit) salt() []byte {
	if len(u.salts) < audit.SaltSize {
		u.salts = make([]byte, audit.SaltSize)
		_, _ = rand.Read(u.salts) // it never fails
	}
	salt := u.salts[:audit.SaltSize:audit.SaltSize]
	u.salts = u.salts[audit.SaltSize:]
	return salt
}

// keepChains notes the new ends of chains.
func (u *unit) keepChains() error {
	for workspace, end := range u.seq.chains {
		if !end.grown {
			continue
		}
		if _, err := u.exec(`INSERT INTO lt_chain (workspace, sequence, hash) VALUES (?, ?, ?)
			ON CONFLICT (workspace) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash`,
			argText(workspace), argInt(end.sequence), argBytes(end.hash)); err != nil {
			return fmt.Errorf("keep end of chain: %w", err)
		}
		end.grown = false
	}
	return nil
}

// chainPortion is how many entries from before there were chains one transaction ties together.
const chainPortion = 2_000

// chainOld ties together the entries that a database had before it kept chains. It is done once in the life of a database,
// before anything is written: an entry that appears without a link afterwards is not taken for an old one.
func (db *DB) chainOld(ctx context.Context) error {
	for more := true; more; {
		err := db.store.Write(ctx, func(tx adapter.Tx) error {
			u := &unit{session: session{ctx, tx}, db: db, now: db.now()}
			pending, err := u.taken(`SELECT 1 FROM lt_meta WHERE name = 'chain' AND value = 'pending'`)
			if more = pending && err == nil; !more {
				return err
			}
			old, err := all(u.session, scanEntry, `SELECT `+entryColumns+` FROM lt_change
				WHERE chain_sequence = 0 AND workspace NOT IN (SELECT id FROM lt_purge) ORDER BY position LIMIT ?`, argInt(chainPortion))
			if err != nil {
				return err
			}
			for i := range old {
				e := &old[i]
				if err := u.link(e); err != nil {
					return err
				}
				if _, err := u.exec(`UPDATE lt_change SET chain_sequence = ?, chain_salt = ?, chain_prev = ?, chain_hash = ? WHERE position = ?`,
					argInt(e.Chain.Sequence), argBytes(e.Chain.Salt), argBytes(e.Chain.Prev), argBytes(e.Chain.Hash), argInt(e.Position)); err != nil {
					return err
				}
			}
			if err := u.keepChains(); err != nil {
				return err
			}
			if len(old) < chainPortion {
				_, err = u.exec(`UPDATE lt_meta SET value = 'done' WHERE name = 'chain'`)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("chain the change log: %w", err)
		}
	}
	return nil
}

// chainedColumns are entryColumns with an entry's link.
const chainedColumns = entryColumns + `, chain_sequence, chain_salt, chain_prev, chain_hash`

// scanChained reads chainedColumns.
func scanChained(r record) audit.Entry {
	e := scanEntry(r)
	e.Chain = &audit.Link{Origin: r.integer(17), Sequence: r.integer(18), Salt: r.bytes(19), Prev: r.bytes(20), Hash: r.bytes(21)}
	return e
}

// exactColumns are chainedColumns with the documents as the bytes that are stored, of whatever form they are.
func (db *DB) exactColumns() string {
	return strings.Replace(chainedColumns, "before_doc, after_doc", exactBytes(db.store, "before_doc")+", "+exactBytes(db.store, "after_doc"), 1)
}

// exactScan reads exactColumns. Images are made whole by the shapes of a book that is new: as they are stored now.
func exactScan(book *shapeBook) func(record) audit.Entry {
	return func(r record) audit.Entry {
		e := scanChained(r)
		if e.Before, e.After = r.bytes(11), r.bytes(12); e.ResourceType == "row" {
			e.Before, e.After = r.whole(book, e.Before), r.whole(book, e.After)
		}
		return e
	}
}

// ChainEnd is where the chain of a workspace ends.
type ChainEnd struct {
	Workspace string // "" for the entries of no workspace
	Sequence  int64  // of the last entry, 0 for none
	Hash      []byte // of the last entry, nil for none
	Signed    int64  // the last number for which a signed head was stored, 0 for none
	LastHead  int64  // that of the last signed head there is
	// Floor is where the log begins, which ChainedPage alone tells.
	Floor Floor
}

func scanChainEnd(r record) ChainEnd {
	return ChainEnd{Workspace: r.text(0), Sequence: r.integer(1), Hash: r.bytes(2), Signed: r.integer(3), LastHead: r.integer(4)}
}

// endColumns are the columns of lt_chain and what scanChainEnd reads besides.
const endColumns = `workspace, sequence, hash, signed, (SELECT coalesce(max(sequence), 0) FROM lt_head h WHERE h.workspace = c.workspace)`

// ChainedPage reads entries of one workspace with their links, in the order of positions, after a position, at most limit
// (as in Changes). Before and After are exactly what is stored, which may be no JSON if somebody changed it. end is where the chain ended at the same moment, and began;
// last says that nothing follows the page. Entries below the floor, which are being removed, are among those that are read.
func (db *DB) ChainedPage(ctx context.Context, workspace string, after int64, limit int) (page []audit.Entry, end ChainEnd, last bool, err error) {
	err = db.read(ctx, "read chain of "+workspace, func(s session) (err error) {
		n := entryLimit(limit)
		page, err = all(s, exactScan(new(shapeBook)), `SELECT `+db.exactColumns()+` FROM lt_change WHERE workspace = ? AND position > ? ORDER BY position LIMIT ?`,
			argText(workspace), argInt(after), n)
		if err != nil {
			return err
		}
		most, _ := n.Decimal().Int64()
		last = int64(len(page)) < most
		if end, _, err = one(s, scanChainEnd, `SELECT `+endColumns+` FROM lt_chain c WHERE workspace = ?`, argText(workspace)); err != nil {
			return err
		}
		end.Workspace = workspace
		end.Floor, err = s.floor(workspace)
		return err
	})
	return page, end, last, err
}

// Linked lists the positions of the entries of a workspace that claim a number in its chain; usually there is one.
func (db *DB) Linked(ctx context.Context, workspace string, sequence int64) (positions []int64, err error) {
	err = db.read(ctx, "look for an entry", func(s session) (err error) {
		positions, err = all(s, func(r record) int64 { return r.integer(0) },
			`SELECT position FROM lt_change WHERE workspace = ? AND chain_sequence = ? ORDER BY position LIMIT 10`,
			argText(workspace), argInt(sequence))
		return err
	})
	return positions, err
}

// Chains lists where the chains end of those workspaces whose names follow after, in their order, at most limit (as in
// Changes), and with unsigned only of those that have grown since their last signed head. A workspace that has entries and no end
// is listed too, with the number 0. Deleted workspaces are not.
func (db *DB) Chains(ctx context.Context, after string, first, unsigned bool, limit int) (list []ChainEnd, err error) {
	sql := `SELECT ` + endColumns + ` FROM lt_chain c`
	if unsigned {
		sql += ` WHERE sequence > signed`
	} else {
		sql += ` UNION ALL SELECT workspace, 0, NULL, 0, 0 FROM (SELECT DISTINCT workspace FROM lt_change) w
			WHERE workspace NOT IN (SELECT workspace FROM lt_chain)`
	}
	where, args := `workspace > ?`, []lqp.Value{argText(after), entryLimit(limit)}
	if first {
		where, args = `1 = 1`, args[1:]
	}
	err = db.read(ctx, "list chains", func(s session) (err error) {
		list, err = all(s, scanChainEnd, `SELECT * FROM (`+sql+`) ends WHERE `+where+`
			AND workspace NOT IN (SELECT id FROM lt_purge) ORDER BY workspace LIMIT ?`, args...)
		return err
	})
	return list, err
}

// noteEnd adds an entry about the deletion of the workspace that is its resource, with where the workspace's chain ended.
func (u *unit) noteEnd(e audit.Entry) error {
	cut, ok, err := one(u.session, func(r record) audit.Cut {
		return audit.Cut{Sequence: r.integer(0), Hash: r.bytes(1)}
	}, `SELECT sequence, hash FROM lt_chain WHERE workspace = ?`, argText(e.Resource))
	if err != nil {
		return err
	}
	if ok {
		if e.After, err = json.Marshal(map[string]audit.Cut{"chain": cut}); err != nil {
			return err
		}
	}
	u.note(e)
	return nil
}
