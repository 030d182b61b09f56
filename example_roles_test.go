package livetables_test

import (
	"context"
	"fmt"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// A bookkeeper writes in one base and reads nothing else; what the bookkeeper may do there is asked before it is tried.
func ExampleAccess_May() {
	inEngine(livetables.Options{}, bookkeeper)
	// Output:
	// rows.write: true
	// tables.alter: false
}

func bookkeeper(ctx context.Context, engine *livetables.Engine) error {
	owner := engine.As(rbac.Principal{ID: "ann"})
	w, err := owner.CreateWorkspace(ctx, "Shop")
	if err != nil {
		return err
	}
	books, err := owner.CreateBase(ctx, w.ID, minidb.BaseSpec{Name: "Books"})
	if err != nil {
		return err
	}
	role, err := owner.PutRole(ctx, w.ID, "", minidb.RoleSpec{Name: "Bookkeeper", Base: rbac.Editor, Grants: []rbac.Grant{
		{Action: rbac.ReadData, On: books.ID}, {Action: rbac.WriteRows, On: books.ID}}}, 0)
	if err != nil {
		return err
	}
	if _, err := owner.SetMember(ctx, w.ID, "bob", role.ID); err != nil {
		return err
	}
	may, err := engine.As(rbac.Principal{ID: "bob"}).May(ctx, w.ID, books.ID)
	if err != nil {
		return err
	}
	for _, action := range []rbac.Action{rbac.WriteRows, rbac.AlterTables} {
		fmt.Printf("%s: %t\n", action, may[action].Allowed)
	}
	return nil
}
