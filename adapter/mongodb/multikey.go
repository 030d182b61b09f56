package mongodb

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// noArrays reports whether the server shows that no document of a collection has an array in a field: an index of the field
// over all documents is not a multikey one. Nothing is remembered of it: the next document may have one.
func (a *Adapter) noArrays(ctx context.Context, collection, field string) bool {
	reply, err := a.ask(ctx, bson.D{
		{Key: "explain", Value: bson.D{{Key: "find", Value: collection}, {Key: "filter", Value: bson.D{{Key: field, Value: bson.D{{Key: "$eq", Value: nil}}}}}}},
		{Key: "verbosity", Value: "queryPlanner"},
	})
	if err != nil {
		return false
	}
	single := singleKeyIndexes(reply, nil)
	if len(single) == 0 {
		return false
	}
	found := false
	err = a.each(ctx, bson.D{{Key: "listIndexes", Value: collection}}, func(index bson.Raw) bool {
		found = single[textAt(index, "name")] && plainIndex(index, field)
		return !found
	})
	return err == nil && found
}

// singleKeyIndexes are the names of the indexes that a plan says have one key for each document, wherever it says so.
func singleKeyIndexes(plan []byte, found map[string]bool) map[string]bool {
	var name string
	var multi *bool
	for w := walk(plan); w.next(); {
		switch {
		case string(w.key) == "indexName" && w.val.kind == bson.TypeString:
			name = string(w.val.text())
		case string(w.key) == "isMultiKey" && w.val.kind == bson.TypeBoolean:
			is := w.val.data[0] != 0
			multi = &is
		case w.val.kind == bson.TypeEmbeddedDocument || w.val.kind == bson.TypeArray:
			found = singleKeyIndexes(w.val.data, found)
		}
	}
	if name != "" && multi != nil && !*multi {
		if found == nil {
			found = map[string]bool{}
		}
		found[name] = true
	}
	return found
}

// plainIndex reports that an index has the field first and has all documents.
func plainIndex(index bson.Raw, field string) bool {
	plain := false
	for w := walk(index); w.next(); {
		switch string(w.key) {
		case "key":
			if k := walk(w.val.data); k.next() {
				plain = string(k.key) == field && k.val.sampled() != kindString // hashed, text
			}
		case "sparse", "partialFilterExpression", "collation":
			return false
		}
	}
	return plain
}
