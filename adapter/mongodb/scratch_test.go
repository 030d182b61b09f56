package mongodb

import (
	"context"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

func TestScratch(t *testing.T) {
	b, _ := os.ReadFile("/tmp/mongoprobe/url")
	c, err := mongo.Connect(options.Client().ApplyURI(strings.TrimSpace(string(b))))
	if err != nil {
		t.Fatal(err)
	}
	db := c.Database(fmt.Sprintf("scratch%d", time.Now().UnixNano()))
	defer db.Drop(context.Background())
	ctx := t.Context()
	dec := func(s string) bson.Decimal128 { d, err := bson.ParseDecimal128(s); if err != nil { panic(err) }; return d }
	oid := bson.ObjectID{0x50, 1, 2}
	vals := []any{nil, "a", "b", "a\x00b", "A", "é", "", int32(5), int64(5), 5.0, dec("5"), dec("5.00000000005"), dec("5.00000000004"), dec("NaN"), dec("Infinity"), math.NaN(), math.Inf(1), math.Inf(-1),
		int64(9007199254740993), 9007199254740992.0, dec("9007199254740993"), true, false, bson.DateTime(0), bson.DateTime(253402300800000), bson.Timestamp{T: 5}, oid, bson.Binary{Subtype: 4, Data: make([]byte, 16)},
		bson.Binary{Subtype: 0, Data: []byte("abc")}, bson.A{"a", "b"}, bson.A{}, bson.D{{Key: "x", Value: "a"}}, bson.A{bson.D{{Key: "x", Value: "a"}}}, bson.Regex{Pattern: "a"}, bson.Symbol("a"), bson.MinKey{}, bson.MaxKey{}, bson.Undefined{}, "a\nb", bson.CodeWithScope{Code: "x", Scope: bson.D{}}, bson.JavaScript("a"), dec("-0"), math.Copysign(0, -1), bson.A{int32(5)}}
	for i, v := range vals {
		_, err := db.Collection("v").InsertOne(ctx, bson.D{{Key: "_id", Value: i}, {Key: "f", Value: v}})
		if err != nil {
			fmt.Println("insert", i, v, err)
		}
	}
	db.Collection("v").InsertOne(ctx, bson.D{{Key: "_id", Value: 1000}})
	show := func(cmd bson.D) string {
		cur, err := db.RunCommandCursor(ctx, cmd)
		if err != nil {
			return "ERR " + err.Error()
		}
		var out []string
		for cur.Next(ctx) {
			out = append(out, cur.Current.String())
		}
		if cur.Err() != nil {
			out = append(out, "ERR "+cur.Err().Error())
		}
		return strings.Join(out, "\n    ")
	}
	find := func(name string, f any) {
		cur, err := db.RunCommandCursor(ctx, bson.D{{Key: "find", Value: "v"}, {Key: "filter", Value: f}, {Key: "collation", Value: bson.D{{Key: "locale", Value: "simple"}}}, {Key: "projection", Value: bson.D{{Key: "_id", Value: 1}}}})
		if err != nil {
			fmt.Println(name, "ERR", err)
			return
		}
		var out []string
		for cur.Next(ctx) {
			id := int(cur.Current.Lookup("_id").AsInt64())
			if id == 1000 {
				out = append(out, "MISSING")
			} else {
				out = append(out, fmt.Sprintf("%d=%T:%v", id, vals[id], vals[id]))
			}
		}
		if cur.Err() != nil {
			out = append(out, "ERR "+cur.Err().Error())
		}
		fmt.Println(name, "->", strings.Join(out, " | "))
	}
	notArr := bson.D{{Key: "$type", Value: "array"}}
	e := func(k string, v any) bson.E { return bson.E{Key: k, Value: v} }
	typ := func(n ...string) bson.E { a := bson.A{}; for _, s := range n { a = append(a, s) }; return e("$type", a) }
	find("eq a", bson.D{e("f", bson.D{e("$eq", "a")})})
	find("eq a guarded", bson.D{e("f", bson.D{e("$eq", "a"), typ("string"), e("$not", notArr)})})
	find("in a,b guarded", bson.D{e("f", bson.D{e("$in", bson.A{"a", "b"}), typ("string"), e("$not", notArr)})})
	find("gte '' guarded", bson.D{e("f", bson.D{e("$gte", ""), typ("string"), e("$not", notArr)})})
	find("regex valid", bson.D{e("f", bson.D{e("$regex", `\A[^\x00]*\z`), typ("string"), e("$not", notArr)})})
	find("regex ^a", bson.D{e("f", bson.D{e("$regex", `\Aa`), typ("string"), e("$not", notArr)})})
	find("nor regex", bson.D{e("$nor", bson.A{bson.D{e("f", bson.D{e("$regex", `\A[^\x00]*\z`), typ("string"), e("$not", notArr)})}})})
	find("eq 5 ints", bson.D{e("f", bson.D{e("$eq", int64(5)), typ("int", "long"), e("$not", notArr)})})
	find("eq 5 dec", bson.D{e("f", bson.D{e("$eq", dec("5")), typ("int", "long", "decimal"), e("$not", notArr)})})
	find("range dec", bson.D{e("f", bson.D{e("$gte", dec("4.99999999995")), e("$lt", dec("5.00000000005")), typ("int", "long", "decimal"), e("$not", notArr)})})
	find("gt 2^53", bson.D{e("f", bson.D{e("$gt", 9007199254740992.0)})})
	find("eq 2^53+1 long", bson.D{e("f", bson.D{e("$eq", int64(9007199254740993))})})
	find("eq 2^53+1 dec", bson.D{e("f", bson.D{e("$eq", dec("9007199254740993"))})})
	find("lt 5 any", bson.D{e("f", bson.D{e("$lt", 5.0)})})
	find("gte 5 any", bson.D{e("f", bson.D{e("$gte", 5.0)})})
	find("finite", bson.D{e("f", bson.D{e("$gte", -math.MaxFloat64), e("$lte", math.MaxFloat64), typ("int", "long", "double"), e("$not", notArr)})})
	find("true", bson.D{e("f", bson.D{e("$eq", true), typ("bool"), e("$not", notArr)})})
	find("date", bson.D{e("f", bson.D{e("$gte", bson.DateTime(-62135596800000)), e("$lte", bson.DateTime(253402300799999)), typ("date"), e("$not", notArr)})})
	find("oid", bson.D{e("f", bson.D{e("$gte", bson.ObjectID{}), typ("objectId"), e("$not", notArr)})})
	uu := func(b byte) bson.Binary { d := make([]byte, 16); for i := range d { d[i] = b }; return bson.Binary{Subtype: 4, Data: d} }
	find("uuid", bson.D{e("f", bson.D{e("$gte", uu(0)), e("$lte", uu(255)), typ("binData"), e("$not", notArr)})})
	find("never in", bson.D{e("_id", bson.D{e("$in", bson.A{})})})
	find("never nor", bson.D{e("$nor", bson.A{bson.D{}})})
	find("expr false", bson.D{e("$expr", false)})
	find("nested f.x", bson.D{e("f.x", bson.D{e("$eq", "a"), typ("string"), e("$not", notArr)})})
	find("nested f.x guard", bson.D{e("f", bson.D{e("$not", notArr)}), e("f.x", bson.D{e("$eq", "a"), typ("string"), e("$not", notArr)})})
	find("nor multi", bson.D{e("$nor", bson.A{bson.D{e("f", bson.D{e("$not", notArr)}), e("f.x", bson.D{typ("string"), e("$not", notArr)})}})})
	agg := func(name string, stages ...any) {
		fmt.Println(name, "->", show(bson.D{e("aggregate", "v"), e("pipeline", bson.A(stages)), e("cursor", bson.D{}), e("collation", bson.D{e("locale", "simple")}), e("allowDiskUse", true)}))
	}
	agg("types", bson.D{e("$project", bson.D{e("t", bson.D{e("$type", "$f")})})})
	cond := func(i, th, el any) bson.D { return bson.D{e("$cond", bson.A{i, th, el})} }
	in := func(types ...any) bson.D { return bson.D{e("$in", bson.A{bson.D{e("$type", "$f")}, bson.A(types)})} }
	textKey := cond(in("string"), cond(bson.D{e("$lt", bson.A{bson.D{e("$indexOfCP", bson.A{"$f", "\x00"})}, 0})}, bson.D{e("$substrCP", bson.A{"$f", 0, 255})}, nil), nil)
	agg("textkey", bson.D{e("$project", bson.D{e("t", textKey)})}, bson.D{e("$sort", bson.D{e("t", 1), e("_id", -1)})}, bson.D{e("$match", bson.D{e("t", bson.D{e("$ne", nil)})})})
	agg("textkey lit", bson.D{e("$project", bson.D{e("t", textKey)})}, bson.D{e("$match", bson.D{e("t", bson.D{e("$gt", "a")})})})
	tr := bson.D{e("$trunc", bson.A{"$f", 10})}
	diff := bson.D{e("$subtract", bson.A{"$f", tr})}
	agg("trunc", bson.D{e("$match", bson.D{e("f", bson.D{typ("decimal"), e("$gte", dec("-100"))})})}, bson.D{e("$project", bson.D{e("f", 1), e("t", tr), e("d", diff)})})
	agg("dbl", bson.D{e("$match", bson.D{e("f", bson.D{typ("int", "long", "double")})})}, bson.D{e("$project", bson.D{e("t", bson.D{e("$toDouble", "$f")}), e("d", bson.D{e("$toDecimal", "$f")})})})
	agg("group", bson.D{e("$group", bson.D{e("_id", bson.D{e("k0", textKey)}), e("n", bson.D{e("$sum", 1)}), e("s", bson.D{e("$sum", cond(in("int", "long"), bson.D{e("$toDecimal", "$f")}, nil))}), e("m", bson.D{e("$min", cond(in("int", "long"), "$f", nil))})})})
	agg("lit $", bson.D{e("$project", bson.D{e("t", bson.D{e("$literal", "$f")})})}, bson.D{e("$limit", 1)})
	agg("setsort", bson.D{e("$set", bson.D{e("k", textKey)})}, bson.D{e("$sort", bson.D{e("k", -1), e("_id", 1)})}, bson.D{e("$skip", int64(1))}, bson.D{e("$limit", int64(3))}, bson.D{e("$project", bson.D{e("_id", 0), e("f", 1)})})
	fmt.Println("hello", db.Client().Database("admin").RunCommand(ctx, bson.D{e("hello", 1)}).Err())
	r, _ := db.RunCommand(ctx, bson.D{e("buildInfo", 1)}).Raw()
	fmt.Println(r)
	fmt.Println("listCollections", show(bson.D{e("listCollections", 1), e("cursor", bson.D{})}))
	fmt.Println("listIndexes", show(bson.D{e("listIndexes", "v")}))
	r, err = db.RunCommand(ctx, bson.D{e("count", "v")}).Raw()
	fmt.Println(r, err)
	r, err = db.RunCommand(ctx, bson.D{e("find", "nosuch")}).Raw()
	fmt.Println(r, err)
	tctx, cancel := context.WithTimeout(ctx, 5*time.Millisecond)
	defer cancel()
	_, err = db.RunCommandCursor(tctx, bson.D{e("find", "v")})
	fmt.Println("timeout", err)
	_, err = db.RunCommandCursor(ctx, bson.D{e("find", "v"), e("filter", bson.D{e("$expr", bson.D{e("$divide", bson.A{1, 0})})})})
	fmt.Printf("%#v\n", err)
	_, err = db.RunCommandCursor(ctx, bson.D{e("find", "v"), e("filter", bson.D{e("$bad", bson.D{e("$divide", bson.A{1, 0})})})})
	fmt.Printf("%#v\n", err)
}
