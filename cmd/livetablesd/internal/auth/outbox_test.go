package auth

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// noted is a case of TestEveryChangeIsNoted: what one method does, and the one entry that it must leave.
type noted struct {
	method, action string
	resource       string // type; "" is a user
	actor          string // "ann" when not said, "root", "self" who is the resource too, or "none"
	// arrange makes ready and returns what is tried.
	arrange func(n *noticed) func(context.Context) error
	want    error // what the method answers when all is well
}

// noticed is what the cases start from: an admin, and a user who is logged in.
type noticed struct {
	*fixture
	t        *testing.T
	root     Identity
	ann      Identity
	annToken Tokens
}

func secret(s string) livetables.Secret { return livetables.NewSecret(s) }

// notedCases has every method that leaves an entry.
func notedCases() []noted {
	const ann = "ann@example.com"
	invited := func(n *noticed) livetables.Secret {
		_, token := n.invited(n.root, ann)
		return token
	}
	claimed := func(n *noticed) Invite {
		in, err := n.ClaimInvite(n.t.Context(), n.ann, invited(n), home)
		require.NoError(n.t, err)
		return in
	}
	return []noted{
		{method: "Register", actor: "self", action: "auth.register", arrange: func(n *noticed) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := n.Register(ctx, Registration{Email: "new@example.com", Password: passwordOf("new")}, home)
				return err
			}
		}},
		{method: "RegisterInvited", actor: "self", action: "auth.register", arrange: func(n *noticed) func(context.Context) error {
			_, token := n.invited(n.root, "new@example.com")
			return func(ctx context.Context) error {
				_, _, err := n.RegisterInvited(ctx, Registration{Password: passwordOf("new")}, token, home)
				return err
			}
		}},
		{method: "Login", action: "auth.login", arrange: func(n *noticed) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := n.Login(ctx, Credentials{Email: ann, Password: passwordOf(ann)}, home)
				return err
			}
		}},
		{method: "Login", action: "auth.login_failed", want: ErrCredentials, arrange: func(n *noticed) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := n.Login(ctx, Credentials{Email: ann, Password: secret("wrong password")}, home)
				return err
			}
		}},
		{method: "Login", actor: "none", action: "auth.login_failed", want: ErrCredentials, arrange: func(n *noticed) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := n.Login(ctx, Credentials{Email: "nobody@example.com", Password: secret("wrong password")}, home)
				return err
			}
		}},
		{method: "Logout", action: "auth.session_end", arrange: func(n *noticed) func(context.Context) error {
			return func(ctx context.Context) error { return n.Logout(ctx, n.ann) }
		}},
		{method: "LogoutRefresh", action: "auth.session_end", arrange: func(n *noticed) func(context.Context) error {
			return func(ctx context.Context) error { return n.LogoutRefresh(ctx, n.annToken.Refresh) }
		}},
		{method: "Refresh", action: "auth.session_end", want: ErrUnauthenticated, arrange: func(n *noticed) func(context.Context) error {
			_, err := n.Refresh(n.t.Context(), n.annToken.Refresh, home)
			require.NoError(n.t, err)
			return func(ctx context.Context) error {
				_, err := n.Refresh(ctx, n.annToken.Refresh, home) // a second time
				return err
			}
		}},
		{method: "RevokeSession", action: "auth.session_end", arrange: func(n *noticed) func(context.Context) error {
			return func(ctx context.Context) error { return n.RevokeSession(ctx, n.ann, n.ann.SessionID) }
		}},
		{method: "RevokeOtherSessions", action: "auth.session_end", arrange: func(n *noticed) func(context.Context) error {
			n.login(ann)
			return func(ctx context.Context) error { _, err := n.RevokeOtherSessions(ctx, n.ann); return err }
		}},
		{method: "RevokeUserSessions", actor: "root", action: "auth.session_end", arrange: func(n *noticed) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := n.RevokeUserSessions(ctx, n.root, n.ann.UserID)
				return err
			}
		}},
		{method: "RevokeEverything", action: "auth.revoke_everything", arrange: func(n *noticed) func(context.Context) error {
			return func(ctx context.Context) error { return n.RevokeEverything(ctx, n.ann, home) }
		}},
		{method: "UpdateProfile", action: "auth.profile", arrange: func(n *noticed) func(context.Context) error {
			name := "Ann"
			return func(ctx context.Context) error { _, err := n.UpdateProfile(ctx, n.ann, Profile{&name}); return err }
		}},
		{method: "ChangePassword", action: "auth.password", arrange: func(n *noticed) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := n.ChangePassword(ctx, n.ann, passwordOf(ann), passwordOf("next"), home)
				return err
			}
		}},
		{method: "ChangePassword", action: "auth.password_failed", want: ErrCredentials, arrange: func(n *noticed) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := n.ChangePassword(ctx, n.ann, secret("wrong"), passwordOf("next"), home)
				return err
			}
		}},
		{method: "RequestVerification", action: "auth.address_request", arrange: func(n *noticed) func(context.Context) error {
			return func(ctx context.Context) error { return n.RequestVerification(ctx, n.ann) }
		}},
		{method: "RequestAddress", action: "auth.address_request", arrange: func(n *noticed) func(context.Context) error {
			return func(ctx context.Context) error {
				return n.RequestAddress(ctx, n.ann, "other@example.com", passwordOf(ann), home)
			}
		}},
		{method: "RequestAddress", action: "auth.password_failed", want: ErrCredentials, arrange: func(n *noticed) func(context.Context) error {
			return func(ctx context.Context) error {
				return n.RequestAddress(ctx, n.ann, "other@example.com", secret("wrong"), home)
			}
		}},
		{method: "ConfirmAddress", action: "auth.address", arrange: func(n *noticed) func(context.Context) error {
			require.NoError(n.t, n.RequestAddress(n.t.Context(), n.ann, "other@example.com", passwordOf(ann), home))
			token := n.mailed("other@example.com")
			return func(ctx context.Context) error { return n.ConfirmAddress(ctx, n.ann, token, home) }
		}},
		{method: "ConfirmReset", action: "auth.reset", arrange: func(n *noticed) func(context.Context) error {
			require.NoError(n.t, n.RequestReset(n.t.Context(), ann, home))
			token := n.mailed(ann)
			return func(ctx context.Context) error { return n.ConfirmReset(ctx, token, passwordOf("next"), home) }
		}},
		{method: "CreateUser", actor: "root", action: "user.create", arrange: func(n *noticed) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := n.CreateUser(ctx, n.root, NewUser{Email: "new@example.com", Password: passwordOf("new")})
				return err
			}
		}},
		{method: "UpdateUser", actor: "root", action: "user.update", arrange: func(n *noticed) func(context.Context) error {
			admin := true
			return func(ctx context.Context) error {
				_, err := n.UpdateUser(ctx, n.root, n.ann.UserID, UserUpdate{Admin: &admin})
				return err
			}
		}},
		{method: "DisableUser", actor: "root", action: "user.update", arrange: func(n *noticed) func(context.Context) error {
			return func(ctx context.Context) error { _, err := n.DisableUser(ctx, n.root, n.ann.UserID); return err }
		}},
		{method: "DeleteUser", actor: "root", action: "user.delete", arrange: func(n *noticed) func(context.Context) error {
			return func(ctx context.Context) error { return n.DeleteUser(ctx, n.root, n.ann.UserID) }
		}},
		{method: "CreateToken", action: "auth.token_create", arrange: func(n *noticed) func(context.Context) error {
			in := NewToken{Name: "t", Scope: rbac.Scope{Actions: []rbac.Action{rbac.ReadData}}, ExpiresAt: n.clock.Now().Add(time.Hour)}
			return func(ctx context.Context) error { _, _, err := n.CreateToken(ctx, n.ann, in, home); return err }
		}},
		{method: "DeleteToken", action: "auth.token_delete", arrange: func(n *noticed) func(context.Context) error {
			_, made := n.token(n.ann)
			return func(ctx context.Context) error { return n.DeleteToken(ctx, n.ann, made.ID) }
		}},
		{method: "DeleteTokens", action: "auth.token_delete", arrange: func(n *noticed) func(context.Context) error {
			n.token(n.ann)
			n.token(n.ann)
			return func(ctx context.Context) error { _, err := n.DeleteTokens(ctx, n.ann); return err }
		}},
		{method: "CreateInvite", action: "invite.create", resource: "invite", arrange: func(n *noticed) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := n.CreateInvite(ctx, n.ann, NewInvite{Workspace: "wsp_1", Email: "new@example.com", Role: "viewer"}, home)
				return err
			}
		}},
		{method: "RevokeInvite", action: "invite.revoke", resource: "invite", arrange: func(n *noticed) func(context.Context) error {
			in, _ := n.invited(n.root, "new@example.com")
			return func(ctx context.Context) error { return n.RevokeInvite(ctx, n.ann, in.Workspace, in.ID, home) }
		}},
		{method: "FinishInvite", action: "invite.accept", resource: "invite", arrange: func(n *noticed) func(context.Context) error {
			in := claimed(n)
			return func(ctx context.Context) error { return n.FinishInvite(ctx, in, home) }
		}},
		{method: "VoidInvite", action: "invite.void", resource: "invite", arrange: func(n *noticed) func(context.Context) error {
			in := claimed(n)
			return func(ctx context.Context) error { return n.VoidInvite(ctx, in, home) }
		}},
		{method: "CreateServiceAccount", action: "service_account.create", resource: "service_account", arrange: func(n *noticed) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := n.CreateServiceAccount(ctx, n.ann, "wsp_1", NewServiceAccount{Name: "robot"}, home)
				return err
			}
		}},
		{method: "UpdateServiceAccount", action: "service_account.update", resource: "service_account", arrange: func(n *noticed) func(context.Context) error {
			made, _, _ := n.service(n.ann, "wsp_1")
			name := "other"
			return func(ctx context.Context) error {
				_, err := n.UpdateServiceAccount(ctx, n.ann, "wsp_1", made.ID, ServiceUpdate{Name: &name}, home)
				return err
			}
		}},
		{method: "DeleteServiceAccount", action: "service_account.delete", resource: "service_account", arrange: func(n *noticed) func(context.Context) error {
			made, _, _ := n.service(n.ann, "wsp_1")
			return func(ctx context.Context) error { return n.DeleteServiceAccount(ctx, n.ann, "wsp_1", made.ID, home) }
		}},
		{method: "AddServiceKey", action: "service_account.key_create", resource: "service_account", arrange: func(n *noticed) func(context.Context) error {
			made, _, _ := n.service(n.ann, "wsp_1")
			in := NewServiceKey{Name: "k", ExpiresAt: n.clock.Now().Add(time.Hour)}
			return func(ctx context.Context) error {
				_, _, err := n.AddServiceKey(ctx, n.ann, "wsp_1", made.ID, in, home)
				return err
			}
		}},
		{method: "DeleteServiceKey", action: "service_account.key_delete", resource: "service_account", arrange: func(n *noticed) func(context.Context) error {
			made, _, key := n.service(n.ann, "wsp_1")
			return func(ctx context.Context) error {
				return n.DeleteServiceKey(ctx, n.ann, "wsp_1", made.ID, key.ID, home)
			}
		}},
		{method: "FinishOIDC", actor: "self", action: "auth.register", arrange: func(n *noticed) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := n.FinishOIDC(ctx, n.visit(n.start()), home)
				return err
			}
		}},
		{method: "RedeemOIDC", actor: "self", action: "auth.login", arrange: func(n *noticed) func(context.Context) error {
			ticket, err := n.FinishOIDC(n.t.Context(), n.visit(n.start()), home)
			require.NoError(n.t, err)
			return func(ctx context.Context) error { _, err := n.RedeemOIDC(ctx, ticket.Ticket, home); return err }
		}},
	}
}

