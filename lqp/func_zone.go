package lqp

import (
	"sync"
	"time"
)

var zoneFunctions = []*Function{
	{
		Name: "at_zone", Category: "date", Zoned: true,
		Params: []Parameter{oneDate[0], {Name: "zone", Kinds: textKinds, Zone: true}},
		Doc:    "What the clocks of another time zone show at the instant, as YYYY-MM-DDTHH:MM:SS; a date is its midnight in the plan's zone.", Example: `AT_ZONE(TO_DATETIME("2024-02-29T10:20:30Z"), "Asia/Tokyo")`, Gives: "2024-02-29T19:20:30",
		result: func([]Type) (Type, *ArgError) { return Type{Kind: Text, MaxLen: 19, ASCII: true}, nil },
		f2: func(z *time.Location, a, b Value) Value {
			there, ok := namedZone(b.str)
			if !ok {
				return Value{}
			}
			days, ms := wallClock(there, DateTimeValue(instant(z, a)))
			if days < minDays || days > maxDays {
				return Value{}
			}
			return textValue(string(wallFormat.appendTo(nil, days, ms)))
		},
	},
}

var wallFormat, _ = parseFormat("YYYY-MM-DDTHH:mm:ss")

// zones keeps the zones that formulas named: reading one takes a file. There are about 600; maxZones is for file systems
// that know each under many spellings.
var zones struct {
	sync.RWMutex
	byName map[string]*time.Location
}

const maxZones = 1024

// namedZone is loadZone for functions, which ask for every row.
func namedZone(name string) (*time.Location, bool) {
	zones.RLock()
	z := zones.byName[name]
	zones.RUnlock()
	if z != nil {
		return z, true
	}
	z, ok := loadZone(name)
	if !ok || name == "" {
		return nil, false
	}
	zones.Lock()
	defer zones.Unlock()
	if zones.byName == nil {
		zones.byName = map[string]*time.Location{}
	}
	if len(zones.byName) < maxZones {
		zones.byName[name] = z
	}
	return z, true
}
