package rbac

// Action is something a principal may want to do in a workspace.
type Action string

// The actions.
const (
	ReadData          Action = "data.read"
	WriteRows         Action = "rows.write"
	AlterTables       Action = "tables.alter" // bases, projects, tables, columns
	AlterViews        Action = "views.alter"
	ShareViews        Action = "views.share"
	ManageConnections Action = "connections.manage"
	ManageMembers     Action = "members.manage"
	GrantAdmin        Action = "members.grant_admin" // give or take the roles admin and owner, and what is as powerful
	ViewAs            Action = "members.view_as"     // read data as another member would
	ManageRules       Action = "rules.manage"        // row and column rules, caps
	ManageRoles       Action = "roles.manage"        // custom roles
	ReadAudit         Action = "audit.read"
	UpdateWorkspace   Action = "workspace.update"
	DeleteWorkspace   Action = "workspace.delete"
)

// matrix names the lowest of the built-in roles that may take each action.
var matrix = map[Action]Role{
	ReadData:          Viewer,
	WriteRows:         Editor,
	AlterTables:       Admin,
	AlterViews:        Editor,
	ShareViews:        Admin,
	ManageConnections: Admin,
	ManageMembers:     Admin,
	GrantAdmin:        Owner,
	ViewAs:            Admin,
	ManageRules:       Admin,
	ManageRoles:       Admin,
	ReadAudit:         Admin,
	UpdateWorkspace:   Admin,
	DeleteWorkspace:   Owner,
}

// sensitive are the actions that a workspace may allow from some networks only: they give power, or what is hard to take
// back.
var sensitive = map[Action]bool{ShareViews: true, ManageConnections: true, ManageMembers: true, GrantAdmin: true, ViewAs: true,
	ManageRules: true, ManageRoles: true, UpdateWorkspace: true, DeleteWorkspace: true}

// overPeople are the actions that decide what others may: whoever gives one of them to somebody must hold GrantAdmin.
var overPeople = map[Action]bool{ManageMembers: true, GrantAdmin: true, ViewAs: true, ManageRules: true, ManageRoles: true,
	UpdateWorkspace: true, DeleteWorkspace: true}

// Valid reports whether a is one of the actions.
func (a Action) Valid() bool { return matrix[a] != "" }

// Sensitive reports whether a workspace may restrict the action to its networks ([Policy.Networks]).
func (a Action) Sensitive() bool { return sensitive[a] }

// Actions lists every action with the lowest built-in role that may take it. The map is the caller's.
func Actions() map[Action]Role {
	m := make(map[Action]Role, len(matrix))
	for a, r := range matrix {
		m[a] = r
	}
	return m
}
