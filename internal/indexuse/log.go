package indexuse

import (
	"cmp"
	"slices"
	"sync"
)

// Bounds of what a Log keeps: about 4 MiB.
const (
	maxTables = 1_000
	maxShapes = 32 // of a table
)

// Use is a shape and how many queries had it.
type Use struct {
	Shape
	Queries int64
}

// Log counts shapes by table, the latest and the most frequent ones. The zero Log is empty and ready; it may be used by many
// goroutines at once.
type Log struct {
	mu     sync.Mutex
	tables map[string]*table
	turn   int64
}

type table struct {
	last   int64 // when it was noted last, in turns
	shapes map[string]*Use
}

// Note counts a query. Beyond the bounds the table that was not asked for longest is forgotten, and of a table the shape that was
// asked for least, the counts of the others being halved, so that what is new has a chance to stay.
func (l *Log) Note(id string, s Shape) {
	key := s.key()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tables == nil {
		l.tables = make(map[string]*table)
	}
	l.turn++
	t := l.tables[id]
	if t == nil {
		if len(l.tables) == maxTables {
			l.forgetOldest()
		}
		t = &table{shapes: make(map[string]*Use)}
		l.tables[id] = t
	}
	t.last = l.turn
	if u := t.shapes[key]; u != nil {
		u.Queries++
		return
	}
	if len(t.shapes) == maxShapes {
		least := ""
		for k, u := range t.shapes {
			if least == "" || u.Queries < t.shapes[least].Queries {
				least = k
			}
		}
		delete(t.shapes, least)
		for _, u := range t.shapes {
			u.Queries = (u.Queries + 1) / 2
		}
	}
	t.shapes[key] = &Use{Shape: s, Queries: 1}
}

func (l *Log) forgetOldest() {
	oldest := ""
	for id, t := range l.tables {
		if oldest == "" || t.last < l.tables[oldest].last {
			oldest = id
		}
	}
	delete(l.tables, oldest)
}

// Of lists the shapes of a table, the most frequent first.
func (l *Log) Of(id string) []Use {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.tables[id]
	if t == nil {
		return nil
	}
	list := make([]Use, 0, len(t.shapes))
	for _, u := range t.shapes {
		list = append(list, *u)
	}
	slices.SortFunc(list, func(a, b Use) int { return cmp.Or(cmp.Compare(b.Queries, a.Queries), cmp.Compare(a.key(), b.key())) })
	return list
}
