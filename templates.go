package livetables

import (
	"context"
	"fmt"

	"github.com/livetables/livetables/internal/template"
	"github.com/livetables/livetables/minidb"
)

// BaseTemplate describes a base that people can start from. The list of templates is closed.
type BaseTemplate struct {
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Colour      string          `json:"colour"`
	Icon        string          `json:"icon"`
	Tables      []TemplateTable `json:"tables"`
	Views       []string        `json:"views"` // by name
}

// TemplateTable is a table that a template makes.
type TemplateTable struct {
	Name        string           `json:"name"`
	Description string           `json:"description"`
	Columns     []TemplateColumn `json:"columns"`
	Rows        int              `json:"rows"` // sample rows
}

// TemplateColumn is a column that a template makes.
type TemplateColumn struct {
	Name string            `json:"name"`
	Type minidb.ColumnType `json:"type"`
}

// Templates lists the templates.
func Templates() []BaseTemplate {
	all := template.All()
	list := make([]BaseTemplate, len(all))
	for i, t := range all {
		b := BaseTemplate{ID: t.ID, Name: t.Name, Description: t.Description, Colour: t.Colour, Icon: t.Icon, Views: []string{}}
		for _, tb := range t.Tables {
			made := TemplateTable{Name: tb.Name, Description: tb.Description, Rows: len(tb.Rows)}
			for _, c := range tb.Columns {
				made.Columns = append(made.Columns, TemplateColumn{Name: c.Name, Type: c.Type})
			}
			b.Tables = append(b.Tables, made)
		}
		for _, v := range t.Views {
			b.Views = append(b.Views, v.Name)
		}
		list[i] = b
	}
	return list
}

// CreateBaseFrom makes a base from a template, with its tables, sample rows and views, all or nothing. Empty fields of spec
// are those of the template.
func (a *Access) CreateBaseFrom(ctx context.Context, workspace, id string, spec minidb.BaseSpec) (*minidb.Base, error) {
	if err := a.mayMakeBase(ctx, workspace, spec.Project); err != nil {
		return nil, err
	}
	t, ok := template.Find(id)
	if !ok {
		return nil, &minidb.ValidationError{Fields: []minidb.FieldError{{Column: "template", Code: minidb.CodeInvalid,
			Message: fmt.Sprintf("there is no template %q", id)}}}
	}
	bp, err := t.Blueprint(a.e.clock())
	if err != nil {
		return nil, err
	}
	for _, f := range []struct {
		to   *string
		text string
	}{{&bp.Base.Name, spec.Name}, {&bp.Base.Description, spec.Description}, {&bp.Base.Colour, spec.Colour}, {&bp.Base.Icon, spec.Icon}} {
		if f.text != "" {
			*f.to = f.text
		}
	}
	bp.Base.Project = spec.Project
	return a.e.store.CreateBaseFrom(ctx, a.actor("template "+id), workspace, bp)
}
