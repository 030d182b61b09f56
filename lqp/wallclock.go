package lqp

import "time"

// InstantOf is the instant at which the wall clock of z shows local, both in milliseconds since 1970-01-01T00:00: what
// adapters read a timestamp without zone as. A time that a clock change skips is read with the offset before the change;
// of one that occurs twice the earlier instant is taken. A nil z is UTC.
func InstantOf(z *time.Location, local int64) int64 { return toUTC(z, local) }
