// Package web is a web inbox for agents: server-rendered, without a build
// step, under a strict Content-Security-Policy, and complete without
// JavaScript. A product mounts it beside its own pages:
//
//	mux.Handle("/support/", web.Handler(desk, auth, "/support"))
//
// It brings no users and no sign-in: auth says who a request is from.
package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/helpdesk-go/helpdesk"
	"github.com/helpdesk-go/helpdesk/privacy"
	"github.com/helpdesk-go/helpdesk/ticket"
)

// Identity is whom a request is from: an agent and the tenant he works for.
type Identity struct {
	Tenant ticket.TenantID
	Agent  ticket.AgentID
}

// Auth tells whom a request is from, by the session of the product around it.
// It returns false for nobody, who then sees nothing.
type Auth func(*http.Request) (Identity, bool)

// Options are choices about the pages. The zero value is usable.
type Options struct {
	// Title stands at the top of the navigation; empty is "Helpdesk".
	Title string
	// Links are added to the navigation.
	Links []Link
	// MaxUpload bounds a reply with its files, in bytes; 0 means 25 MiB.
	MaxUpload int64
}

// Link is a link to a page of the product around the inbox.
type Link struct{ Text, URL string }

// Handler returns the pages under prefix, which is the path that the mux
// routes here, such as "/support", or empty. The path of requests is the full
// one: do not wrap it in http.StripPrefix.
func Handler(desk *helpdesk.Desk, auth Auth, prefix string) http.Handler {
	return HandlerWith(desk, auth, prefix, Options{})
}

// HandlerWith is [Handler] with options.
func HandlerWith(desk *helpdesk.Desk, auth Auth, prefix string, o Options) http.Handler {
	if o.Title == "" {
		o.Title = "Helpdesk"
	}
	if o.MaxUpload <= 0 {
		o.MaxUpload = 25 << 20
	}
	s := &site{desk: desk, auth: auth, opts: o, tails: tails{at: map[ticket.TenantID]*tail{}}}
	if p := strings.Trim(prefix, "/"); p != "" {
		s.prefix = "/" + p
	}
	s.pages = parse(s)
	forgery := http.NewCrossOriginProtection()
	forgery.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.problem(w, http.StatusForbidden, "This form was sent from another site, so nothing was done.")
	}))
	return protect(forgery.Handler(s.routes()))
}

// site is a mounted inbox.
type site struct {
	desk   *helpdesk.Desk
	auth   Auth
	prefix string
	opts   Options
	pages  pages
	tails  tails
}

func (s *site) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, f func(*visit) error) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.Handle(method+" "+s.prefix+path, s.visitors(f))
	}
	handle("GET /{$}", s.list)
	handle("GET /changes", s.changes)
	handle("GET /new", s.newTicket)
	handle("POST /new", s.startTicket)
	handle("GET /tickets/{ticket}", s.conversation)
	handle("GET /tickets/{ticket}/body/{seq}", s.mailBody)
	handle("POST /tickets/{ticket}/reply", s.reply)
	handle("POST /tickets/{ticket}/note", s.note)
	handle("POST /tickets/{ticket}/assign", s.assign)
	handle("POST /tickets/{ticket}/status", s.status)
	handle("POST /tickets/{ticket}/tags", s.tags)
	handle("POST /tickets/{ticket}/messages/{message}/delivery", s.delivery)
	handle("GET /messages/{message}/files/{index}", s.download)
	handle("GET /messages/{message}/inline/{index}", s.inline)
	handle("GET /messages/{message}/raw", s.rawMail)
	handle("GET /quarantine", s.quarantine)
	handle("POST /quarantine/{mail}", s.takeOut)
	handle("GET /quarantine/{mail}/raw", s.quarantinedRaw)
	handle("GET /mailboxes", s.mailboxes)
	mux.Handle("GET "+s.prefix+"/assets/", s.assets())
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == s.prefix && r.Method == http.MethodGet {
			http.Redirect(w, r, s.prefix+"/", http.StatusMovedPermanently)
			return
		}
		s.problem(w, http.StatusNotFound, "There is no such page.")
	})
	return mux
}

// visit is one request of a known agent.
type visit struct {
	w      http.ResponseWriter
	r      *http.Request
	ctx    context.Context // with the agent as principal, for support
	who    Identity
	tenant *helpdesk.Tenant
}

// visitors lets agents in, and nobody else. From here on everything that is
// opened is opened in the agent's name and logged as that.
func (s *site) visitors(f func(*visit) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, ok := s.auth(r)
		if !ok || who.Tenant == "" || who.Agent == "" {
			s.problem(w, http.StatusForbidden, "You are not signed in as an agent.")
			return
		}
		v := &visit{
			w: w, r: r, who: who, tenant: s.desk.Tenant(who.Tenant),
			ctx: privacy.As(r.Context(), privacy.Agent(who.Agent), privacy.Support),
		}
		if err := f(v); err != nil {
			s.fail(w, err)
		}
	})
}

// The policy of every page: its own styles, script, pictures and frames, forms
// to itself, and nothing else.
const pagePolicy = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; " +
	"frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// filePolicy is for what strangers sent: it runs nothing, loads nothing and
// belongs to no origin.
const filePolicy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"

// protect sets the headers that hold for every answer, errors included.
func protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// url joins a path of this site.
func (s *site) url(path string) string { return s.prefix + path }

// to sends the browser on after a form.
func (s *site) to(v *visit, path string) error {
	http.Redirect(v.w, v.r, s.url(path), http.StatusSeeOther)
	return nil
}

func ticketPath(id ticket.ID) string { return "/tickets/" + id.String() }

// pathID reads an id of the path. One that is malformed is not found.
func (v *visit) pathID(name string) (ticket.ID, error) {
	id, err := ticket.ParseID(v.r.PathValue(name))
	if err != nil {
		return id, helpdesk.ErrNotFound
	}
	return id, nil
}
