package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
	"github.com/livetables/livetables/rbac"
)

func inviteRoutes() []route {
	return []route{
		{method: "POST", path: api + "/workspaces/{workspace}/invite", handler: invite, body: bodyJSON},
		{method: "GET", path: api + "/workspaces/{workspace}/invites", handler: listInvites},
		{method: "DELETE", path: api + "/workspaces/{workspace}/invites/{invite}", handler: revokeInvite},
		{method: "POST", path: api + "/invites/accept", handler: acceptInvite, body: bodyJSON},
	}
}

// inviteDocument is an open invite as those who manage members see it. Its token is in the mail and nowhere else.
type inviteDocument struct {
	ID        string    `json:"id"`
	Email     string    `json:"email"`
	Role      rbac.Role `json:"role"`
	Inviter   string    `json:"invited_by"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

func inviteOf(in auth.Invite) inviteDocument {
	return inviteDocument{in.ID, in.Email, rbac.Role(in.Role), in.Inviter, in.CreatedAt, in.ExpiresAt}
}

// invite asks an address into a workspace. The answer is the same whether or not the address has an account; that it is a
// member's is no news to those who see the members' addresses.
func invite(c *call) error {
	workspace := c.id("workspace")
	if err := c.may(workspace, rbac.ManageMembers); err != nil {
		return err
	}
	in, err := decode[struct {
		Email string    `json:"email"`
		Role  rbac.Role `json:"role"`
	}](c)
	if err != nil {
		return err
	}
	if err := c.access.MayAddMember(c.ctx(), workspace, in.Role); err != nil {
		return err
	}
	w, _, err := c.access.Workspace(c.ctx(), workspace)
	if err != nil {
		return err
	}
	if err := c.refuseMember(workspace, in.Email); err != nil {
		return err
	}
	made, err := c.s.opt.Auth.CreateInvite(c.ctx(), c.who, auth.NewInvite{Workspace: workspace, Label: w.Name, Email: in.Email, Role: string(in.Role)}, c.client())
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", api+"/workspaces/"+workspace+"/invites/"+made.ID)
	return c.json(http.StatusCreated, inviteOf(made))
}

// refuseMember is an error when the address is that of a member.
func (c *call) refuseMember(workspace, email string) error {
	members, err := c.access.Members(c.ctx(), workspace)
	if err != nil {
		return err
	}
	u, err := c.s.opt.Auth.UserByEmail(c.ctx(), email)
	if errors.Is(err, auth.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, ok := members[u.ID]; ok {
		return problemOf(http.StatusConflict, livetables.CodeExists, "the account is a member already; PUT changes its role")
	}
	return nil
}

func listInvites(c *call) error {
	workspace := c.id("workspace")
	if err := c.may(workspace, rbac.ManageMembers); err != nil {
		return err
	}
	found, err := c.s.opt.Auth.Invites(c.ctx(), workspace)
	if err != nil {
		return err
	}
	list := make([]inviteDocument, len(found))
	for i, in := range found {
		list[i] = inviteOf(in)
	}
	return c.list(list)
}

func revokeInvite(c *call) error {
	workspace := c.id("workspace")
	if err := c.may(workspace, rbac.ManageMembers); err != nil {
		return err
	}
	if err := c.s.opt.Auth.RevokeInvite(c.ctx(), c.who, workspace, c.id("invite"), c.client()); err != nil {
		return err
	}
	return c.noContent()
}

// acceptInvite makes the caller a member by the token of an invite. The token is in the body: addresses of requests are
// written into logs.
func acceptInvite(c *call) error {
	in, err := decode[struct {
		Token livetables.Secret `json:"token"`
	}](c)
	if err != nil {
		return err
	}
	claimed, err := c.s.opt.Auth.ClaimInvite(c.ctx(), c.who, in.Token, c.client())
	if err != nil {
		return err
	}
	if err := c.join(claimed, c.who.UserID); err != nil {
		return err
	}
	return c.json(http.StatusOK, struct {
		Workspace string    `json:"workspace_id"`
		Role      rbac.Role `json:"role"`
	}{claimed.Workspace, rbac.Role(claimed.Role)})
}

// registerInvited makes an account for the address of an invite and its member of the workspace.
func (c *call) registerInvited(in *newAccount) error {
	found, err := c.s.opt.Auth.PeekInvite(c.ctx(), in.InviteToken, c.client())
	if err != nil {
		return err
	}
	// Asked before there is an account: an invite that its maker could not make today opens no closed instance.
	if err := c.inviter(found).MayAddMember(c.ctx(), found.Workspace, rbac.Role(found.Role)); err != nil {
		return inviteFailure(err)
	}
	t, claimed, err := c.s.opt.Auth.RegisterInvited(c.ctx(), auth.Registration{Email: in.Email, Name: in.Name, Password: in.Password}, in.InviteToken, c.client())
	if err != nil {
		return err
	}
	if err := c.join(claimed, t.User.ID); err != nil {
		return err
	}
	return c.tokens(http.StatusCreated, t)
}

// inviter is the engine in the hands of whoever made an invite, with the rights of this moment and at the place where the
// invite was made: whoever accepts it may be anywhere.
func (c *call) inviter(in auth.Invite) *livetables.Access {
	return c.s.opt.Engine.As(rbac.Principal{ID: in.Inviter, Request: c.w.request, Address: in.Address})
}

// join makes an account the member that a claimed invite says, in the name and with the present rights of the inviter, and
// ends the invite. Where that cannot be now, the invite stays.
func (c *call) join(in auth.Invite, user string) error {
	// A client that hangs up must not leave a member with an open invite.
	ctx := context.WithoutCancel(c.ctx())
	inviter := c.inviter(in)
	members, err := inviter.Members(ctx, in.Workspace)
	if err == nil {
		if _, ok := members[user]; ok {
			return errors.Join(c.s.opt.Auth.VoidInvite(ctx, in, c.client()),
				problemOf(http.StatusConflict, livetables.CodeExists, "you are a member already"))
		}
		_, err = inviter.SetMember(ctx, in.Workspace, user, rbac.Role(in.Role))
	}
	if err == nil {
		return c.s.opt.Auth.FinishInvite(ctx, in, c.client())
	}
	told := inviteFailure(err)
	var p *Problem
	if errors.As(told, &p) {
		return errors.Join(c.s.opt.Auth.VoidInvite(ctx, in, c.client()), told)
	}
	return errors.Join(c.s.opt.Auth.ReleaseInvite(ctx, in), told)
}

// inviteFailure is a refusal when the inviter has lost the right that the invite needs; other errors pass.
func inviteFailure(err error) error {
	switch livetables.Code(err) {
	case livetables.CodeForbidden, livetables.CodeNotFound, livetables.CodeInvalid:
		return problemOf(http.StatusForbidden, livetables.CodeForbidden, "whoever invited you may not do so any more; ask for another invite")
	}
	return err
}
