package mongodb

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/livetables/livetables/lqp"
)

// facts are what was learnt of a server on the first connection. They do not change; a nil pointer knows nothing.
type facts struct {
	version string // for people
	// bareCollation says that asking for the simple collation keeps the server from using its indexes, although it compares
	// by it anyway. So does DocumentDB behind FerretDB, which gives collections no collation of their own.
	bareCollation bool
	// proven are the functions of ours that the server computes as we do; with everything all of them.
	proven     map[string]bool
	everything bool
	// wrong are the operators on bare fields ("filter eq") and the aggregates ("aggregate sum") that the server was seen to
	// get wrong.
	wrong map[string]bool
}

// vetoed says why a clause of the common stock is not asked of the server, nothing when it is.
func (f *facts) vetoed(clause string) string {
	if f == nil || !f.wrong[clause] {
		return ""
	}
	return "the server gets this wrong"
}

// lacks says why a function is not asked of the server, nothing when it is.
func (f *facts) lacks(fn string) string {
	switch {
	case f == nil:
		return "what the server computes is not known yet"
	case f.everything || f.proven[fn]:
		return ""
	}
	return "the server does not compute " + fn + " as we do"
}

// askFacts never fails: what a server does not answer is not known of it.
func askFacts(ctx context.Context, db *mongo.Database) *facts {
	f := &facts{version: "unknown", proven: provenFunctions(ctx, db), wrong: vetoedClauses(ctx, db)}
	info, err := db.Client().Database("admin").RunCommand(ctx, bson.D{{Key: "buildInfo", Value: 1}}).Raw()
	if err != nil {
		return f // a server that keeps it to itself is fine
	}
	if v := textAt(info, "version"); v != "" {
		f.version = v
	}
	f.bareCollation = textAt(info, "ferretdb", "version") != ""
	return f
}

// collation is the part of a command that says how its texts are compared: as ours are, whatever the default of the
// collection is. Views with a collation of their own cannot be asked for another.
func (f *facts) collation(t *lqp.Table) bson.D {
	if foreignCollation(t) || f != nil && f.bareCollation && !collated(t) {
		return nil
	}
	return bson.D{{Key: "collation", Value: simpleCollation}}
}
