// Package musicshop asks the same ten questions of the same music shop kept in five databases: PostgreSQL, MySQL, MariaDB,
// SQLite and MongoDB. The answers have to be the same bytes, and the ones that a person would write SQL for.
//
// The shop has the shape of the Chinook sample database: artists, albums, tracks, genres, media types, customers,
// employees, invoices with their lines, playlists. Every copy of it has the habits of its database: names in snake_case or
// in CamelCase, numbers that are integers, decimals or doubles, times with and without a type, absent fields and embedded
// documents. The questions are written once, in the names of the PostgreSQL copy, in testdata/*.json; README.md there says
// what each of them asks. A table of names translates them for the other copies.
//
// The shop of an ordinary test run is made up from a seed. With LIVETABLES_CHINOOK set to a directory that has the files of
// the real Chinook database (Chinook_PostgreSql.sql, Chinook_MySql.sql, Chinook_Sqlite.sqlite, ChinookData.json, from
// https://github.com/lerocha/chinook-database) the tests ask the real one as well.
//
// The package consists of tests only.
package musicshop
