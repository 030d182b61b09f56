package minidb

// The limits of one workspace (Options.MaxBases and those beside it): no tenant fills a store that others share.

// room refuses with the limit's name when a workspace has as many of something as it may. sql counts them, with the workspace
// as its argument.
func (u *unit) room(workspace, name, sql string, most int) error {
	n, err := must(u.session, name, func(r record) int64 { return r.integer(0) }, sql, argText(workspace))
	if err == nil && n >= int64(most) {
		err = &LimitError{Name: name, Max: most}
	}
	return err
}

func (u *unit) roomForProject(workspace string) error {
	return u.room(workspace, "projects_per_workspace", `SELECT count(*) FROM lt_project WHERE workspace = ?`, u.db.opt.MaxProjects)
}

func (u *unit) roomForBase(workspace string) error {
	return u.room(workspace, "bases_per_workspace", `SELECT count(*) FROM lt_base WHERE workspace = ?`, u.db.opt.MaxBases)
}

func (u *unit) roomForTable(workspace string) error {
	return u.room(workspace, "tables_per_workspace", `SELECT count(*) FROM lt_table WHERE workspace = ?`, u.db.opt.MaxWorkspaceTables)
}

func (u *unit) roomForConnection(workspace string) error {
	return u.room(workspace, "connections_per_workspace", `SELECT count(*) FROM lt_connection WHERE workspace = ?`, u.db.opt.MaxConnections)
}
