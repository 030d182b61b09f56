package minidb

import (
	"fmt"
	"maps"
	"slices"

	"github.com/livetables/livetables/lqp"
)

// Ids stay what they were, since views, rules, formulas, links and the log are full of them. So nothing here may have one of
// them: neither what is in use, nor what is in somebody's trash or log.

// taken are the places where an id of the catalogue may be in use.
var takenBy = map[string][]string{
	prefixWorkspace:  {`lt_workspace WHERE id`, `lt_purge WHERE id`, `lt_change WHERE workspace`},
	prefixProject:    {`lt_project WHERE id`},
	prefixBase:       {`lt_base WHERE id`, `lt_trash WHERE resource`},
	prefixTable:      {`lt_table WHERE id`, `lt_trash WHERE resource`, `lt_change WHERE table_id <> '' AND table_id`, `lt_floor_table WHERE table_id`},
	prefixColumn:     {`lt_column WHERE id`, `lt_trash WHERE resource`, `lt_link WHERE id`},
	prefixView:       {`lt_view WHERE id`, `lt_trash WHERE resource`},
	prefixIndex:      {`lt_index WHERE id`},
	prefixRole:       {`lt_role WHERE id`},
	prefixConnection: {`lt_connection WHERE id`},
	prefixTrash:      {`lt_trash WHERE id`},
}

// free fails with ErrExists when something of an id of the archive is here already.
func (in *importing) free(s session) error {
	byKind := map[string][]string{}
	for id := range in.ids {
		byKind[idPrefix(id)] = append(byKind[idPrefix(id)], id)
	}
	for _, prefix := range slices.Sorted(maps.Keys(byKind)) {
		slices.Sort(byKind[prefix])
		for _, place := range takenBy[prefix] {
			for chunk := range slices.Chunk(byKind[prefix], inChunk) {
				_, found, err := one(s, func(record) struct{} { return struct{}{} }, `SELECT 1 FROM `+place+` IN (`+inMarks(len(chunk))+`) LIMIT 1`, argTexts(chunk)...)
				if err != nil {
					return fmt.Errorf("look for ids of the archive: %w", err)
				}
				if found {
					return fmt.Errorf("something of one of the archive's ids: %w", ErrExists)
				}
			}
		}
	}
	return nil
}

// alone fails with ErrExists when an entry of the archive's log names something of another workspace, whose history it would be
// taken for. Users are in many workspaces.
func (in *importing) alone() error {
	_, found, err := one(in.session, func(record) struct{} { return struct{}{} }, `SELECT 1 FROM lt_change n WHERE n.workspace = ? AND n.position > ?
		AND n.resource_type NOT IN ('member', 'user', 'invite')
		AND EXISTS (SELECT 1 FROM lt_change o WHERE o.resource = n.resource AND o.workspace <> n.workspace AND o.workspace <> '') LIMIT 1`,
		argText(in.workspace.ID), argInt(in.base))
	if err != nil {
		return fmt.Errorf("look for ids of the log: %w", err)
	}
	if found {
		return fmt.Errorf("something that the archive's log names: %w", ErrExists)
	}
	return nil
}

// known notes an id of the catalogue, which there may be once.
func (in *importing) known(id, prefix, what string) error {
	if !ValidID(id, prefix) {
		return faulty("%q is no id of a %s", cleanText(id, maxName), what)
	}
	if in.ids[id] != "" {
		return faulty("%s is there twice", id)
	}
	in.ids[id] = what
	return nil
}

// refers checks a reference to something of the archive.
func (in *importing) refers(id string, what ...string) error {
	if !slices.Contains(what, in.ids[id]) {
		return faulty("%q is no %s of the archive", cleanText(id, maxName), what[0])
	}
	return nil
}

// same compares a record with what would be written for what was read from it.
func (p *portable) same(row, again []lqp.Value) error {
	for i := range row {
		if !lqp.Equal(row[i], again[i]) && !(row[i].IsNull() && again[i].IsNull()) {
			return faulty("%s of a %s is not as it is written", p.columns[i], p.name)
		}
	}
	return nil
}
