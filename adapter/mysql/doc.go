// Package mysql reads MySQL (8 and later) and MariaDB (10.11 and later) databases: schema discovery, plans pushed down as
// SQL with the meaning of lqp, and results decoded from the binary protocol straight into canonical values or JSON. Which
// of the two a server is, is found out when it is connected to.
//
// Connections are made from [adapter.Settings] alone, field by field: there is no DSN, no named TLS configuration and
// nothing registered with the driver. Every session is pinned to UTC, a strict SQL mode and binary collations without
// padding, has a statement timeout, and is read-only unless the settings open it for writing. Statements are prepared and
// every value is a parameter. A cancelled statement is killed at the server.
package mysql
