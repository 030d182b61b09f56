package rbac

// Role is a member's standing in a workspace.
type Role string

// The roles, highest first. The empty Role is no member.
const (
	Owner  Role = "owner"
	Admin  Role = "admin"
	Editor Role = "editor"
	Viewer Role = "viewer"
)

var rank = map[Role]int{Owner: 4, Admin: 3, Editor: 2, Viewer: 1}

// Valid reports whether r is one of the four roles.
func (r Role) Valid() bool { return rank[r] > 0 }

// AtLeast reports whether r stands as high as o or higher. No role is at least an invalid one.
func (r Role) AtLeast(o Role) bool { return rank[o] > 0 && rank[r] >= rank[o] }

// Action is something a principal may want to do in a workspace.
type Action string

// The actions of the matrix.
const (
	ReadData          Action = "data.read"
	WriteRows         Action = "rows.write"
	AlterTables       Action = "tables.alter" // bases, tables, columns
	AlterViews        Action = "views.alter"
	ShareViews        Action = "views.share"
	ManageConnections Action = "connections.manage"
	ManageMembers     Action = "members.manage"
	GrantAdmin        Action = "members.grant_admin" // give or take the roles admin and owner
	ManageRules       Action = "rules.manage"        // row and column rules
	ReadAudit         Action = "audit.read"
	UpdateWorkspace   Action = "workspace.update"
	DeleteWorkspace   Action = "workspace.delete"
)

// matrix names the lowest role that may take each action; what is not listed is denied to everybody.
var matrix = map[Action]Role{
	ReadData:          Viewer,
	WriteRows:         Editor,
	AlterTables:       Admin,
	AlterViews:        Editor,
	ShareViews:        Admin,
	ManageConnections: Admin,
	ManageMembers:     Admin,
	GrantAdmin:        Owner,
	ManageRules:       Admin,
	ReadAudit:         Admin,
	UpdateWorkspace:   Admin,
	DeleteWorkspace:   Owner,
}

// Actions lists every action of the matrix with the lowest role that may take it.
func Actions() map[Action]Role {
	m := make(map[Action]Role, len(matrix))
	for a, r := range matrix {
		m[a] = r
	}
	return m
}
