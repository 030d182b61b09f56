// Package postgres reads PostgreSQL databases: schema discovery, plans pushed down as SQL with the meaning of lqp, and
// results decoded from PostgreSQL's binary format straight into canonical values or JSON.
//
// Connections are made from [adapter.Settings] alone: no connection string, no PG* environment variable, no password or
// service file is looked at. Every session is pinned to UTC and ISO dates, has a statement timeout and is read-only
// unless the settings open it for writing. Statements go through the extended protocol, every value as a parameter.
package postgres