// unnoted are the methods that leave no entry, and why.
var unnoted = map[string]string{
	"AuditCounts": "reads", "Invites": "reads", "ListUsers": "reads", "MailCounts": "reads", "Me": "reads", "OIDCEnabled": "reads",
	"PeekInvite": "reads", "Readmit": "reads", "Recheck": "reads", "ServiceAccount": "reads", "ServiceAccounts": "reads", "ServiceKeys": "reads",
	"Sessions": "reads", "SetupToken": "reads", "Tokens": "reads", "User": "reads", "UserByEmail": "reads", "Verify": "reads",
	"HandOver": "is the handing over", "RunAudit": "is the handing over", "RunMail": "sends what was noted when it was asked for",
	"StartOIDC": "stores nothing", "RequestReset": "nobody is known to have asked, and nothing of an account changes",
	"ClaimInvite": "holds an invite for a minute", "ReleaseInvite": "gives it back",
	"DropInvites": "follows a removed member or workspace, whose entry is the engine's", "ForgetWorkspace": "the same", "ForgetMails": "the same",
}

// TestEveryChangeIsNoted (R29, attack 59): each method that changes something leaves one entry, and when the entry cannot be
// written, the method fails and nothing is changed.
func TestEveryChangeIsNoted(t *testing.T) {
	cases := notedCases()
	methods := reflect.TypeFor[*Service]()
	for i := range methods.NumMethod() {
		name := methods.Method(i).Name
		listed := slices.ContainsFunc(cases, func(c noted) bool { return c.method == name })
		require.NotEqual(t, listed, unnoted[name] != "", "%s must be in exactly one of the lists", name)
	}
	for i, c := range cases {
		t.Run(fmt.Sprintf("%d %s %s", i, c.method, c.action), func(t *testing.T) {
			n := &noticed{t: t}
			if strings.Contains(c.method, "OIDC") {
				n.fixture, _ = withIssuer(t, nil)
			} else {
				n.fixture = newFixture(t, openToAll)
			}
			n.root = n.fixture.root()
			if !strings.Contains(c.method, "OIDC") {
				n.annToken = n.loginNew(n.root, "ann@example.com")
				n.ann = n.verify(n.annToken)
			}
			try := c.arrange(n)
			before := len(n.recorded())
			room := n.noRoom("INSERT")
			state := n.dump()
			err := try(t.Context())
			n.lacksRoom(err)
			if c.want != nil {
				require.NotErrorIs(t, err, c.want)
			}
			require.Equal(t, state, n.dump())
			room()

			require.ErrorIs(t, try(t.Context()), c.want)
			require.Len(t, n.outbox.wake, 1, "the relay was told")
			all := n.recorded()
			require.Len(t, all, before+1)
			e := all[before]
			require.Equal(t, c.action, e.Action)
			if c.resource == "" {
				c.resource = "user"
			}
			require.Equal(t, c.resource, e.ResourceType)
			require.True(t, strings.HasPrefix(e.ID, "evt_"))
			require.Equal(t, n.clock.Now(), e.At)
			require.Equal(t, c.resource != "user", e.Workspace != "")
			switch c.actor {
			case "none":
				require.Empty(t, e.Actor+e.Resource)
			case "self":
				require.NotEmpty(t, e.Actor)
				require.Equal(t, e.Resource, e.Actor)
			case "root":
				require.Equal(t, n.root.UserID, e.Actor)
			default:
				require.Equal(t, n.ann.UserID, e.Actor)
			}
			require.NotContains(t, fmt.Sprintf("%+v", e), "@", "no addresses in the record")
			require.Zero(t, n.count("auth_outbox", everyRow), "what was taken is forgotten")
		})
	}
}

