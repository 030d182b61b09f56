package canary

import "fmt"

// stirred is a cell that most may not see and that is changed while the campaign runs.
type stirred struct{ table, row, column string }

// stir changes what most may not see, of one tenant: rows out of sight and hidden cells, and what is computed from them.
func (c *campaign) stir(n int) error {
	t := c.tenants[n%len(c.tenants)]
	for _, p := range c.people {
		if p.roles[t] != "owner" {
			continue
		}
		for _, s := range append([]stirred{{t.ids["table"][0], t.ids["row"][2], "Name"}, {t.ids["table"][0], t.ids["row"][1], "Secret"}}, t.stirred...) {
			path := "/api/v1/tables/" + s.table + "/rows/" + s.row
			text := c.plant(t, "a cell that was stirred", t.managers|1<<t.narrow.number, told)
			// The tenant's editors lock rows now and then.
			if _, err := c.send(p, "DELETE", path+"/lock?break=true", nil); err != nil {
				return fmt.Errorf("break a lock: %w", err)
			}
			if _, err := c.send(p, "PATCH", path, map[string]any{"fields": map[string]any{s.column: text}}); err != nil {
				return fmt.Errorf("change a row: %w", err)
			}
		}
	}
	return nil
}
