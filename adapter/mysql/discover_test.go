package mysql

import (
	"testing"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

var catalogue = []string{
	"CREATE TABLE `we``ird.name` (`co``l` int PRIMARY KEY, `sel ect` varchar(5) NULL) COMMENT 'a \"comment\"'",
	"INSERT INTO `we``ird.name` VALUES (1, 'x')",
	`CREATE TABLE parents (a int NOT NULL, b varchar(10) NOT NULL, PRIMARY KEY (b, a))`,
	`CREATE TABLE kids (id int AUTO_INCREMENT, pa int, pb varchar(10), email varchar(50) CHARACTER SET ascii NOT NULL COMMENT 'where to write', nick varchar(50) NULL, part varchar(50),
		twice int AS (pa * 2) STORED, made datetime DEFAULT CURRENT_TIMESTAMP, five int DEFAULT 5, j json, kind enum('A','b') NOT NULL, at time,
		UNIQUE KEY u_email (email), UNIQUE KEY u_nick (nick), UNIQUE KEY u_part (part(3)), KEY (id), CONSTRAINT fk_p FOREIGN KEY (pb, pa) REFERENCES parents (b, a))`,
	`CREATE VIEW adults AS SELECT id, email, j FROM kids WHERE five > 3`,
}

func TestDiscovery(t *testing.T) {
	onServers(t, catalogue, func(t *testing.T, d *database) {
		require.Len(t, d.Found, 4)
		odd := d.Found["we`ird.name"]
		require.Equal(t, `a "comment"`, odd.Comment)
		rows, err := d.Scan(t.Context(), databasetest.WholeTable(&lqp.Source{Table: odd.Name, Alias: "o", Schema: odd}))
		require.Equal(t, [][]string{{"1", `"x"`}}, d.Read(rows, err, 2))

		require.Equal(t, []string{"b", "a"}, d.Found["parents"].Key)
		require.Equal(t, lqp.ViewTable, d.Found["adults"].Kind)
		require.Empty(t, d.Found["adults"].Comment)
		require.EqualValues(t, -1, d.Found["adults"].Rows)

		kids := d.Found["kids"]
		require.Equal(t, []string{d.settings.Database, "kids"}, kids.Path)
		require.Equal(t, []string{"email"}, kids.Key, "the first unique key without NULLs")
		require.Equal(t, [][]string{{"email"}, {"nick"}}, kids.Uniques, "not the one over a part of a column")
		require.Equal(t, []lqp.ForeignKey{{Name: "fk_p", Columns: []string{"pb", "pa"}, RefTable: "parents", RefColumns: []string{"b", "a"}}}, kids.ForeignKeys)
		column := func(id string) lqp.Column { return *kids.Column(id) }
		require.Equal(t, lqp.Type{Kind: lqp.Number, Precision: 10, NotNull: true}, column("id").Type)
		require.True(t, column("id").HasDefault && column("made").HasDefault && column("five").HasDefault)
		require.False(t, column("nick").HasDefault || column("email").HasDefault || column("twice").HasDefault)
		require.True(t, column("twice").ReadOnly)
		require.False(t, column("made").ReadOnly || column("id").ReadOnly)
		require.Equal(t, lqp.Type{Kind: lqp.Text, MaxLen: 50, ASCII: true}, column("email").Type, "a text may hold U+0000, which is read as NULL")
		require.Equal(t, "where to write", column("email").Comment)
		require.Equal(t, "ascii_general_ci", column("email").Collation)
		require.Equal(t, lqp.JSON, column("j").Type.Kind)
		require.Equal(t, "enum('A','b')", column("kind").Native)
		require.Equal(t, lqp.Type{Kind: lqp.Text, MaxLen: 1, NotNull: true}, column("kind").Type)
		require.Equal(t, lqp.Text, column("at").Type.Kind)
	})
}

func TestTypes(t *testing.T) {
	number := func(p, s int) lqp.Type { return lqp.Type{Kind: lqp.Number, Precision: p, Scale: s, NotNull: true} }
	for native, want := range map[string]lqp.Type{
		"tinyint(1)": {Kind: lqp.Bool, NotNull: true}, "tinyint(4)": number(3, 0), "tinyint(1) unsigned": number(3, 0), "tinyint": number(3, 0),
		"smallint(6)": number(5, 0), "mediumint": number(7, 0), "mediumint unsigned": number(8, 0), "int(10) unsigned zerofill": number(10, 0),
		"bigint": number(19, 0), "bigint(20) unsigned": number(20, 0), "year": number(4, 0), "year(4)": number(4, 0),
		"bit(1)": {Kind: lqp.Bool, NotNull: true}, "bit(8)": number(3, 0), "bit(64)": number(20, 0),
		"decimal(10,2)": number(10, 2), "decimal(30,10) unsigned": number(30, 10), "decimal(8,0)": number(8, 0),
		"decimal(30,15)": {Kind: lqp.Number, Precision: 30, Scale: 15}, "decimal(40,10)": {Kind: lqp.Number},
		"float": {Kind: lqp.Float, NotNull: true}, "double(10,2)": {Kind: lqp.Float, NotNull: true},
		"date": {Kind: lqp.Date}, "datetime(6)": {Kind: lqp.DateTime}, "timestamp": {Kind: lqp.DateTime}, "time": {Kind: lqp.Text},
		"json": {Kind: lqp.JSON, NotNull: true}, "uuid": {Kind: lqp.Text, MaxLen: 36, ASCII: true, NotNull: true}, "inet6": {Kind: lqp.Text},
		"varbinary(5)": {Kind: lqp.Bytes, NotNull: true}, "point": {Kind: lqp.Bytes, NotNull: true}, "longblob": {Kind: lqp.Bytes, NotNull: true},
		"varchar(7)": {Kind: lqp.Text, MaxLen: 7}, "longtext": {Kind: lqp.Text},
	} {
		s := sourceType{native: native, name: native, notNull: true, length: 7}
		for i, c := range native {
			if c == '(' || c == ' ' {
				s.name = native[:i]
				break
			}
		}
		if native == "longtext" {
			s.length = 1<<32 - 1
		}
		require.Equal(t, want, s.column(), native)
	}
}

// TestSchemas: other databases are seen when they are named, under their names.
func TestSchemas(t *testing.T) {
	for i := range servers {
		onServer(t, i, []string{`CREATE TABLE here (id int PRIMARY KEY)`}, func(t *testing.T, d *database) {
			other := settingsOf(t, servers[i].fresh(t)).Database
			d.exec("CREATE TABLE "+other+".there (id int PRIMARY KEY, here int, FOREIGN KEY (here) REFERENCES "+d.settings.Database+".here (id))",
				"INSERT INTO here VALUES (7)", "INSERT INTO "+other+".there VALUES (1, 7)")
			a := d.again(func(s *adapter.Settings) { s.Schemas = []string{d.settings.Database, other} })
			cat, err := a.Tables(t.Context())
			require.NoError(t, err)
			require.Len(t, cat.Tables, 2)
			there := cat.Table(other + ".there")
			require.NotNil(t, there)
			require.NotNil(t, cat.Table("here"))
			require.Equal(t, "here", there.ForeignKeys[0].RefTable)
			d.Found = map[string]*lqp.Table{"here": cat.Table("here"), "there": there}
			q := d.Bind(`{"source":{"table":"here","alias":"h"},"joins":[{"kind":"inner","source":{"table":"there","alias":"t"},"on":"{h.id} = {t.here}"}],"columns":["t.id"]}`)
			rows, err := a.Scan(t.Context(), a.Plan(q).Pushed)
			require.Equal(t, [][]string{{"1"}}, d.Read(rows, err, 1))
			d.exec("DROP TABLE " + other + ".there")
		})
	}
}

// TestRights: tables and columns that the user may not read are not discovered, and reading them is refused.
func TestRights(t *testing.T) {
	onServers(t, []string{`CREATE TABLE seen (id int PRIMARY KEY, open int, hidden int)`, `CREATE TABLE secret (id int)`}, func(t *testing.T, d *database) {
		user := "u_" + d.settings.Database[len(d.settings.Database)-12:]
		d.exec("CREATE USER "+user+"@'127.0.0.1' IDENTIFIED BY 'pass'", "GRANT SELECT (id, open) ON seen TO "+user+"@'127.0.0.1'",
			"GRANT INSERT ON secret TO "+user+"@'127.0.0.1'")
		a := d.again(func(s *adapter.Settings) { s.User, s.Password = user, "pass" })
		cat, err := a.Tables(t.Context())
		require.NoError(t, err)
		require.Len(t, cat.Tables, 1)
		require.Len(t, cat.Tables[0].Columns, 2)
		for _, name := range []string{"seen", "secret"} {
			whole := databasetest.WholeTable(&lqp.Source{Table: name, Alias: name, Schema: d.Found[name]})
			_, err := a.Scan(t.Context(), whole)
			require.ErrorIs(t, err, adapter.ErrDenied, name)
		}
		d.exec("DROP USER " + user + "@'127.0.0.1'")
	})
}

// TestZones: datetimes are read in the connection's zone, timestamps are points in time already.
func TestZones(t *testing.T) {
	onServers(t, []string{`CREATE TABLE z (id int PRIMARY KEY, dt datetime, ts timestamp NULL)`,
		`INSERT INTO z VALUES (1, '2024-01-01 12:00:00', '2024-01-01 12:00:00'), (2, '2024-07-01 12:00:00', NULL), (3, '0000-00-00', NULL)`}, func(t *testing.T, d *database) {
		a := d.again(func(s *adapter.Settings) { s.TimeZone = "Europe/Berlin" })
		d.Adapter, d.Source = a, a
		require.NoError(t, a.Ping(t.Context()))
		q := d.Bind(`{"source":{"table":"z"},"columns":["dt","ts"],"sorts":["id"]}`)
		rows, _ := d.Planned(q)
		require.Equal(t, [][]string{{`"2024-01-01T11:00:00.000Z"`, `"2024-01-01T12:00:00.000Z"`}, {`"2024-07-01T10:00:00.000Z"`, "null"}, {"null", "null"}}, rows)
		s := a.Plan(d.Bind(`{"source":{"table":"z"},"filters":["{dt} > TO_DATE(\"2024-02-01\")","{ts} > TO_DATE(\"2024-02-01\")"],"columns":["id"]}`))
		require.Equal(t, adapter.InMemory, s.Notes[0].Placement)
		require.Equal(t, adapter.PushedExact, s.Notes[1].Placement)
	})
}

// TestMariaUUID: uuids are canonical texts that keep their index.
func TestMariaUUID(t *testing.T) {
	onServer(t, 1, []string{`CREATE TABLE u (id uuid PRIMARY KEY, ref uuid NULL, n int)`,
		`INSERT INTO u VALUES ('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', NULL, 1), ('00000000-0000-1000-8000-00000000000a', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 2), ('ffffffff-0000-1000-8000-000000000001', NULL, 3)`},
		func(t *testing.T, d *database) {
			for filter, want := range map[string]string{
				`{id} = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"`: "1", `{id} = "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"`: "", `{id} = "x"`: "",
				`{id} > "a"`: "13", `{id} < "a"`: "2", `CONTAINS({id}, "8000")`: "23", `IS_NULL({ref})`: "13",
				`IN({id}, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "y")`: "1", `NOT({ref} = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")`: "13",
			} {
				q := d.Bind(`{"source":{"table":"u"},"filters":` + databasetest.Quote(filter) + `,"columns":["n"],"sorts":["n"]}`)
				rows, split := d.Planned(q)
				require.Nil(t, split.Residual, filter)
				got := ""
				for _, r := range rows {
					got += r[0]
				}
				require.Equal(t, want, got, "%s\n%s", filter, d.Show(split))
			}
			for _, q := range []string{`{"source":{"table":"u"},"columns":["id"],"sorts":["id"]}`, `{"source":{"table":"u"},"columns":["id"],"sorts":["-id"]}`,
				`{"source":{"table":"u","alias":"a"},"joins":[{"kind":"inner","source":{"table":"u","alias":"b"},"on":"{a.ref} = {b.id}"}],"columns":["a.n","b.n"]}`} {
				rows, split := d.Planned(d.Bind(q))
				require.Nil(t, split.Residual)
				require.Equal(t, d.Reference(d.Bind(q)), rows)
			}
			n, err := d.dialect.Load().compile(d.Plan(d.Bind(`{"source":{"table":"u","alias":"a"},"joins":[{"kind":"inner","source":{"table":"u","alias":"b"},"on":"{a.ref} = {b.id}"}],"columns":["b.n"]}`)).Pushed)
			require.NoError(t, err)
			require.Contains(t, n.sql, "t0.`ref` = t1.`id` AND ")
		})
}
