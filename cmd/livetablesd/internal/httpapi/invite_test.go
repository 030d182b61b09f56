package httpapi

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/cmd/livetablesd/internal/auth"
	post "github.com/livetables/livetables/cmd/livetablesd/internal/mail"
	"github.com/livetables/livetables/cmd/livetablesd/internal/mail/mailtest"
	"github.com/livetables/livetables/rbac"
)

// outbox is the directory that an instance's mails go to.
type outbox struct {
	in   *instance
	dir  string
	seen map[string]bool
}

// newOutbox hands the instance's mails over as the daemon does without a mail server.
func newOutbox(t testing.TB, in *instance) *outbox {
	t.Helper()
	from, err := post.ParseSender("tables@example.com")
	require.NoError(t, err)
	o := &outbox{in: in, dir: filepath.Join(t.TempDir(), "mail"), seen: map[string]bool{}}
	m, err := post.OpenOutbox(o.dir, from, slog.New(slog.NewTextHandler(in.log, nil)))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- in.auth.RunMail(ctx, m) }()
	t.Cleanup(func() { cancel(); require.NoError(t, <-ended) })
	return o
}

var mailedToken = regexp.MustCompile(`(?m)^  token: (\S+)$`)

// next waits for the next mail.
func (o *outbox) next(t testing.TB, to string) mailtest.Letter {
	t.Helper()
	var got mailtest.Letter
	require.Eventually(t, func() bool {
		files, err := filepath.Glob(filepath.Join(o.dir, "*.eml"))
		require.NoError(t, err)
		for _, f := range files {
			if !o.seen[f] {
				raw, err := os.ReadFile(f)
				require.NoError(t, err)
				got, err = mailtest.Parse(raw)
				require.NoError(t, err)
				o.seen[f] = true
				return true
			}
		}
		return false
	}, 10*time.Second, 5*time.Millisecond, "no mail to %s", to)
	require.Equal(t, to, got.To)
	return got
}

// token waits for the next mail and finds its token.
func (o *outbox) token(t testing.TB, to string) string {
	t.Helper()
	m := mailedToken.FindStringSubmatch(o.next(t, to).Text)
	require.NotNil(t, m)
	return m[1]
}

// mailInstance is an instance with a workspace and an outbox.
func mailInstance(t *testing.T, people ...string) (*place, *outbox) {
	t.Helper()
	p := newPlace(t, newInstance(t, nil, append([]string{"root", "owner"}, people...)...))
	return p, newOutbox(t, p.instance)
}