func (f *fixture) exec(sql string, args ...lqp.Value) {
	f.t.Helper()
	require.NoError(f.t, f.store.Write(f.t.Context(), func(tx adapter.Tx) error {
		_, err := tx.Exec(f.t.Context(), sql, args...)
		return err
	}))
}

// dump is everything that is stored, but for the states of logins at an issuer, which are used up whatever comes of them.
func (f *fixture) dump() string {
	f.t.Helper()
	var out strings.Builder
	for _, table := range tables {
		require.NoError(f.t, f.store.Read(f.t.Context(), func(tx adapter.Tx) error {
			columns := "row_to_json(" + table + ")::text"
			if storetest.Driver() == "postgres" {
				return each(f.t.Context(), tx, `SELECT `+columns+` FROM `+table+` ORDER BY 1`, nil, func(r row) error {
					fmt.Fprintln(&out, table, r.text(0))
					return nil
				})
			}
			err := each(f.t.Context(), tx, `SELECT group_concat('quote("' || name || '")', ' || ''|'' || ') FROM pragma_table_info(?)`, texts(table), func(r row) error {
				columns = r.text(0)
				return nil
			})
			if err != nil {
				return err
			}
			return each(f.t.Context(), tx, `SELECT `+columns+` FROM `+table+` ORDER BY 1`, nil, func(r row) error {
				fmt.Fprintln(&out, table, r.text(0))
				return nil
			})
		}))
	}
	return out.String()
}
