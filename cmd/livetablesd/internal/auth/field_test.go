package auth

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
)

func TestNormalizeEmail(t *testing.T) {
	for in, want := range map[string]string{
		"ann@example.com":                        "ann@example.com",
		" Ann.B+tag@Example.COM\t":               "ann.b+tag@example.com",
		"o'neil@example.co.uk":                   "o'neil@example.co.uk",
		"root@localhost":                         "root@localhost",
		"rene\u0301@example.com":                 "ren\u00e9@example.com",
		"jos\u00c9@b\u00dccher.example":          "jos\u00e9@b\u00fccher.example",
		"":                                       "",
		"ann":                                    "",
		"@example.com":                           "",
		"ann@":                                   "",
		"ann@@example.com":                       "",
		"a b@example.com":                        "",
		"a\x00@example.com":                      "",
		"a\n@example.com":                        "",
		"ann@example.com\nBcc: x":                "",
		"ann@example..com":                       "",
		"ann@.example.com":                       "",
		"ann@-example.com":                       "",
		"ann@exam_ple.com":                       "",
		".ann@example.com":                       "",
		"ann..b@example.com":                     "",
		`"a b"@example.com`:                      "",
		"Ann <ann@example.com>":                  "",
		"ann@[127.0.0.1]":                        "",
		"ann@example.com,bob@x.com":              "",
		"ann\xff@example.com":                    "",
		"ann\u202e@example.com":                  "",
		strings.Repeat("a", 65) + "@example.com": "",
		"a@" + strings.Repeat("b", 64) + ".com":  "",
		"a@" + strings.Repeat(strings.Repeat("b", 60)+".", 5) + "com": "",
		strings.Repeat("x", 1<<20):                                    "",
	} {
		got, ok := NormalizeEmail(in)
		require.Equal(t, want, got, "%.40q", in)
		require.Equal(t, want != "", ok)
	}
}

func FuzzNormalizeEmail(f *testing.F) {
	for _, seed := range []string{"ann@example.com", " A@B ", "İ@x", "a@b@c", "\u0301@x.y"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		email, ok := NormalizeEmail(s)
		if !ok {
			return
		}
		if again, ok := NormalizeEmail(email); !ok || again != email {
			t.Fatalf("%q -> %q -> %q, %v", s, email, again, ok)
		}
		if len(email) > MaxEmail || !utf8.ValidString(email) || strings.ContainsAny(email, " \t\r\n\x00<>,;") {
			t.Fatalf("%q -> %q", s, email)
		}
	})
}

func TestFieldErrorsComeTogether(t *testing.T) {
	f := newFixture(t, nil)
	admin := f.root()
	for _, test := range []struct {
		in   NewUser
		want string
	}{
		{NewUser{}, "email required, password required"},
		{NewUser{Email: "x", Name: "a\x00", Password: livetables.NewSecret("1234567")}, "email invalid, name invalid, password too_short"},
		{NewUser{Email: "a@b", Name: strings.Repeat("é", 201), Password: livetables.NewSecret(strings.Repeat("x", 1025))}, "name too_long, password too_long"},
		{NewUser{Email: "a@b", Name: "a\u202eb", Password: livetables.NewSecret("1234567\xff")}, "name invalid, password invalid"},
	} {
		_, err := f.CreateUser(t.Context(), admin, test.in)
		var invalid *ValidationError
		require.ErrorAs(t, err, &invalid)
		var got []string
		for _, e := range invalid.Fields {
			got = append(got, e.Field+" "+e.Code)
			require.NotEmpty(t, e.Message)
		}
		require.Equal(t, test.want, strings.Join(got, ", "))
	}
	_, err := f.CreateUser(t.Context(), admin, NewUser{Email: "a@b", Password: livetables.NewSecret("12345678")})
	require.NoError(t, err)
}

func TestHashForms(t *testing.T) {
	h := newHasher(weakHash, 1, 1)
	stored, err := h.hash(t.Context(), "password")
	require.NoError(t, err)
	require.Regexp(t, `^\$argon2id\$v=19\$m=64,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`, stored)
	for _, bad := range []string{
		"x", "$", strings.Replace(stored, "argon2id", "argon2i", 1), strings.Replace(stored, "v=19", "v=18", 1),
		strings.Replace(stored, "m=64", "m=4294967295", 1), strings.Replace(stored, "t=1", "t=0", 1),
		strings.Replace(stored, "p=1", "p=0", 1), stored + "$", stored[:len(stored)-30], strings.Replace(stored, "m=64", "m=-1", 1),
	} {
		match, _, err := h.verify(t.Context(), bad, "password")
		require.Error(t, err, bad)
		require.False(t, match)
	}
	match, renew, err := h.verify(t.Context(), "", "password")
	require.NoError(t, err)
	require.False(t, match || renew)
}

func TestOptions(t *testing.T) {
	_, err := Options{
		Registration: "anybody", AccessTTL: MaxAccessTTL + 1, RefreshTTL: 1, Hash: weakHash, Limits: Limits{PerAddress: -1},
	}.withDefaults()
	require.Error(t, err)
	require.Len(t, err.(interface{ Unwrap() []error }).Unwrap(), 6)
	o, err := Options{Keys: testKeys("x")}.withDefaults()
	require.NoError(t, err)
	require.Equal(t, DefaultHash, o.Hash)
	require.Equal(t, RegistrationClosed, o.Registration)
}

// TestSecretsStayOut plants secrets in every field and looks for them wherever text comes out.
func TestSecretsStayOut(t *testing.T) {
	f := newFixture(t, nil)
	admin := f.root()
	u := f.user(admin, "ann@example.com")
	tokens := f.login("ann@example.com")
	next, err := f.Refresh(t.Context(), tokens.Refresh, home)
	require.NoError(t, err)
	var out strings.Builder
	show := func(err error) { fmt.Fprintf(&out, "%v %+v\n", err, err) }
	_, err = f.Login(t.Context(), Credentials{"ann@example.com", livetables.NewSecret("planted wrong password")}, home)
	show(err)
	_, err = f.Verify(t.Context(), next.Access.Reveal()+"x")
	show(err)
	_, err = f.Refresh(t.Context(), tokens.Refresh, home) // reuse
	show(err)
	_, err = f.Refresh(t.Context(), livetables.NewSecret("planted token"), home)
	show(err)
	_, err = f.CreateUser(t.Context(), admin, NewUser{Email: "ann@example.com", Password: livetables.NewSecret("planted password")})
	show(err)
	_, err = f.CreateUser(t.Context(), admin, NewUser{Email: "x", Password: livetables.NewSecret("planted")})
	show(err)
	setup := f.setup
	fmt.Fprintf(&out, "%v %+v %#v\n", tokens, next, Registration{Password: livetables.NewSecret("planted"), SetupToken: setup})
	fmt.Fprintf(&out, "%+v\n", f.recorded())
	out.WriteString(f.log.String())
	acc, err := f.readAccount(t.Context(), "id", u.ID)
	require.NoError(t, err)
	for _, secret := range []string{
		"planted", tokens.Access.Reveal(), next.Access.Reveal(), tokens.Refresh.Reveal(), next.Refresh.Reveal(),
		passwordOf("ann@example.com").Reveal(), rootPassword, acc.password, setup.Reveal(),
	} {
		require.NotEmpty(t, secret)
		require.NotContains(t, out.String(), secret)
	}
}