func body(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

// TestInviteByMail goes the whole way: asked in, mailed, registered on a closed instance, a member.
func TestInviteByMail(t *testing.T) {
	p, box := mailInstance(t, "admin", "viewer", "stranger")
	made := p.must(t, 201, "admin", "POST", p.at("/invite"), body("email", "Ann@Example.net", "role", "editor"))
	require.Equal(t, "ann@example.net", made.text(t, "email"))
	require.NotContains(t, made.body, "token")
	id := made.text(t, "id")
	require.Equal(t, p.at("/invites/"+id), made.header.Get("Location"))
	token := box.token(t, "ann@example.net")
	list := p.must(t, 200, "owner", "GET", p.at("/invites"), nil)
	require.Contains(t, list.body, id)
	require.NotContains(t, list.body, token)

	p.must(t, 403, "", "POST", "/api/v1/auth/register", body("email", "ann@example.net", "password", "long enough")) // closed
	got := p.must(t, 201, "", "POST", "/api/v1/auth/register", body("email", "ann@example.net", "password", "long enough", "name", "Ann", "invite_token", token))
	require.NotEmpty(t, got.text(t, "user.email_verified_at"))
	access := got.text(t, "access_token")
	p.must(t, 201, "", "POST", p.rows(""), `{"fields":{"Name":"by Ann"}}`, "Authorization", "Bearer "+access)
	members := p.must(t, 200, "owner", "GET", p.at("/members"), nil)
	require.Contains(t, members.body, got.text(t, "user.id"))
	require.NotContains(t, p.must(t, 200, "owner", "GET", p.at("/invites"), nil).body, id)
	p.must(t, 400, "", "POST", "/api/v1/auth/register", body("email", "ann@example.net", "password", "long enough", "invite_token", token))
	p.must(t, 400, "", "POST", "/api/v1/invites/accept", body("token", token), "Authorization", "Bearer "+access)

	// By an account that is there.
	p.must(t, 201, "owner", "POST", p.at("/invite"), body("email", mail("stranger"), "role", "viewer"))
	token = box.token(t, mail("stranger"))
	p.must(t, 401, "", "POST", "/api/v1/invites/accept", body("token", token))
	p.must(t, 404, "stranger", "GET", p.at(""), nil)
	answer := p.must(t, 200, "stranger", "POST", "/api/v1/invites/accept", body("token", token))
	require.Equal(t, p.workspace, answer.text(t, "workspace_id"))
	require.Equal(t, "viewer", p.must(t, 200, "stranger", "GET", p.at(""), nil).text(t, "role"))
	p.must(t, 400, "stranger", "POST", "/api/v1/invites/accept", body("token", token))

	require.NoError(t, p.auth.HandOver(t.Context()))
	audit := p.must(t, 200, "owner", "GET", "/api/v1/audit-logs?resource_type=invite&workspace_id="+p.workspace, nil).body
	require.Contains(t, audit, "invite.create")
	require.Contains(t, audit, "invite.accept")
	require.NotContains(t, audit, "@")
	require.NotContains(t, p.log.String(), token)
	require.NotContains(t, p.log.String(), "lti_")
}

// TestInviteRefusals: 33, 69, 8 and what else must not be.
func TestInviteRefusals(t *testing.T) {
	p, box := mailInstance(t, "admin", "editor", "viewer", "stranger")
	invite := p.at("/invite")
	made := p.must(t, 201, "owner", "POST", invite, body("email", "ann@example.net", "role", "viewer"))
	box.next(t, "ann@example.net")
	one := p.at("/invites/" + made.text(t, "id"))
	other := newPlace(t, p.instance)
	p.check(t, []request{
		{name: "admin invites an owner (33)", who: "admin", method: "POST", path: invite, body: body("email", "a@example.net", "role", "owner"), status: 403},
		{name: "admin invites an admin (33)", who: "admin", method: "POST", path: invite, body: body("email", "a@example.net", "role", "admin"), status: 403},
		{name: "editor invites (33)", who: "editor", method: "POST", path: invite, body: body("email", "a@example.net", "role", "viewer"), status: 403},
		{name: "viewer invites", who: "viewer", method: "POST", path: invite, body: body("email", "a@example.net", "role", "viewer"), status: 403},
		{name: "stranger invites", who: "stranger", method: "POST", path: invite, body: body("email", "a@example.net", "role", "viewer"), status: 404},
		{name: "nobody invites", method: "POST", path: invite, body: body("email", "a@example.net", "role", "viewer"), status: 401},
		{name: "no role", who: "owner", method: "POST", path: invite, body: body("email", "a@example.net", "role", "king"), status: 400, want: []string{"$.role"}},
		{name: "no address", who: "owner", method: "POST", path: invite, body: body("email", "a", "role", "viewer"), status: 400, want: []string{"$.email"}},
		{name: "address as object (5)", who: "owner", method: "POST", path: invite, body: `{"email":{"$ne":null},"role":"viewer"}`, status: 400},
		{name: "other keys", who: "owner", method: "POST", path: invite, body: body("email", "a@example.net", "role", "viewer", "workspace_id", other.workspace), status: 400, want: []string{"unknown_key"}},
		{name: "a member", who: "owner", method: "POST", path: invite, body: body("email", mail("viewer"), "role", "editor"), status: 409, want: []string{`"exists"`}},
		{name: "viewer lists (69)", who: "viewer", method: "GET", path: p.at("/invites"), status: 403, unwanted: []string{"ann@"}},
		{name: "editor lists (69)", who: "editor", method: "GET", path: p.at("/invites"), status: 403, unwanted: []string{"ann@"}},
		{name: "stranger lists", who: "stranger", method: "GET", path: p.at("/invites"), status: 404},
		{name: "editor revokes", who: "editor", method: "DELETE", path: one, status: 403},
		{name: "through another workspace (20)", who: "owner", method: "DELETE", path: other.at("/invites/" + made.text(t, "id")), status: 404},
		{name: "a token in the path (71)", who: "viewer", method: "POST", path: "/api/v1/invites/lti_abc/accept", status: 404},
		{name: "a token in the query (71)", who: "viewer", method: "POST", path: "/api/v1/invites/accept?token=lti_abc", body: body("token", "lti_abc"), status: 400},
		{name: "GET (78)", who: "viewer", method: "GET", path: "/api/v1/invites/accept", status: 405},
		{name: "HEAD (78)", who: "viewer", method: "HEAD", path: "/api/v1/invites/accept", status: 405},
		{name: "GET revokes nothing (78)", who: "owner", method: "GET", path: one, status: 405},
		{name: "made up", who: "viewer", method: "POST", path: "/api/v1/invites/accept", body: body("token", "lti_"+strings.Repeat("A", 43)), status: 400, want: []string{"invalid_token"}},
		{name: "still there", who: "owner", method: "GET", path: p.at("/invites"), status: 200, want: []string{"ann@example.net"}, unwanted: []string{"a@example.net"}},
		{name: "revoke", who: "admin", method: "DELETE", path: one, status: 204},
		{name: "once", who: "admin", method: "DELETE", path: one, status: 404},
	})
	counts, err := p.auth.MailCounts(t.Context())
	require.NoError(t, err)
	require.Zero(t, counts.Waiting, "a refused request sends no mail (R6)")
	require.Len(t, box.seen, 1)
}

// TestAttack34OverHTTP: another account with the token gets nothing, and the invite stays.
func TestAttack34OverHTTP(t *testing.T) {
	p, box := mailInstance(t, "stranger", "viewer")
	p.must(t, 201, "owner", "POST", p.at("/invite"), body("email", "ann@example.net", "role", "admin"))
	token := box.token(t, "ann@example.net")
	a := p.must(t, 403, "stranger", "POST", "/api/v1/invites/accept", body("token", token))
	require.Contains(t, a.body, "other_address")
	require.NotContains(t, a.body, "ann@")
	p.must(t, 404, "stranger", "GET", p.at(""), nil)
	p.must(t, 403, "", "POST", "/api/v1/auth/register", body("email", "eve@example.net", "password", "long enough", "invite_token", token))
	p.must(t, 201, "", "POST", "/api/v1/auth/register", body("password", "long enough", "invite_token", token))
}

// TestInviterLosesRights: an invite is worth what its maker may do when it is accepted (R23).
func TestInviterLosesRights(t *testing.T) {
	for name, lose := range map[string]func(p *place){
		"demoted": func(p *place) {
			p.must(t, 200, "owner", "PUT", p.at("/members/"+p.id("admin")), body("role", "editor"))
		},
		"removed": func(p *place) { p.must(t, 204, "owner", "DELETE", p.at("/members/"+p.id("admin")), nil) },
		"left":    func(p *place) { p.must(t, 204, "admin", "DELETE", p.at("/members/"+p.id("admin")), nil) },
		"disabled": func(p *place) {
			p.must(t, 200, "root", "PATCH", "/api/v1/users/"+p.id("admin"), `{"disabled":true}`)
		},
		"behind the service's back": func(p *place) {
			require.NoError(t, p.engine.As(rbac.Principal{ID: p.id("owner")}).RemoveMember(bg, p.workspace, p.id("admin")))
		},
		"workspace deleted": func(p *place) { p.must(t, 204, "owner", "DELETE", p.at(""), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			p, box := mailInstance(t, "admin", "stranger")
			p.must(t, 201, "admin", "POST", p.at("/invite"), body("email", mail("stranger"), "role", "editor"))
			p.must(t, 201, "admin", "POST", p.at("/invite"), body("email", "ann@example.net", "role", "editor"))
			tokens := map[string]string{}
			for range 2 {
				l := p.nextLetter(t, box)
				tokens[l.To] = mailedToken.FindStringSubmatch(l.Text)[1]
			}
			lose(p)
			a := p.do(t, "stranger", "POST", "/api/v1/invites/accept", body("token", tokens[mail("stranger")]))
			require.Contains(t, []int{400, 403}, a.status, a.body)
			a = p.do(t, "", "POST", "/api/v1/auth/register", body("password", "long enough", "invite_token", tokens["ann@example.net"]))
			require.Contains(t, []int{400, 403}, a.status, a.body)
			p.must(t, 404, "stranger", "GET", p.at(""), nil)
			_, err := p.auth.UserByEmail(t.Context(), "ann@example.net")
			require.ErrorIs(t, err, auth.ErrNotFound, "no account on a closed instance")
		})
	}
}

// nextLetter waits for the next mail, to whomever.
func (in *instance) nextLetter(t testing.TB, box *outbox) mailtest.Letter {
	t.Helper()
	var to string
	require.Eventually(t, func() bool {
		files, _ := filepath.Glob(filepath.Join(box.dir, "*.eml"))
		for _, f := range files {
			if raw, err := os.ReadFile(f); !box.seen[f] && err == nil {
				l, err := mailtest.Parse(raw)
				require.NoError(t, err)
				to = l.To
				return true
			}
		}
		return false
	}, 10*time.Second, 5*time.Millisecond)
	return box.next(t, to)
}

// TestRemovedMemberStaysOut: an open invite does not bring back whom somebody removed, nor change a member's role.
func TestRemovedMemberStaysOut(t *testing.T) {
	p, box := mailInstance(t, "stranger")
	p.must(t, 201, "owner", "POST", p.at("/invite"), body("email", mail("stranger"), "role", "viewer"))
	token := box.token(t, mail("stranger"))
	p.join(t, p.workspace, "stranger", rbac.Admin)
	p.must(t, 409, "stranger", "POST", "/api/v1/invites/accept", body("token", token))
	require.Equal(t, "admin", p.must(t, 200, "stranger", "GET", p.at(""), nil).text(t, "role"))
	p.must(t, 204, "owner", "DELETE", p.at("/members/"+p.id("stranger")), nil)
	p.must(t, 400, "stranger", "POST", "/api/v1/invites/accept", body("token", token))

	p.must(t, 201, "owner", "POST", p.at("/invite"), body("email", mail("stranger"), "role", "viewer"))
	token = box.token(t, mail("stranger"))
	p.join(t, p.workspace, "stranger", rbac.Viewer)
	p.must(t, 204, "owner", "DELETE", p.at("/members/"+p.id("stranger")), nil)
	p.must(t, 400, "stranger", "POST", "/api/v1/invites/accept", body("token", token))
	p.must(t, 404, "stranger", "GET", p.at(""), nil)
}

// TestParallelAccept accepts one invite thirty times at once: one call makes one member, with one record.
func TestParallelAccept(t *testing.T) {
	p, box := mailInstance(t, "stranger")
	p.must(t, 201, "owner", "POST", p.at("/invite"), body("email", mail("stranger"), "role", "viewer"))
	token := box.token(t, mail("stranger"))
	var won, other atomic.Int64
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			switch a := p.do(t, "stranger", "POST", "/api/v1/invites/accept", body("token", token)); a.status {
			case 200:
				won.Add(1)
			case 400:
			default:
				other.Add(1)
				t.Log(a.status, a.body)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, won.Load())
	require.Zero(t, other.Load())
	log := p.must(t, 200, "owner", "GET", "/api/v1/audit-logs?resource_type=member&resource_id="+p.id("stranger")+"&workspace_id="+p.workspace, nil)
	require.Equal(t, 1, strings.Count(log.body, "member.add"), log.body)
}

// TestInviteTellsNothing: whether an address has an account shows neither in the answer nor in the list (probing).
func TestInviteTellsNothing(t *testing.T) {
	p, box := mailInstance(t, "stranger")
	strip := func(a *answer, email string) string {
		doc := a.body
		for _, key := range []string{"id", "created_at", "expires_at"} {
			doc = strings.ReplaceAll(doc, a.text(t, key), "")
		}
		return strings.ReplaceAll(doc, email, "")
	}
	known := p.must(t, 201, "owner", "POST", p.at("/invite"), body("email", mail("stranger"), "role", "viewer"))
	unknown := p.must(t, 201, "owner", "POST", p.at("/invite"), body("email", "unknown1@example.com", "role", "viewer"))
	require.Equal(t, strip(known, mail("stranger")), strip(unknown, "unknown1@example.com"))
	texts := map[string]string{}
	for range 2 {
		l := p.nextLetter(t, box)
		texts[l.To] = mailedToken.ReplaceAllString(l.Text, "")
	}
	require.Equal(t, texts[mail("stranger")], texts["unknown1@example.com"])
	for _, email := range []string{mail("stranger"), "unknown1@example.com"} { // the old way in
		p.must(t, 400, "owner", "POST", p.at("/members"), body("email", email, "role", "viewer"))
	}
	one := p.must(t, 400, "owner", "POST", p.at("/members"), body("user_id", p.id("stranger"), "role", "viewer"))
	two := p.must(t, 400, "owner", "POST", p.at("/members"), body("user_id", "usr_00000000000000000000000000", "role", "viewer"))
	require.Equal(t, requestIDs.ReplaceAllString(one.body, ""), requestIDs.ReplaceAllString(two.body, ""))
}
